"""Time the reading and checking of CSV by ours, DuckDB, Polars and pyarrow, sound and with a little damage.

    python -m benchmarks.compare_readers --rows 5000000

Each (`benchmarks/readers/`) reads the benchmarks' customers as typed columns and checks the rules of their
contract, except that an id is unique; it writes nothing but what it found. All start as processes of their
own, in turn; what counts are the medians. Of the damaged file it is noted how many records each reads, how
many of the others it names, and what it knows of the first; ours must name every damaged one, by its reason.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.compare import run_module
from benchmarks.comparison import OURS, Comparison
from benchmarks.damage import damage_counts
from benchmarks.machine import describe_machine, keep_result
from benchmarks.measuring import Measured, measure
from benchmarks.readers.findings import Findings, found_below
from benchmarks.workload_files import WORK, Workload, workload_below

READERS = {
    OURS: "ours_native",
    "ours_library": "ours_library",
    "duckdb": "duckdb_typed",
    "polars": "polars_typed",
    "polars_texts": "polars_texts",
    "pyarrow": "pyarrow_typed",
}
EXACT = (OURS, "ours_library")
"""Those that must name every damaged record."""

DAMAGED_FRACTION = 0.001
PACKAGES = ("duckdb", "polars", "pyarrow")


def command(name: str, workload: Workload, folder: Path) -> list[str]:
    """Return the command of one reader, which leaves what it found below `folder`."""
    arguments = (workload.customers, workload.contract, folder)
    return [sys.executable, "-m", f"benchmarks.readers.{READERS[name]}", *(str(path) for path in arguments)]


def measure_in_turn(workload: Workload, rounds: int, folder: Path) -> tuple[Comparison, dict[str, Findings]]:
    """Run every reader `rounds` times; return what was measured, and what those found that did not fail."""
    comparison, findings = Comparison(row_count=workload.row_count), {}
    for number in range(1, rounds + 1):
        for name in READERS:
            if comparison.failure(name):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            os.sync()  # what the last one wrote is not to be paid for by the next one
            taken = measure(command(name, workload, folder))
            if taken.failure is None:
                findings[name] = found_below(folder)
                taken = checked(name, taken, findings[name], workload)
            comparison.add(name, taken)
            print(f"round {number}: {comparison.line(name, taken)}", flush=True)
    return comparison, findings


def checked(name: str, taken: Measured, found: Findings, workload: Workload) -> Measured:
    """Return what was measured, failed if what was found is not what is there.

    Nobody may find fault with a sound file. Of a damaged one, only ours must name everything.
    """
    expected = dict(damage_counts(workload.row_count, workload.damage_fraction))
    is_right = (
        found.valid_count == workload.row_count - sum(expected.values()) and found.held_back == expected
    )
    if is_right or (expected and name not in EXACT):
        return taken
    return replace(taken, failure=f"found {found.valid_count} valid and {found.held_back}")


def unsaid(found: Findings, workload: Workload) -> int:
    """Return of how many records a reader says nothing at all."""
    return workload.row_count - found.valid_count - sum(found.held_back.values())


def make_customers(row_count: int, damage: float) -> Workload:
    """Make the customers unless they are there.

    Raises:
        SystemExit: They could not be made.
    """
    arguments = ("--rows", str(row_count), "--damage", str(damage), "--customers-only")
    made = run_module("benchmarks.workload", *arguments)
    if made.returncode:
        sys.exit(made.stderr)
    return workload_below(WORK, row_count, damage)


def main(arguments: Sequence[str]) -> None:
    """Make the customers where needed, run all in turn, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_readers", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="customers")
    parser.add_argument("--rounds", type=int, default=3, help="how often each reads each file")
    parser.add_argument("--trial", action="store_true", help="keep no result")
    given = parser.parse_args(arguments)
    result: dict[str, Any] = {"rows": given.rows, "damaged_fraction": DAMAGED_FRACTION}
    for title, damage in (("sound", 0.0), ("damaged", DAMAGED_FRACTION)):
        workload = make_customers(given.rows, damage)
        print(f"{title}: {workload.customers.stat().st_size / 1e6:,.1f} MB")
        with tempfile.TemporaryDirectory(prefix="readers-", dir=WORK) as work:
            comparison, findings = measure_in_turn(workload, given.rounds, Path(work) / "found")
        print(comparison.summary())
        result[title] = comparison.document()
        if damage:
            result[title]["told"] = {
                name: {**asdict(one), "unsaid": unsaid(one, workload)} for name, one in findings.items()
            }
            for name, one in findings.items():
                named = dict(one.held_back)
                print(f"{name}: {one.valid_count:,} valid, {named}, {unsaid(one, workload):,} unsaid")
    result["versions"] = {name: version(name) for name in PACKAGES}
    result["machine"] = describe_machine()
    if not given.trial:
        print(f"kept in {keep_result('compare_readers', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])
