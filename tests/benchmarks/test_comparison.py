"""What is measured is summed up by medians, and a program that failed is named instead of left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.comparison import OURS, Comparison
from benchmarks.measuring import Measured, family, measure, parents_by_pid, pss_bytes

MB = 1_000_000
ROOT = Path(__file__).resolve().parents[2]


def compared() -> Comparison:
    comparison = Comparison(row_count=1_000)
    for seconds in (2.0, 9.0, 1.0):
        comparison.add(OURS, Measured(seconds=seconds, largest_bytes=3 * MB, tree_bytes=int(seconds) * MB))
    for seconds in (4.0, 8.0, 5.0):
        comparison.add("polars_xgboost", Measured(seconds=seconds, largest_bytes=MB, tree_bytes=MB))
    comparison.add("dask_xgboost", Measured(seconds=7.0, largest_bytes=1, tree_bytes=1, failure="no memory"))
    return comparison


def test_ratios_are_those_of_the_medians_and_peaks_the_largest() -> None:
    document = compared().document()

    assert document["ratios"] == {"polars_xgboost": 2.5}
    assert document["seconds"] == {OURS: [2.0, 9.0, 1.0], "polars_xgboost": [4.0, 8.0, 5.0]}
    assert document["all_processes_bytes"] == {OURS: 9 * MB, "polars_xgboost": MB}


def test_a_failure_is_named_with_its_reason_and_has_no_figures() -> None:
    assert compared().document()["failures"] == {"dask_xgboost": "no memory"}
    assert "failed:  dask_xgboost    no memory" in compared().summary()


def test_the_summary_names_rate_and_ratio() -> None:
    assert "2.00 s         500 records/s" in compared().summary()
    assert "200 records/s" in compared().summary()
    assert "2.50 x ours" in compared().summary()


@pytest.mark.functional
@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("pass", None),
        ("import sys; sys.exit('too little memory')", "ended with 1: too little memory"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9: it said nothing"),
    ],
)
def test_a_command_that_fails_says_why(code: str, failure: str | None) -> None:
    assert measure([sys.executable, "-c", code]).failure == failure


@pytest.mark.functional
def test_the_largest_process_has_what_it_took() -> None:
    """One that holds 200 MB, and one that does not; measured by a program that is small itself."""
    program = """
import sys
from benchmarks.measuring import measure
for code in ("b'x' * 200_000_000", "pass"):
    found = measure([sys.executable, "-c", code])
    print(found.largest_bytes, found.tree_bytes)
"""
    measuring = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=ROOT)
    (large, large_tree), (small, _) = (map(int, line.split()) for line in measuring.stdout.splitlines())

    assert large - small > 150 * MB
    assert large_tree >= large


def test_a_family_has_grandchildren_and_members_whose_parent_ended() -> None:
    parents = {2: 1, 3: 2, 4: 3, 5: 1, 6: 1}

    assert family({2, 6, 99}, parents) == {2, 3, 4, 6}


@pytest.mark.functional
def test_processes_and_their_memory_are_found() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert parents_by_pid()[child.pid] == os.getpid()
        assert pss_bytes(child.pid) > 0
        child.communicate(b"\n")
    assert pss_bytes(child.pid) == 0
