"""`batchscore resume --aws` finishes a lost run in its own shape, or says why that is not possible."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulated_aws import PLACES, ROLE_ARN, connection
from recorded_runs import GOLDEN, PACKAGE, START, LostRun, RecordedRun, after, arn_of, put, s3, write_time

from pipelines.definition import definition_text
from runner.aws.execution import read_executed
from runner.aws.objects import read_object
from runner.aws.run_record import RESUME_NAME
from runner.aws.run_shape import shape_of
from steps.job_security import JobSecurity

pytestmark = pytest.mark.functional


def deployed() -> dict[str, Any]:
    """Return the resume pipeline as it is deployed."""
    answer = connection().client("sagemaker").describe_pipeline(PipelineName=RESUME_NAME)
    definition: dict[str, Any] = json.loads(answer["PipelineDefinition"])
    return definition


def started(lost: LostRun) -> dict[str, str]:
    """Return the parameters of the only start."""
    (start,) = lost.aws.started
    return {entry["Name"]: entry["Value"] for entry in start["PipelineParameters"]}


def steps_of(definition: dict[str, Any]) -> list[str]:
    """Return the names of its steps."""
    return [step["Name"] for step in definition["Steps"]]


def test_only_shards_without_an_output_are_scored_under_the_runs_own_id(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """With the run's own parameters, which the ledger will tell."""
    answer = batchscore("resume", lost.arn)
    assert (answer.exit_code, answer.err) == (0, "run run1: 2 of 3 shards are left to score\n")
    uri = f"{lost.uri}resume/2/manifest.json"
    assert json.loads(read_object(s3(), uri)) == [
        {"prefix": f"{lost.uri}shards/"},
        "shard-00-00001.csv",
        "shard-00-00002.csv",
    ]
    given = started(lost)
    assert given["RunId"] == "run1"
    assert given["RunPipelineName"] == "Batchscore-Production"  # not as the ARN writes it
    assert given["RunStartedAt"] == "2100-01-04T06:00:00.000Z"
    assert given["ModelPackageArn"] == package
    assert given["ShardManifestUri"] == uri
    assert given["TransformInstanceCount"] == "2"
    assert {name: given[name] for name in PLACES} == PLACES
    assert steps_of(deployed()) == ["CreateModel", "ScoreShards", "ReportRun"]


def test_the_resume_pipeline_has_the_shape_role_key_and_network_of_the_run(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """All of it is read off the definition that the run executed."""
    security = JobSecurity(
        kms_key_id="alias/own", subnet_ids=("subnet-a",), security_group_ids=("sg-a",), encrypt_traffic=True
    )
    lost.run.definition = definition_text(
        "production", wire="jsonlines", prepare="sharded", role_arn=ROLE_ARN, security=security
    )
    assert batchscore("resume", lost.arn).exit_code == 0
    assert package
    wanted = definition_text(
        "resume",
        wire="jsonlines",
        prepare="sharded",
        resumed="production",
        role_arn=ROLE_ARN,
        security=security,
    )
    assert deployed() == json.loads(wanted)
    assert s3().head_object(Bucket="data", Key="out/runs/run1/resume/2/manifest.json")["SSEKMSKeyId"]


@pytest.mark.parametrize(
    ("name", "resumed", "choices"),
    [
        (
            "candidate-planned-single-csv-image",
            "candidate",
            {"wire": "csv", "prepare": "single", "transform_sizing": "planned"},
        ),
        (
            "production-fixed-sharded-arrow",
            "production",
            {"wire": "arrow", "prepare": "sharded", "transform_sizing": "fixed"},
        ),
    ],
)
def test_a_shape_is_read_off_a_definition(
    lost: LostRun, name: str, resumed: str, choices: dict[str, str]
) -> None:
    lost.run.definition = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    shape = shape_of(read_executed(connection(), lost.arn))
    image = shape.choices.get("model_image", "")
    assert shape.resumed == resumed
    assert {key: value for key, value in shape.choices.items() if key != "model_image"} == choices
    assert bool(image) == name.endswith("image")


def test_a_run_that_is_all_scored_is_only_reported(batchscore: Any, lost: LostRun) -> None:
    """Then no package and no S3 manifest file are needed."""
    for number in (1, 2):
        put(f"{lost.uri}transform/shard-00-0000{number}.csv.out", b"1")
    lost.run.step("ScoreShards", "Succeeded", 11, 30)
    lost.run.step("ReportRun", "Failed", 30, 31, FailureReason="InternalServerError")
    assert batchscore("resume", lost.arn).exit_code == 0
    assert steps_of(deployed()) == ["ReportRun"]
    assert "ShardManifestUri" not in started(lost)


def test_a_candidate_is_resumed_with_its_package_that_waits_for_approval(
    batchscore: Any, lost: LostRun, pending_package: str
) -> None:
    """Its scores are what the approval is decided by."""
    lost.run.definition = (GOLDEN / "candidate-planned-single-csv.json").read_text(encoding="utf-8")
    lost.run.parameters = {**PLACES, "ModelArtifactUri": "s3://data/model.tar.gz"}
    lost.run.step("RegisterModel", "Succeeded", 10, 11, Metadata={"RegisterModel": {"Arn": pending_package}})
    answer = batchscore("resume", lost.arn)
    assert answer.err == "run run1: 2 of 3 shards are left to score\n"
    assert started(lost)["ModelPackageArn"] == pending_package


def test_a_candidate_that_was_lost_before_it_was_registered_is_registered(
    batchscore: Any, lost: LostRun
) -> None:
    """Then all shards are left."""
    lost.run.definition = (GOLDEN / "candidate-planned-single-csv.json").read_text(encoding="utf-8")
    lost.run.parameters = {**PLACES, "ModelArtifactUri": "s3://data/model.tar.gz"}
    lost.run.steps = lost.run.steps[:2]
    put("s3://data/model.tar.gz", b"model")
    assert batchscore("resume", lost.arn, "--json").exit_code == 0
    assert steps_of(deployed())[0] == "RegisterModel"
    manifest = json.loads(read_object(s3(), f"{lost.uri}resume/2/manifest.json"))
    assert len(manifest) == 4


def test_progress_of_a_resumption_is_that_of_its_own_shards(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """What was scored before would make its rate look higher than it is."""
    batchscore("resume", lost.arn)
    (resumption,) = [run for run in lost.aws.runs.values() if RESUME_NAME in run.arn]
    resumption.step("ScoreShards", "Executing", 60)
    put(f"{lost.uri}transform/shard-00-00002.csv.out", b"1")
    facts = json.loads(batchscore("status", resumption.arn, "--json").out)
    assert facts["run_id"] == "run1"
    assert facts["scoring"] == {
        "shards": 2,
        "records": 500,
        "scored": 300,
        "missing": ["shard-00-00001.csv"],
    }
    assert package


def test_a_second_resume_is_refused_while_the_first_executes(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """Two would score the same shards, and pay for them twice."""
    assert batchscore("resume", lost.arn).exit_code == 0
    (resumption,) = [arn for arn in lost.aws.runs if RESUME_NAME in arn]
    answer = batchscore("resume", lost.arn)
    assert answer.exit_code == 2
    assert f"run run1 is still executing: {resumption}" in answer.err
    assert len(lost.aws.started) == 1
    assert package


def test_a_resumption_that_is_lost_is_resumed_with_another_number_and_token(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """Named by its own ARN or by the run's; what was scored meanwhile is not scored again."""
    batchscore("resume", lost.arn)
    (resumption,) = [run for run in lost.aws.runs.values() if RESUME_NAME in run.arn]
    resumption.status = "Failed"
    resumption.definition = json.dumps(deployed())
    resumption.step("ScoreShards", "Failed", 60, 61, FailureReason="CapacityError")
    put(f"{lost.uri}transform/shard-00-00001.csv.out", b"1")
    answer = batchscore("resume", resumption.arn)
    assert answer.err == "run run1: 1 of 3 shards are left to score\n"
    first, second = lost.aws.started
    assert first["ClientRequestToken"] != second["ClientRequestToken"]
    assert s3().head_object(Bucket="data", Key="out/runs/run1/resume/3/manifest.json")
    assert package


def test_another_runs_resumption_does_not_stand_in_the_way(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    batchscore("resume", lost.arn)
    (resumption,) = [run for run in lost.aws.runs.values() if RESUME_NAME in run.arn]
    resumption.parameters["RunId"] = "run0"
    assert batchscore("resume", lost.arn).exit_code == 0
    assert package


def test_a_run_that_was_resumed_well_has_succeeded(batchscore: Any, lost: LostRun, package: str) -> None:
    """For `results` too, which counts its attempts."""
    batchscore("resume", lost.arn)
    (resumption,) = [run for run in lost.aws.runs.values() if RESUME_NAME in run.arn]
    resumption.status, resumption.ended_at = "Succeeded", after(70)
    resumption.step("ReportRun", "Succeeded", 60, 70)  # the lost job's step stays Failed
    answer = batchscore("resume", lost.arn)
    assert "run run1 has succeeded" in answer.err
    facts = json.loads(batchscore("results", lost.arn, "--json").out)
    assert (facts["status"], facts["resumed_at"]) == ("Succeeded", ["2100-01-04T07:00:00.000Z"])
    assert facts["failure_reason"] == ""
    assert package


@pytest.mark.parametrize(("other_plan_at", "pointer"), [(after(-60), True), (after(60), False), (None, True)])
def test_the_pointer_stays_with_a_run_that_was_prepared_later(
    batchscore: Any, lost: LostRun, package: str, other_plan_at: Any, pointer: bool
) -> None:
    """It names the newest run, and that is not the resumed one then."""
    assert package
    write_time(f"{lost.uri}plan/plan.json", START)
    put("s3://data/out/pointer/latest.json", b'{"run_id": "run2"}')
    if other_plan_at is not None:
        put("s3://data/out/runs/run2/plan/plan.json", b"{}")
        write_time("s3://data/out/runs/run2/plan/plan.json", other_plan_at)
    assert batchscore("resume", lost.arn).exit_code == 0
    report = deployed()["Steps"][-1]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert ("pointer" in [output["OutputName"] for output in report]) == pointer


def test_everything_that_is_gone_or_changed_is_named_at_once(batchscore: Any, lost: LostRun) -> None:
    """And nothing is deployed, written or started."""
    lost.delete("kept/shard-00-00000.arrow")
    lost.delete("quarantine/algo-1.parquet")
    lost.delete("quarantine/algo-1.digest.html")
    put(f"{lost.uri}shards/shard-00-00001.csv", b"another size")
    write_time(f"{lost.uri}shards/shard-00-00002.csv", after(15))
    put(PLACES["ContractUri"], b'{"fields": []}')
    answer = batchscore("resume", lost.arn)
    assert answer.exit_code == 2
    for fault in (
        "kept/: shard-00-00000.arrow: is gone",
        "quarantine/: is gone",
        "shards/: shard-00-00001.csv: has another size than when it was cut",
        "shards/: shard-00-00002.csv: was written again since the run was prepared",
        f"{PLACES['ContractUri']}: ",
    ):
        assert fault in answer.err
    assert lost.aws.started == []
    assert not lost.aws.calls.count("CreatePipeline")


def test_a_package_that_is_gone_is_named(batchscore: Any, lost: LostRun) -> None:
    answer = batchscore("resume", lost.arn)
    assert f"model package {PACKAGE} does not exist" in answer.err


def test_another_contract_is_refused(batchscore: Any, lost: LostRun, package: str) -> None:
    """Its shards were made under another one."""
    contract = json.loads(read_object(s3(), PLACES["ContractUri"]))
    contract["fields"][1]["name"] = contract["scoring"]["features"][0] = "years"
    put(PLACES["ContractUri"], json.dumps(contract).encode())
    answer = batchscore("resume", lost.arn)
    assert "but the shards were made under" in answer.err
    assert package


@pytest.mark.parametrize("status", ["Executing", "Stopping"])
def test_a_run_that_executes_is_refused(batchscore: Any, lost: LostRun, status: str) -> None:
    lost.run.status = status
    answer = batchscore("resume", lost.arn)
    assert answer.exit_code == 2
    assert f"end it with `batchscore stop {lost.arn}`" in answer.err


def test_a_run_that_its_error_budget_ended_is_refused(batchscore: Any, lost: LostRun) -> None:
    """It would be ended again."""
    lost.run.steps = lost.run.steps[:1]
    lost.run.step("CheckErrorBudget", "Succeeded", 10, 10, Metadata={"Condition": {"Outcome": "False"}})
    fail = {"Fail": {"ErrorMessage": "90 of 100 records were quarantined"}}
    lost.run.step("FailErrorBudget", "Failed", 10, 10, Metadata=fail)
    answer = batchscore("resume", lost.arn)
    assert "ended by its error budget and would be again" in answer.err
    assert "90 of 100 records were quarantined; then start a new run with `batchscore start`" in answer.err


def test_waiting_ends_with_the_exit_code_of_the_resumption(
    batchscore: Any, lost: LostRun, package: str
) -> None:
    """The start answers with an execution that has failed already."""
    begin = lost.aws.answers["StartPipelineExecution"]

    def start(given: dict[str, Any]) -> Any:
        answer: Any = begin(given)
        run: RecordedRun = lost.aws.runs[answer["PipelineExecutionArn"]]
        run.status, run.definition = "Failed", json.dumps(deployed())
        run.step("CreateModel", "Failed", 60, 61, FailureReason="ResourceLimitExceeded")
        return answer

    lost.aws.answers["StartPipelineExecution"] = start
    answer = batchscore("resume", lost.arn, "--wait")
    assert answer.exit_code == 1
    assert "error: run run1 ended Failed: CreateModel: ResourceLimitExceeded\n" in answer.err
    assert package


def test_options_of_one_door_are_refused_by_the_other(batchscore: Any) -> None:
    """What would be ignored is not taken."""
    answer = batchscore("resume", arn_of("x"), "--port", "9000")
    assert "--port: only for local runs" in answer.err
    answer = batchscore("resume", "x", "--wait")
    assert "--wait: only for runs in AWS; name one by its ARN, or give --aws" in answer.err
