"""`python3 -m reporting` as the container starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import TinyRun, TinyShard

from contracts.container_paths import FAILURE_MESSAGE, inside
from contracts.progress import Progress, parse_progress
from contracts.timings import parse_timings
from reporting.request import ReportPaths

pytestmark = pytest.mark.functional

RUN = TinyRun(shards=[TinyShard.scored(["a", "b"], [0.1, 0.9], ["No", "Yes"])])


def _start(root: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "reporting", *argv],
        env={**os.environ, "BATCHSCORE_ML_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_report_ends_with_its_progress_its_timings_and_success(tmp_path: Path) -> None:
    """The timings name every part of the report, those that its threads have too."""
    done = _start(RUN.write(tmp_path), RUN.argv())
    assert (done.returncode, done.stderr) == (0, "")
    progress, last = done.stdout.splitlines()[-2:]
    assert parse_progress(progress) == Progress(records=2)
    timings = parse_timings(last)
    assert timings is not None
    assert {"settle and publish scores", "measure drift", "draw and write the report"} <= set(timings.parts)
    beside = {"import what draws", "settle a shard", "draw beside the action list"}
    assert set(timings.thread_seconds) == beside
    assert sum(timings.parts.values()) <= timings.seconds
    assert (ReportPaths.below(tmp_path).pointer / "latest.json").is_file()


def test_a_refusal_has_its_exit_code_and_leaves_the_reason_where_the_service_looks(tmp_path: Path) -> None:
    RUN.write(tmp_path)
    next(ReportPaths.below(tmp_path).transform.iterdir()).unlink()
    done = _start(tmp_path, RUN.argv())
    message = inside(tmp_path, FAILURE_MESSAGE).read_text()
    assert (done.returncode, done.stderr.strip()) == (70, message)
    assert message.startswith("the books do not balance, nothing was published: 1 of 1 outputs are missing")


def test_wrong_arguments_are_told_where_the_service_looks(tmp_path: Path) -> None:
    done = _start(tmp_path, RUN.argv(output_format="jsonl"))
    assert done.returncode == 2
    assert "valid: parquet, csv" in inside(tmp_path, FAILURE_MESSAGE).read_text()
