"""A package is promoted only if its own run passed its quality gate, and says why where it did not."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from emulated_aws import IMAGE_URI, PLACES, REGION, ROLE_ARN, connection, make_group, register
from recorded_runs import LostRun, put
from rich.console import Console

from contracts.registration import REPORT_PROPERTY
from runner.aws.watch import WatchOptions, follow

pytestmark = pytest.mark.functional

PLACE_OPTIONS = [part for name, value in PLACES.items() for part in ("-p", f"{name}={value}")]
OPTIONS = ["promote", "--group", "churn", "--role-arn", ROLE_ARN, *PLACE_OPTIONS]
REPORT = "s3://data/out/runs/run2/report/"
REASON = "AUC is 0.61, at least 0.8 was asked for."


def _client() -> Any:
    return boto3.client("sagemaker", region_name=REGION)


def _judged(*, is_passed: bool | None, status: str = "Approved") -> str:
    """Register a package as a candidate run does, and leave the run's verdict; None for none."""
    answer = _client().create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus=status,
        CustomerMetadataProperties={REPORT_PROPERTY: REPORT},
        InferenceSpecification={
            "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": "s3://data/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    if is_passed is not None:
        gate = {"is_passed": "yes" if is_passed else "no", "reason": REASON}
        put(f"{REPORT}gate.json", json.dumps(gate).encode())
    return str(answer["ModelPackageArn"])


def _described(arn: str) -> tuple[str, str]:
    answer = _client().describe_model_package(ModelPackageName=arn)
    return answer["ModelApprovalStatus"], answer.get("ApprovalDescription") or ""


def _default() -> str:
    text = _client().describe_pipeline(PipelineName="batchscore-production")["PipelineDefinition"]
    declared = {entry["Name"]: entry for entry in json.loads(text)["Parameters"]}
    return str(declared["ModelPackageArn"]["DefaultValue"])


@pytest.fixture
def first(batchscore: Any) -> str:
    """A package that scores in production, registered by other means than ours."""
    boto3.client("s3", region_name=REGION).create_bucket(Bucket="data")
    make_group("churn")
    arn = register("churn", "Approved")
    assert batchscore(*OPTIONS).exit_code == 0
    return arn


def test_a_package_that_passed_is_promoted(batchscore: Any, first: str) -> None:
    passed = _judged(is_passed=True)
    assert batchscore(*OPTIONS).exit_code == 0
    assert (_default(), _described(first)[0]) == (passed, "Approved")


def test_approval_by_mistake_does_not_score_and_does_not_stay(batchscore: Any, first: str) -> None:
    """It is rejected with the reason, and the event that this sends finds production as it was."""
    failed = _judged(is_passed=False)
    answer = batchscore(*OPTIONS)
    assert (answer.exit_code, _default()) == (1, first)
    assert REASON in answer.err
    status, description = _described(failed)
    assert (status, REASON in description) == ("Rejected", True)
    assert batchscore(*OPTIONS).exit_code == 0
    assert _default() == first


def test_a_package_is_not_promoted_before_it_was_judged(batchscore: Any, first: str) -> None:
    """Its run goes on, or ended before its report: it stays approved, and waits."""
    unjudged = _judged(is_passed=None)
    answer = batchscore(*OPTIONS)
    assert (answer.exit_code, _default()) == (2, first)
    assert f"{REPORT}gate.json is missing" in answer.err
    assert _described(unjudged) == ("Approved", "")


def test_a_rollback_does_not_ask_for_a_report_that_may_have_expired(batchscore: Any, first: str) -> None:
    older = _judged(is_passed=True)
    assert batchscore(*OPTIONS).exit_code == 0
    newest = register("churn", "Approved")
    assert batchscore(*OPTIONS).exit_code == 0
    boto3.client("s3", region_name=REGION).delete_object(Bucket="data", Key="out/runs/run2/report/gate.json")
    _client().update_model_package(ModelPackageArn=newest, ModelApprovalStatus="Rejected")
    assert batchscore(*OPTIONS).exit_code == 0
    assert (_default(), first != older) == (older, True)


@pytest.fixture
def gated(lost: LostRun) -> tuple[LostRun, str]:
    """A run that ended at FailQuality, and the package that it registered."""
    make_group("churn")
    arn = register("churn", "PendingManualApproval")
    lost.run.step("RegisterModel", "Succeeded", 10, 10.2, Metadata={"RegisterModel": {"Arn": arn}})
    lost.run.step("FailQuality", "Failed", 29, 29, FailureReason=f"not\npassed: {REASON}")
    return lost, arn


def test_watching_a_run_to_the_quality_gate_tells_its_package(gated: tuple[LostRun, str]) -> None:
    """Approving and rejecting it are for people: moto forgets a status that a request does not name."""
    lost, arn = gated
    follow(connection(), lost.arn, WatchOptions(), Console(quiet=True))
    answer = _client().describe_model_package(ModelPackageName=arn)
    assert answer["ApprovalDescription"] == f"not passed: {REASON}"
    assert "ModelApprovalStatus" not in answer


def test_who_may_only_watch_is_told_that_the_package_does_not_say_so(
    gated: tuple[LostRun, str], capsys: pytest.CaptureFixture[str]
) -> None:
    lost, arn = gated
    lost.aws.fail_next("UpdateModelPackage", "AccessDeniedException")
    status = follow(connection(), lost.arn, WatchOptions(), Console())
    assert status.state.status == "Failed"
    assert f"{arn} does not say so: no permission" in capsys.readouterr().out
