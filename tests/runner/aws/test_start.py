"""`batchscore start` checks everything against what is deployed, and starts one run at a time."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from emulated_aws import PLACES, REGION, ROLE_ARN, connection, make_group, register

from contracts.errors import CallerError
from runner.aws.start import StartRequest, executing_run, start_run

pytestmark = pytest.mark.functional

NAME = "batchscore-production"
NO_PACKAGE = f"arn:aws:sagemaker:{REGION}:123456789012:model-package/churn/7"
EXECUTION = f"arn:aws:sagemaker:{REGION}:123456789012:pipeline/{NAME}/execution/"


@pytest.fixture
def deployed(batchscore: Any) -> str:
    """A production pipeline with every default, and an approved package; returns the package's ARN."""
    make_group("churn")
    arn = register("churn", "Approved")
    places = [part for name, value in PLACES.items() for part in ("-p", f"{name}={value}")]
    answer = batchscore("upsert", "--role-arn", ROLE_ARN, *places, "-p", f"ModelPackageArn={arn}")
    assert answer.exit_code == 0
    return arn


def test_a_run_is_started_with_the_parameters_that_were_given(batchscore: Any, deployed: str) -> None:
    """The others keep the defaults of the deployed definition, which AWS fills in."""
    answer = batchscore("start", "-p", "RunDate=2026-11-23", "-p", "MaxPayloadInMB=20", "--json")
    facts = json.loads(answer.out)
    assert facts["execution_arn"].endswith(facts["run_id"])
    client = boto3.client("sagemaker", region_name=REGION)
    listed = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=facts["execution_arn"])
    assert listed["PipelineParameters"] == [
        {"Name": "RunDate", "Value": "2026-11-23"},
        {"Name": "MaxPayloadInMB", "Value": "20"},
    ]
    assert deployed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "RunDat=2026-11-23"], "did you mean 'RunDate'"),
        (["-p", "MaxPayloadInMB=many"], "expected integer"),
        (["-p", "InputUri=s3://data/in"], "ends with '/'"),
        (["--name", "batchscore-prod"], "did you mean 'batchscore-production'"),
        (["--if-running", "wait"], "valid: queue, refuse, start"),
        (
            ["-p", f"ModelPackageArn=arn:aws:sagemaker:{REGION}:123456789012:model-package/churn/7"],
            "churn/7 does not exist in us-east-1",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_started(
    batchscore: Any, deployed: str, words: list[str], message: str
) -> None:
    """One line that names the fault and what would be right."""
    answer = batchscore("start", *words)
    assert answer.exit_code == 2
    assert message in answer.err
    client = boto3.client("sagemaker", region_name=REGION)
    assert client.list_pipeline_executions(PipelineName=NAME)["PipelineExecutionSummaries"] == []
    assert deployed


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_package_that_nobody_approved_does_not_score(batchscore: Any, deployed: str, status: str) -> None:
    """Its approval status is named."""
    boto3.client("sagemaker", region_name=REGION).update_model_package(
        ModelPackageArn=deployed, ModelApprovalStatus=status
    )
    answer = batchscore("start")
    assert answer.exit_code == 2
    assert f"is {status}, not Approved" in answer.err


def _executions(*statuses: str) -> dict[str, Any]:
    return {
        "PipelineExecutionSummaries": [
            {"PipelineExecutionArn": f"{EXECUTION}{number}", "PipelineExecutionStatus": status}
            for number, status in enumerate(statuses)
        ]
    }


@pytest.mark.usefixtures("aws")
def test_the_newest_run_that_has_not_ended_is_found() -> None:
    """On any page; the order is said, because the service's own is not documented to be that."""
    account = connection()
    newest_first = {"PipelineName": NAME, "SortBy": "CreationTime", "SortOrder": "Descending"}
    with Stubber(account.client("sagemaker")) as stub:
        first = {**_executions("Succeeded", "Failed"), "NextToken": "more"}
        stub.add_response("list_pipeline_executions", first, newest_first)
        stub.add_response(
            "list_pipeline_executions", _executions("Stopping"), {**newest_first, "NextToken": "more"}
        )
        assert executing_run(account, NAME) == f"{EXECUTION}0"


def test_a_run_beside_another_is_refused_or_waits_its_turn(
    batchscore: Any, deployed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As asked: two runs into the same output would both move the pointer."""
    running = [f"{EXECUTION}abc"] * 3 + [""]
    monkeypatch.setattr("runner.aws.start.executing_run", lambda *_words: running.pop(0))
    with pytest.raises(CallerError, match=f"runs already: {EXECUTION}abc"):
        start_run(StartRequest(name=NAME), connection())
    waited: list[float] = []
    start_run(StartRequest(name=NAME, if_running="queue"), connection(), waited.append)
    assert len(waited) == 2
    assert capsys.readouterr().err == f"{NAME}: waits for its turn; {EXECUTION}abc executes\n"
    assert batchscore
    assert deployed
