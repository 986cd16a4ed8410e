"""The page of the simulation shows what is kept, and nothing else."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.simulation import page, serving_speed, validation


def points(svg: str) -> list[str]:
    """Return what a screen reader says of each point; where it stands depends on the machine's fonts."""
    return re.findall(r'aria-label="([^"]*; layout: [^"]*)"', svg)


def kept(name: str) -> dict[str, Any]:
    found = page.newest(name)
    assert found is not None
    return found


def test_the_golden_page_and_chart_are_what_the_kept_results_give(update_golden: bool) -> None:
    """`python -m benchmarks.simulation --page` writes them anew, and so does `make golden`."""
    if update_golden:
        page.draw()
    simulated = kept(page.RESULT_NAME)
    text = page.page_text(simulated, kept(serving_speed.RESULT_NAME), kept(validation.RESULT_NAME))

    assert (page.DOCS / page.PAGE_NAME).read_text(encoding="utf-8") == text
    chart = (page.DOCS / page.CHART_NAME).read_text(encoding="utf-8")
    assert points(chart) == points(page.chart_svg(simulated["outcomes"])) != []


def test_what_is_not_possible_has_no_figures() -> None:
    outcome = {"layout": "one file, Parquet", "instances": 4, "objects": 1, "is_possible": False}
    assert page.row(outcome) == "| one file, Parquet | 4 | 1 | not possible |  |  |  |  |  |  |"


def test_the_kept_simulation_keeps_every_instance_busy_as_planned() -> None:
    """Our shards, for all sizes and counts of instances."""
    outcomes = [one for one in kept(page.RESULT_NAME)["outcomes"] if one["layout"].startswith("our shards")]
    assert outcomes
    assert [one for one in outcomes if one["least_busy_without_chance"] < 0.95] == []
