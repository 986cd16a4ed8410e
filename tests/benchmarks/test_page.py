"""The page of benchmarks shows what was recorded, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks import page


def record(rows: int, measured_at: str, **changed: Any) -> dict[str, Any]:
    return {
        "measured_at": measured_at,
        "rows": rows,
        "megabytes": 12.5,
        "damage_fraction": 0.0,
        "seconds": {"batchscore": [2.0, 1.0, 4.0], "pandas_whole": [5.0, 6.0, 7.0]},
        "largest_process_bytes": {"batchscore": 300_000_000, "pandas_whole": 1_300_000_000},
        "all_processes_bytes": {"batchscore": 500_000_000, "pandas_whole": 1_400_000_000},
        "ratios": {"pandas_whole": 3.0},
        "failures": {},
        "machine": {"processor": "P", "cores": 2, "memory_gib": 8, "system": "Linux", "python": "3.11.7"},
        **changed,
    }


def bars(svg: str) -> list[str]:
    """Return what a screen reader says of each bar; where it stands depends on the machine's fonts."""
    return re.findall(r'aria-label="([^"]*; program: [^"]*)"', svg)


def test_the_golden_page_and_chart_are_what_the_recorded_results_give(update_golden: bool) -> None:
    """`python -m benchmarks.page` writes them anew, and so does `make golden`."""
    if update_golden:
        page.main()
    records = page.newest_by_size(page.RECORDS_PATH.read_text(encoding="utf-8").splitlines())

    assert (page.DOCS / page.PAGE_NAME).read_text(encoding="utf-8") == page.page_text(records)
    chart = (page.DOCS / page.CHART_NAME).read_text(encoding="utf-8")
    assert bars(chart) == bars(page.chart_svg(records)) != []


def test_the_newest_comparison_of_each_size_is_shown_the_smallest_first() -> None:
    """One with damage is no comparison: no peer takes part in it."""
    recorded = [
        record(5_000, "2026-01-03"),
        record(1_000, "2026-01-02"),
        record(1_000, "2026-01-01"),
        record(1_000, "2026-01-04", damage_fraction=0.1),
    ]

    shown = page.newest_by_size(json.dumps(one) for one in recorded)

    assert shown == [record(1_000, "2026-01-02"), record(5_000, "2026-01-03")]


def test_a_row_has_median_rate_ratio_and_memory() -> None:
    text = page.page_text([record(1_000, "2026-01-02")])

    assert "| pandas | 6.00 | 167 | 3.00 | 1,300 | 1,400 |" in text
    assert "| **this project: the whole pipeline** | 2.00 | 500 | 1.00 | 300 | 500 |" in text


def test_a_program_that_failed_is_named_with_its_reason() -> None:
    failed = record(1_000, "2026-01-02", failures={"dask_xgboost": "ended by signal 9: it said nothing"})

    assert "Dask could not do it: ended by signal 9: it said nothing" in page.page_text([failed])


def test_every_peer_has_a_name_for_people() -> None:
    from benchmarks.compare import HEAVY_PEERS, PEERS

    assert set(page.NAMES) == {page.OURS, *PEERS, *HEAVY_PEERS}
