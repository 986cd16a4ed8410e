"""Simulate runs in AWS of a million to ten billion records, and draw `docs/simulation.md`.

python -m benchmarks.simulation              simulate by the kept speeds, keep the outcome, draw the page
python -m benchmarks.simulation --measure    measure the model server's speeds first
python -m benchmarks.simulation --validate   compare the model with the emulator first
python -m benchmarks.simulation --page       only draw the page, from what is kept
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.machine import keep_result
from benchmarks.simulation import page
from benchmarks.simulation.assumptions import ASSUMPTIONS, CHANCE
from benchmarks.simulation.scenarios import all_outcomes
from benchmarks.simulation.serving_speed import RESULT_NAME, measure_serving, speeds_of
from benchmarks.simulation.validation import validate


def simulate_all() -> None:
    """Simulate every scenario, print and keep what becomes of each."""
    measured = page.newest(RESULT_NAME) or measure_serving()
    outcomes = []
    for outcome in all_outcomes(speeds_of(measured), CHANCE):
        outcomes.append(outcome)
        print(page.row(outcome), flush=True)
    result = {
        "outcomes": outcomes,
        "speeds_measured_at": measured.get("measured_at"),
        "assumptions": [asdict(one) for one in ASSUMPTIONS],
    }
    print(f"kept in {keep_result(page.RESULT_NAME, result)}")


def main(arguments: Sequence[str]) -> None:
    """Do what was asked for, then draw the page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--measure", action="store_true", help="measure the speeds of the model server first")
    parser.add_argument("--validate", action="store_true", help="compare the model with the emulator first")
    parser.add_argument("--page", action="store_true", help="only draw the page")
    given = parser.parse_args(arguments)
    if not given.page:
        if given.measure:
            measure_serving()
        if given.validate:
            validate()
        simulate_all()
    page.draw()


if __name__ == "__main__":
    main(sys.argv[1:])
