"""`batchscore results` says of a run in AWS what it says of a local one, with URIs as places."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from recorded_runs import PACKAGE, LostRun, RecordedRun, after, arn_of, put

from contracts.ledger import RunCounts, RunLedger

pytestmark = pytest.mark.functional


def publish(lost: LostRun) -> None:
    """Write what ReportRun publishes, and let the run have succeeded."""
    scores = "s3://data/out/scores/run_date=2100-01-04/run1/"
    ledger = RunLedger(
        run_id="run1",
        run_date="2100-01-04",
        pipeline_name="Batchscore-Production",
        finished_at="2100-01-04T06:40:00.000Z",
        model_package_arn=PACKAGE,
        contract_fingerprint="f",
        wire_format="csv",
        parameters={},
        counts=RunCounts(read=601, valid=600, quarantined=1, scored=599, unscorable=1),
        reason_counts={"wrong_type": 1},
        sources=[],
        shards=[],
        uris={"scores": scores, "ledger": f"{lost.uri}report/run.json"},
        quality={"auc": 0.75},
        labelled_count=10,
        timings={},
    )
    put(f"{lost.uri}report/run.json", json.dumps(asdict(ledger)).encode())
    put(f"{lost.uri}report/report.html", b"<p>")
    put(f"{scores}shard-00-00000.parquet", b"")
    lost.run.status, lost.run.reason, lost.run.ended_at = "Succeeded", "", after(40)
    lost.run.step("ScoreShards", "Succeeded", 11, 30)
    lost.run.step("ReportRun", "Succeeded", 30, 40)


def test_a_run_that_succeeded_shows_counts_quality_and_uris(batchscore: Any, lost: LostRun) -> None:
    """The summary of local runs."""
    publish(lost)
    answer = batchscore("results", lost.arn)
    assert answer.exit_code == 0
    lines = {
        line[2:].partition("  ")[0]: line[2:].partition("  ")[2].strip() for line in answer.out.splitlines()
    }
    assert answer.out.startswith("Run run1 Succeeded\n")
    assert (lines["read"], lines["scored"], lines["unscorable"]) == ("601", "599", "1")
    assert lines["AUC"].startswith("0.7500 on the 10 records")
    assert lines["scores"] == "s3://data/out/scores/run_date=2100-01-04/run1/"
    assert lines["report"] == f"{lost.uri}report/report.html"
    assert lines["held back"] == f"{lost.uri}quarantine/algo-1.digest.html shows them"
    assert lines["time"].startswith("2400.0 s, 0 records/s (ScoreShards 1140.0 s")


def test_scripts_get_the_same_keys_as_for_a_local_run(batchscore: Any, lost: LostRun) -> None:
    publish(lost)
    facts = json.loads(batchscore("results", lost.arn, "--json").out)
    assert facts["counts"]["scored"] == 599
    assert facts["quality"] == {"auc": 0.75}
    assert facts["ledger"] == f"{lost.uri}report/run.json"
    assert facts["execution_arn"] == lost.arn
    assert facts["resume_command"] is None


def test_a_lost_run_says_how_far_it_came_and_what_goes_on(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """Counts come from its plan; nothing was published."""
    assert package == PACKAGE
    answer = batchscore("results", lost.arn)
    assert answer.exit_code == 0
    assert "reason       ScoreShards: ClientError: see the logs\n" in answer.out
    assert f"to resume    batchscore resume {lost.arn}\n" in answer.out
    assert "came to: ScoreShards Failed; 1 of 3 shards have scores (100 of 600 records)\n" in answer.out
    assert "scores  " not in answer.out.replace("have scores", "")


def test_a_run_that_was_not_prepared_says_to_start_anew(batchscore: Any, lost: LostRun) -> None:
    """There is nothing to resume from."""
    lost.run.steps = lost.run.steps[:1]
    lost.run.step("PrepareInput", "Failed", 0, 10, FailureReason="AlgorithmError: no memory")
    for name in ("plan/plan.json", "plan/shard_manifest.json"):
        lost.delete(name)
    answer = batchscore("results", lost.arn)
    assert "came to: PrepareInput Failed; the input was not prepared\n" in answer.out
    assert "was lost before its input was prepared" in answer.out
    assert "start a new run with `batchscore start`" in answer.out


def test_a_run_that_goes_on_says_how_to_follow_it(batchscore: Any, lost: LostRun) -> None:
    lost.run.status = "Executing"
    answer = batchscore("results", lost.arn)
    assert f"follow it: batchscore status {lost.arn} --wait" in answer.out


def test_a_ledger_that_is_damaged_is_named(batchscore: Any, lost: LostRun) -> None:
    publish(lost)
    put(f"{lost.uri}report/run.json", b"[]")
    answer = batchscore("results", lost.arn)
    assert answer.exit_code == 3
    assert f"{lost.uri}report/run.json: cannot be read as a run ledger" in answer.err


def test_a_pipeline_of_somebody_else_is_refused(batchscore: Any, lost: LostRun) -> None:
    """Its files are not ours to read."""
    arn = arn_of("x", "other")
    lost.aws.add(RecordedRun(arn=arn, definition='{"Steps": []}', parameters={}, status="Succeeded"))
    answer = batchscore("results", arn)
    assert answer.exit_code == 2
    assert "it is none of ours" in answer.err


@pytest.mark.parametrize("words", [["--head", "3"], ["--state", "x"]])
def test_options_of_local_runs_are_refused(batchscore: Any, lost: LostRun, words: list[str]) -> None:
    answer = batchscore("results", lost.arn, *words)
    assert answer.exit_code == 2
    assert f"{words[0]}: only for local runs" in answer.err


def test_without_an_arn_a_local_run_is_meant(batchscore: Any, tmp_path: object) -> None:
    """AWS is not asked where nothing says that it is meant."""
    answer = batchscore("results", "--state", str(tmp_path))
    assert answer.exit_code == 2
    assert "no run yet; start one with `batchscore run`" in answer.err
