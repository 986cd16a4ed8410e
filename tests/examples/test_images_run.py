"""The images example, as its user runs it: every scan is scored, every broken file has its reason."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from example_run import ExampleRun, check_report, run_example
from playwright.sync_api import Browser

from examples.images import data
from examples.images.accuracy import accuracy

pytestmark = pytest.mark.end_to_end

LEAST_ACCURACY = 0.94


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    return run_example("images", tmp_path_factory.mktemp("images"))


def test_every_scan_is_scored_and_every_broken_file_held_back(done: ExampleRun) -> None:
    """Out of folders, a tar and a zip."""
    counts = done.results.counts
    assert counts == {"read": 1803, "valid": 1797, "quarantined": 6, "scored": 1797, "unscorable": 0}


def test_the_reason_of_each_broken_file_is_the_one_expected(done: ExampleRun) -> None:
    """By the name that its message begins with."""
    assert done.results.quarantine is not None
    (path,) = done.results.quarantine.glob("*.parquet")
    held = pq.read_table(path).to_pylist()
    assert {row["message"].partition(": ")[0]: row["reason_code"] for row in held} == data.BROKEN_FILES


def test_the_model_knows_digits_that_it_never_saw(done: ExampleRun) -> None:
    """From the published scores, on the half that it was not trained on."""
    assert done.results.scores is not None
    assert accuracy(done.results.scores) >= LEAST_ACCURACY


def test_its_report_can_be_opened(done: ExampleRun, browser: Browser) -> None:
    check_report(browser, done)


def test_the_same_code_makes_the_same_archive(tmp_path: Path) -> None:
    """And copies of scans are more of the same."""
    data.write_archive(tmp_path / "a", 30)
    data.write_archive(tmp_path / "b", 30)
    made = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "a", tmp_path / "b")
    ]
    assert made[0] == made[1]
    assert len(made[0]) == 10 + 2 + 5
