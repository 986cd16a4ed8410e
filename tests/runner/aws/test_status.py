"""`batchscore status` says how a run in AWS is: steps, jobs, failures in full, progress and cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulated_aws import connection
from recorded_runs import SHARDS, LostRun, RecordedAws, RecordedRun, after, arn_of, put

from runner.aws.jobs import PROCESSING, TRANSFORM
from runner.aws.status import RunObserver
from runner.aws.status_view import cost_text, missing_lines, step_views

pytestmark = pytest.mark.functional


@pytest.fixture
def deployed(lost: LostRun) -> LostRun:
    """A lost run whose pipeline can be found by its name."""
    connection().client("sagemaker").create_pipeline(
        PipelineName="batchscore-production",
        PipelineDefinition="{}",
        RoleArn="arn:aws:iam::123456789012:role/scoring",
        ClientRequestToken="t" * 32,
    )
    return lost


def test_a_failed_run_says_which_step_failed_why_and_what_has_no_scores(
    batchscore: Any, lost: LostRun
) -> None:
    """Without --wait that is an answer, not a failure of the command."""
    answer = batchscore("status", lost.arn)
    assert answer.exit_code == 0
    assert "Run run1 Failed" in answer.out
    assert "ScoreShards failed: ClientError: see the logs\n" in answer.out
    assert "without scores: 2 of 3 shards\n  shard-00-00001.csv (200 records)\n" in answer.out
    assert "2 x ml.m5.xlarge" not in answer.out.split("ScoreShards")[0]
    # 1 instance for 8 minutes, 2 for 15 minutes.
    assert "so far 0.633 instance-hours" in answer.out
    assert "`batchscore plan` asks for prices\n" in answer.out
    assert f"how far it came and what goes on: batchscore results {lost.arn}" in answer.out
    assert "CheckErrorBudget: Succeeded - 0.0 s - yes - began 01-04 06:10:00\n" in answer.out


def test_a_failed_job_s_own_words_stand_before_those_of_the_service(
    batchscore: Any, recorded: RecordedAws, lost: LostRun
) -> None:
    """[doc] ExitMessage has what our program wrote to /opt/ml/output/message, FailureReason the service's."""
    words = "in/a.csv: line 7 is longer than 1,048,576 bytes " * 15
    recorded.jobs["prepare"].update(
        ProcessingJobStatus="Failed", ExitMessage=words, FailureReason="AlgorithmError: see the logs"
    )
    metadata = lost.run.steps[0]["Metadata"]
    lost.run.step("PrepareInput", "Failed", 0, 10, Metadata=metadata, FailureReason="ClientError: failed")
    answer = batchscore("status", lost.arn)
    assert f"PrepareInput failed: {words} (AlgorithmError: see the logs) (ClientError: failed)" in answer.out


def test_the_newest_run_is_meant_where_none_is_named(batchscore: Any, deployed: LostRun) -> None:
    deployed.aws.add(RecordedRun(arn=arn_of("newer"), definition="{}", parameters={}, started_at=after(60)))
    answer = batchscore("status", "--json")
    assert json.loads(answer.out)["run_id"] == "newer"


def test_a_run_is_found_by_its_id(batchscore: Any, deployed: LostRun) -> None:
    """The id is the last part of the ARN."""
    facts = json.loads(batchscore("status", "run1", "--json").out)
    assert facts["execution_arn"] == deployed.arn
    steps = {step["name"]: step for step in facts["steps"]}
    assert steps["ScoreShards"]["instance_count"] == 2
    assert steps["ScoreShards"]["seconds"] == 19 * 60
    assert steps["CheckErrorBudget"]["branch"] == "yes"
    assert facts["scoring"] == {
        "shards": 3,
        "records": 600,
        "scored": 100,
        "missing": ["shard-00-00001.csv", "shard-00-00002.csv"],
    }
    assert facts["usd"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run2"], "no run 'run2' of pipeline batchscore-production; did you mean 'run1'?"),
        (["--name", "batchscore-prod"], "did you mean 'batchscore-production'"),
        ([arn_of("run1"), "--region", "eu-west-1"], "give --region us-east-1"),
        (["arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"], "is not the ARN of a pipeline execution"),
        ([arn_of("gone")], "does not exist"),
    ],
)
def test_a_run_that_is_not_there_is_named(
    batchscore: Any, deployed: LostRun, words: list[str], message: str
) -> None:
    answer = batchscore("status", *words)
    assert answer.exit_code == 2
    assert message in answer.err
    assert deployed


def test_a_run_that_goes_on_says_how_to_follow_it(batchscore: Any, lost: LostRun) -> None:
    lost.run.status = "Executing"
    assert f"follow it: batchscore status {lost.arn} --wait" in batchscore("status", lost.arn).out


def test_the_region_of_an_arn_needs_not_be_typed(
    batchscore: Any, lost: LostRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `status` prints can be pasted anywhere."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert batchscore("status", lost.arn).exit_code == 0


def test_progress_and_rate_are_counted_from_the_time_the_job_had_its_instances(lost: LostRun) -> None:
    """Five minutes of waiting for instances would make the rate look lower than it is."""
    metadata = lost.aws.transform_job("score", "InProgress", TransformStartTime=after(16))
    lost.run.status = "Executing"
    lost.run.step("ScoreShards", "Executing", 11, Metadata=metadata)
    lost.run.steps[-1].pop("EndTime", None)
    status = RunObserver(connection(), lost.arn, lambda: after(18)).look()
    assert status.scoring is not None
    assert status.scoring.scored_count == 100
    assert missing_lines(status) == []  # while the job goes on, nothing is missing
    view = step_views(status)["ScoreShards"]
    now = after(18).timestamp()
    assert view.rate(now) == pytest.approx(100 / 120)
    assert view.remaining(now) == pytest.approx(600)


def test_a_cost_needs_every_price(lost: LostRun) -> None:
    """Part of a cost would be taken for the whole."""
    status = RunObserver(connection(), lost.arn, lambda: after(60)).look()
    prices = {(PROCESSING, "ml.m5.2xlarge"): 3.0, (TRANSFORM, "ml.m5.xlarge"): 2.0}
    assert status.usd(prices) == pytest.approx(8 / 60 * 3.0 + 2 * 15 / 60 * 2.0)
    assert cost_text(status, prices).startswith("cost so far: 1.4000 USD for 0.633 instance-hours")
    assert status.usd({(TRANSFORM, "ml.m5.xlarge"): 2.0}) is None


def test_prices_that_plan_has_kept_are_taken(
    batchscore: Any, lost: LostRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its newest file of the region."""
    monkeypatch.setenv("BATCHSCORE_HOME", str(tmp_path))
    prices = {"Processing:ml.m5.2xlarge": 3.0, "Tsform:ml.m5.xlarge": 2.0}
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "us-east-1-2026-11-01.json").write_text(json.dumps({"usd_per_hour": prices}))
    assert "cost so far: 1.4000 USD for 0.633 instance-hours" in batchscore("status", lost.arn).out


def test_many_missing_shards_are_named_in_part(lost: LostRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen is no place for thousands of names; --json has all."""
    monkeypatch.setattr("runner.aws.status_view.MISSING_TOLD", 1)
    status = RunObserver(connection(), lost.arn).look()
    assert missing_lines(status)[-1] == "  and 1 more; --json names all"


def test_a_run_that_prepares_has_no_progress_of_scoring(lost: LostRun) -> None:
    """And nothing of it is looked for in S3."""
    lost.run.steps = lost.run.steps[:1]
    assert RunObserver(connection(), lost.arn).look().scoring is None


def test_an_ended_job_is_described_once(recorded: RecordedAws, lost: LostRun) -> None:
    """Hours of watching ask no more than what can change."""
    observer = RunObserver(connection(), lost.arn)
    for name in SHARDS:
        observer.look()
        put(f"{lost.uri}transform/{name}.out", b"late")
    assert recorded.calls.count("DescribeTransformJob") == 1
    assert recorded.calls.count("DescribePipelineDefinitionForExecution") == 1
    assert recorded.calls.count("DescribePipelineExecution") == 3
