"""`batchscore plan` says everything that is wrong at once, and what a run takes. Prices here are made up."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from emulated_aws import REGION, ROLE_ARN
from planned_account import NAME, Answers, answer_for, deploy, make_account
from tiny_customers import CUSTOMERS

from contracts.ledger import RunCounts, RunLedger

pytestmark = pytest.mark.functional


@pytest.fixture
def answers(aws: None, monkeypatch: pytest.MonkeyPatch) -> Answers:  # noqa: ARG001 - it is asked
    """Quotas and prices for the types that the pipeline has by default."""
    made = Answers(
        quotas={
            "ml.m5.xlarge for transform job usage": 10.0,
            "ml.c5.xlarge for transform job usage": 1.0,
            "Number of instances across all transform jobs": 20.0,
            "ml.m5.xlarge for processing job usage": 2.0,
            "ml.m5.2xlarge for processing job usage": 2.0,
            "Number of instances across all processing jobs": 20.0,
        },
        prices={
            "USE1-Tsform:ml.m5.xlarge": 7200.0,
            "USE1-Tsform:ml.c5.xlarge": 3600.0,
            "USE1-Processing:ml.m5.xlarge": 3.0,
            "USE1-Processing:ml.m5.2xlarge": 6.0,
        },
    )
    answer_for(monkeypatch, made)
    return made


@pytest.fixture
def plan(batchscore: Any, answers: Answers, tmp_path: Path) -> Any:  # noqa: ARG001 - they are asked
    """`batchscore plan` of a deployed pipeline; returns the answer."""
    deploy(make_account())

    def run(*words: str) -> Any:
        return batchscore("plan", "--name", NAME, "--state", str(tmp_path), *words)

    return run


def _checks(answer: Any, name: str) -> list[tuple[str, str]]:
    checks = json.loads(answer.out)["checks"]
    return [(check["outcome"], check["words"]) for check in checks if check["name"] == name]


def test_a_sound_run_is_foretold_in_full(plan: Any, tmp_path: Path) -> None:
    """14 records, seven for each of two slots, at 14 a second: 1 s of an instance, 2 USD at 7200 an hour."""
    rates = ("--instance-type", "ml.m5.xlarge=14", "--instance-type", "ml.c5.xlarge=7")
    answer = plan("--json", *rates, "-p", "MaxConcurrentTransforms=2")
    assert answer.exit_code == 0
    facts = json.loads(answer.out)
    assert {check["outcome"] for check in facts["checks"]} == {"passed"}
    assert facts["input"]["object_count"] == 1
    assert facts["input"]["byte_count"] == len(CUSTOMERS.encode())
    assert (facts["sample"]["total_record_count"], facts["sample"]["is_exact"]) == (14, True)
    first, second = facts["estimates"]
    assert (first["instance_count"], first["scoring_seconds"]) == (1, pytest.approx(1.0))
    assert first["least_busy_fraction"] == pytest.approx(1.0)
    assert first["cost_usd"] == pytest.approx(2.0)
    assert first["cost_per_million_usd"] == pytest.approx(2.0 * 1_000_000 / 14)
    assert (second["instance_type"], second["scoring_seconds"]) == ("ml.c5.xlarge", pytest.approx(2.0))
    assert second["cost_usd"] == pytest.approx(2.0)
    assert {price["file"] for price in facts["prices"]} == {str(next((tmp_path / "prices").iterdir()))}


def test_the_text_says_what_the_figures_rest_on(plan: Any) -> None:
    """Assumptions, what is left out, and the file of the prices."""
    answer = plan()
    assert answer.exit_code == 0
    # Four slots for four shards of 14 customers: two have three, two have four.
    assert "ml.m5.xlarge          20,000       4          1       87.5%  0.0 s" in answer.out
    assert "14 records: counted" in answer.out
    assert "records/s each is an assumption" in answer.out
    assert "the time that jobs take to start is not included" in answer.out
    unknown = "time not known, no published run on such instances has measured it"
    assert f"PrepareInput on 1 x ml.m5.2xlarge: {unknown}; an hour of one costs USD 6.0000" in answer.out
    assert "prices of " in answer.out
    assert "prices/us-east-1-" in answer.out


def test_every_fault_is_said_at_once(plan: Any, answers: Answers) -> None:
    """Nine things are wrong, and the rest is still looked at."""
    answers.quotas["ml.m5.xlarge for transform job usage"] = 0.0
    answers.powerless.add(ROLE_ARN)
    s3 = boto3.client("s3", region_name="eu-west-1")
    s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    answer = plan(
        "--json",
        *("-p", "InputUri=s3://data/in/nothing/"),
        *("-p", "OutputUri=s3://far/out/"),
        *("-p", "ContractUri=s3://data/contrct.yaml"),
        *("-p", "MaxPayloadInMB=60", "-p", "RunDat=2026-11-23", "-p", "RunDate=2026-02-30"),
        *("-p", "ModelPackageArn=arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/7"),
        *("-p", f"ImageUri=123456789012.dkr.ecr.{REGION}.amazonaws.com/batchscore:2"),
        *("-p", "ReportInstanceType=ml.m5.xlrge"),
    )
    assert answer.exit_code == 2
    wrong = [check["words"] for check in json.loads(answer.out)["checks"] if check["outcome"] == "failed"]
    expected = [
        "unknown parameter 'RunDat'; did you mean 'RunDate'?",
        "RunDate is '2026-02-30': day is out of range",
        "MaxPayloadInMB 60 x MaxConcurrentTransforms 4 is above 100",
        "OutputUri: bucket 'far' is in eu-west-1, jobs would run in us-east-1",
        "s3://data/in/nothing/: there is no source object below it",
        "there is no such thing",
        "churn/7 does not exist in us-east-1",
        "there is no image",
        f"{ROLE_ARN} may not do iam:PassRole on {ROLE_ARN} (implicitDeny)",
        "ml.m5.xlrge is no type for processing jobs that this version of boto3 knows",
        "'ml.m5.xlarge for transform job usage' is 0, the run needs 1",
    ]
    assert [part for part in expected if not any(part in words for words in wrong)] == []
    assert len(wrong) == len(expected)
    assert "error: 11 checks failed" in answer.err


def test_nothing_is_changed(plan: Any) -> None:
    """No object, no pipeline, no run: the same calls before and after answer the same."""

    def account() -> Any:
        s3 = boto3.client("s3", region_name=REGION)
        sagemaker = boto3.client("sagemaker", region_name=REGION)
        objects = s3.list_objects_v2(Bucket="data")["Contents"]
        runs = sagemaker.list_pipeline_executions(PipelineName=NAME)["PipelineExecutionSummaries"]
        return [(entry["Key"], entry["ETag"]) for entry in objects], runs

    before = account()
    assert plan().exit_code == 0
    assert account() == before


def test_a_prefix_without_its_slash_is_one_fault_and_not_listed(plan: Any) -> None:
    """`s3://data/in` would match its siblings; what depends on it is not called right."""
    answer = plan("--json", "-p", "InputUri=s3://data/in")
    assert [words for _, words in _checks(answer, "parameters")] == [
        "InputUri is 's3://data/in'; expected: S3 prefix of the source objects; ends with '/'."
    ]
    assert _checks(answer, "input") == [("not checked", "InputUri has no value that is allowed")]
    assert _checks(answer, "sample")[0][0] == "not checked"
    assert json.loads(answer.out)["estimates"] == []


def test_data_under_another_contract_is_refused_before_anything_is_paid_for(plan: Any) -> None:
    """The project's own reader says which column is missing."""
    s3 = boto3.client("s3", region_name=REGION)
    s3.put_object(Bucket="data", Key="other/leads.csv", Body=b"lead_id,age\nL1,20\n")
    ((outcome, words),) = _checks(plan("--json", "-p", "InputUri=s3://data/other/"), "sample")
    assert outcome == "failed"
    assert "leads.csv" in words
    assert "customer_id" in words


def test_a_sample_over_the_error_budget_fails(plan: Any) -> None:
    ((outcome, words),) = _checks(plan("--json", "-p", "MaxQuarantineFraction=0.01"), "sample")
    assert outcome == "failed"
    assert "14 records from 1 objects, 3 held back" in words
    assert "more than MaxQuarantineFraction 0.01 allows" in words


def test_preparing_and_reporting_take_what_an_earlier_run_measured(plan: Any) -> None:
    """It had half the bytes and a seventh of the records; its report was made on other instances."""
    ledger = RunLedger(
        run_id="r1",
        run_date="2026-11-22",
        pipeline_name=NAME,
        finished_at="2026-11-22T00:00:00+00:00",
        model_package_arn="arn",
        contract_fingerprint="f",
        wire_format="parquet",
        parameters={"ProcessingInstanceType": "ml.m5.2xlarge", "ReportInstanceType": "ml.m5.large"},
        counts=RunCounts(read=2, valid=2, quarantined=0, scored=2),
        reason_counts={},
        sources=[{"byte_count": len(CUSTOMERS.encode()) / 2}],
        shards=[],
        uris={},
        quality={},
        labelled_count=0,
        timings={"prepare_seconds": 300.0, "report_seconds": 10.0},
    )
    s3 = boto3.client("s3", region_name=REGION)
    document = json.dumps(dataclasses.asdict(ledger))
    s3.put_object(Bucket="data", Key="out/pointer/latest.json", Body=b'{"run_id": "r1"}')
    s3.put_object(Bucket="data", Key="out/runs/r1/report/run.json", Body=document.encode())
    preparing, reporting = json.loads(plan("--json").out)["processing"]
    assert (preparing["seconds"], preparing["cost_usd"]) == (600.0, 1.0)
    assert (reporting["seconds"], reporting["cost_usd"]) == (None, None)
    assert "10 min for USD 1.0000, by what run r1 measured" in plan().out


def test_with_no_price_there_are_hours(plan: Any, answers: Answers) -> None:
    answers.refusal["pricing"] = ClientError({"Error": {"Code": "AccessDenied"}}, "GetProducts")
    answer = plan("--instance-type", "ml.m5.xlarge=1", "-p", "MaxConcurrentTransforms=2")
    assert answer.exit_code == 0
    assert re.search(r"14\.0 s +0\.0039 +not known +not known +not known", answer.out)
    assert "prices that are not known: the Price List API cannot be asked: not allowed" in answer.out


def test_types_with_local_storage_take_no_disk_key(batchscore: Any, answers: Answers, tmp_path: Path) -> None:
    """[doc] CreateTransformJob and CreateProcessingJob; only where the pipeline has a key is it asked."""
    answers.local_storage.add("m5d.xlarge")
    deploy(make_account(), "production-planned-sharded-arrow-secured")
    words = ("--instance-type", "ml.m5.xlarge", "--instance-type", "ml.m5d.xlarge")
    answer = batchscore("plan", "--name", NAME, "--state", str(tmp_path), "--json", *words)
    found = {words.split()[0]: outcome for outcome, words in _checks(answer, "disk key")}
    assert found == {"ml.m5.xlarge": "passed", "ml.m5d.xlarge": "failed", "ml.m5.2xlarge": "passed"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--name", "batchscore-prod"], "did you mean 'batchscore-production'"),
        (["--instance-type", "ml.m5.xlarge=fast"], "the rate is 'fast'; expected whole records a second"),
    ],
)
def test_what_cannot_be_planned_at_all_is_one_line(plan: Any, words: list[str], message: str) -> None:
    answer = plan(*words)
    assert answer.exit_code == 2
    assert message in answer.err
    assert answer.out == ""


def test_a_pipeline_that_is_not_deployed_can_be_planned(
    batchscore: Any, answers: Answers, tmp_path: Path
) -> None:
    """As the code has it; no role is known then."""
    values = make_account()
    words = [part for name, value in values.items() for part in ("-p", f"{name}={value}")]
    answer = batchscore("plan", "--state", str(tmp_path), "--wire", "csv", "--json", *words)
    assert answer.exit_code == 0
    ((outcome, found),) = _checks(answer, "role")
    assert outcome == "not checked"
    assert "no role is known" in found
    assert json.loads(answer.out)["sample"]["shard_bytes_per_record"] is None
    assert answers.asked


def test_a_wire_that_cannot_carry_what_the_model_reads_is_told(
    batchscore: Any, answers: Answers, tmp_path: Path
) -> None:
    """Before a run is paid for whose preparation would refuse it."""
    deploy(make_account(), "production-planned-single-csv")
    contract = """
fields: [{name: id, type: string}, {name: review, type: string}]
primaryKey: id
scoring: {features: [review], modelInput: text}
"""
    s3 = boto3.client("s3", region_name=REGION)
    s3.put_object(Bucket="data", Key="contract.yaml", Body=contract.encode())
    answer = batchscore("plan", "--name", NAME, "--state", str(tmp_path), "--json")
    ((outcome, words),) = _checks(answer, "contract")
    assert outcome == "failed"
    assert "wire format 'csv' carries vectors of numbers" in words
    assert answers.asked


def test_a_fixed_instance_count_is_what_is_planned_and_needed(
    batchscore: Any, answers: Answers, tmp_path: Path
) -> None:
    """Where the pipeline does not take it from the plan; two instances prepare, each cuts its own shards."""
    answers.quotas["ml.m5.xlarge for transform job usage"] = 3.0
    deploy({**make_account(), "TransformInstanceCount": "4"}, "production-fixed-sharded-arrow")
    answer = batchscore("plan", "--name", NAME, "--state", str(tmp_path), "--json")
    (found,) = json.loads(answer.out)["estimates"]
    assert (found["instance_count"], found["shard_count"]) == (4, 14)
    outcomes = {words.split("; ")[0]: outcome for outcome, words in _checks(answer, "quota")}
    assert outcomes["'ml.m5.xlarge for transform job usage' is 3, the run needs 4"] == "failed"
    assert outcomes["'ml.m5.2xlarge for processing job usage' is 2, the run needs 2"] == "passed"
    assert answer.exit_code == 2


def test_a_start_computes_a_fixed_instance_count_that_nobody_chose(batchscore: Any, answers: Answers) -> None:
    """As the plan would choose it; one that was given stays."""
    values = {**make_account(), "RecordsPerSecondPerInstance": "1", "TransformDeadlineMinutes": "1"}
    deploy(values, "production-fixed-sharded-arrow")
    more = "customer_id,age,plan,active,note\n" + "".join(f"M{n},40,plus,true,\n" for n in range(150))
    boto3.client("s3", region_name=REGION).put_object(Bucket="data", Key="in/more.csv", Body=more.encode())
    # 164 customers at one a second, in sixty seconds: three would do. But the 60 shards are of two or three
    # customers, and the least busy of three instances would be so for 87 %, of four for 93 %.
    told = json.loads(batchscore("start", "--name", NAME, "--json").out)["parameters"]
    assert told == {"TransformInstanceCount": "4"}
    given = ["-p", "TransformInstanceCount=2", "--if-running", "start"]
    told = json.loads(batchscore("start", "--name", NAME, "--json", *given).out)["parameters"]
    assert told == {"TransformInstanceCount": "2"}
    assert answers.asked
