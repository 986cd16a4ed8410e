"""The summary tells a person how a run went, and what can be done where it did not go well."""

from __future__ import annotations

import pytest

from emulator.run_record import RunRecord, StepRecord
from runner.results import RunResults
from runner.summary import print_summary


def step(started_at: str, seconds: float) -> StepRecord:
    return StepRecord(type="any", status="Succeeded", started_at=started_at, seconds=seconds)


def results(resume_command: str | None = None, **facts: object) -> RunResults:
    begun = {
        "run_id": "r1",
        "pipeline_name": "candidate",
        "parameters": {},
        "process_id": 1,
        "started_at": "2026-11-23T06:00:00.000Z",
        "finished_at": "2026-11-23T08:00:10.000Z",
        "steps": {
            "PrepareInput": step("2026-11-23T06:00:00.000Z", 9.0),
            "ScoreShards": step("2026-11-23T08:00:00.000Z", 8.0),
        },
    }
    return RunResults(
        record=RunRecord(**{**begun, **facts}),  # type: ignore[arg-type]  # the facts are the test's own
        counts={"scored": 11},
        scores=None,
        quarantine=None,
        ledger=None,
        report=None,
        facts=None,
        resume_command=resume_command,
    )


def test_a_lost_run_says_how_to_resume_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(results("batchscore resume r1", status="Stopped"))

    assert "  to resume  batchscore resume r1\n" in capsys.readouterr().out


def test_the_time_of_a_resumed_run_is_that_of_its_last_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    """The hours for which it lay there say nothing about its speed."""
    print_summary(results(status="Succeeded", resumed_at=("2026-11-23T08:00:00.000Z",)))

    out = capsys.readouterr().out
    assert "10.0 s since it was resumed (ScoreShards 8.0 s)" in out
    assert "  resumed  2026-11-23T08:00:00.000Z\n" in out
    assert "to resume" not in out
