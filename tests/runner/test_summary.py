"""The summary tells a person how a run went, and what can be done where it did not go well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from reported_state import SECOND, reported_state

from contracts.ledger import read_ledger
from emulator.run_record import RunRecord, StepRecord
from runner.results import RunResults, results_of
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


@pytest.mark.functional
@pytest.mark.parametrize(
    ("quality", "line"),
    [
        ({"accuracy": 0.91, "auc": 0.8}, "  AUC            0.8000 on the 2 records with a label\n"),
        ({"accuracy": 0.12, "hit_rate": 0.4}, "  hit rate       0.4000 on the 2 records with a label\n"),
        ({"accuracy": 0.91, "f1_macro": 0.9}, "  accuracy       0.9100 on the 2 records with a label\n"),
    ],
)
def test_one_number_says_how_good_the_model_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quality: dict[str, float], line: str
) -> None:
    """That which people of the field ask for first."""
    state = reported_state(tmp_path)
    found = results_of(state.run(SECOND), state)
    assert found.ledger is not None
    print_summary(replace(found, facts=replace(read_ledger(found.ledger), quality=quality)))

    assert line in capsys.readouterr().out
