"""Places, packages, images and roles: what is wrong is said, what may not be asked is not called right."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from emulated_aws import IMAGE_URI, REGION, ROLE_ARN, connection
from planned_account import Answers, answer_for, make_account

from contracts.errors import CallerError, PlatformError
from runner.aws.checks import CannotTellError, look_at
from runner.aws.place_checks import check_apart, check_bucket, check_image, check_model_package
from runner.aws.role_check import check_role

pytestmark = pytest.mark.functional


@pytest.fixture
def answers(aws: None, monkeypatch: pytest.MonkeyPatch) -> Answers:  # noqa: ARG001 - it is asked
    """Answers to what moto does not know."""
    made = Answers()
    answer_for(monkeypatch, made)
    return made


def _refusal(code: str, operation: str, message: str = "no", status: int = 400) -> ClientError:
    error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, operation)


def _role() -> list[tuple[str, str]]:
    return [(check.outcome, check.words) for check in check_role(connection(), ROLE_ARN)]


@pytest.mark.parametrize(
    ("input_uri", "output_uri", "fault"),
    [
        ("s3://data/in/", "s3://data/in/out/", "OutputUri s3://data/in/out/ is under InputUri s3://data/in/"),
        ("s3://data/in/", "s3://data/in/", "is under InputUri"),
        ("s3://data/in/", "s3://data/", "InputUri s3://data/in/ is under OutputUri s3://data/"),
    ],
)
def test_input_and_output_lie_apart(input_uri: str, output_uri: str, fault: str) -> None:
    with pytest.raises(CallerError, match=fault):
        check_apart(input_uri, output_uri)
    assert check_apart("s3://data/in/", "s3://data/in-scored/")


@pytest.mark.usefixtures("aws")
def test_a_bucket_that_does_not_exist_is_named() -> None:
    with pytest.raises(CallerError, match="OutputUri: there is no bucket 'none'"):
        check_bucket(connection(), "OutputUri", "s3://none/out/")


def test_a_bucket_that_may_not_be_looked_at_is_not_checked(answers: Answers) -> None:
    """[doc] S3 answers HEAD without a body: the code is the status."""
    answers.refusal["s3"] = _refusal("403", "HeadBucket", "Forbidden")
    found = look_at("bucket", lambda: check_bucket(connection(), "OutputUri", "s3://data/out/"))
    assert found.outcome == "not checked"
    assert "not allowed: HeadBucket" in found.words


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
@pytest.mark.usefixtures("aws")
def test_a_package_that_nobody_approved_fails(status: str) -> None:
    arn = make_account()["ModelPackageArn"]
    client = boto3.client("sagemaker", region_name=REGION)
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)
    with pytest.raises(CallerError, match=f"is {status}, not Approved"):
        check_model_package(connection(), arn)


@pytest.mark.usefixtures("aws")
def test_an_image_is_looked_for_by_tag_and_by_digest() -> None:
    make_account()
    assert check_image(connection(), "ImageUri", IMAGE_URI) == f"{IMAGE_URI} is there"
    for missing in (IMAGE_URI.replace(":1", ""), IMAGE_URI.replace(":1", "@sha256:" + "1" * 64)):
        with pytest.raises(CallerError, match="ImageUri: there is no image"):
            check_image(connection(), "ImageUri", missing)
    with pytest.raises(CannotTellError, match="is not in a private repository of ECR"):
        check_image(connection(), "ImageUri", "public.ecr.aws/team/batchscore:1")


def test_a_role_that_may_be_taken_and_handed_over_passes(answers: Answers) -> None:
    make_account()
    assert [outcome for outcome, _ in _role()] == ["passed"] * 3
    assert answers.asked == ["SimulatePrincipalPolicy"] * 2


def test_a_role_that_may_not_hand_itself_to_its_jobs_fails(answers: Answers) -> None:
    """[doc] The pipeline makes its jobs with the role's own rights."""
    make_account()
    answers.powerless.add(ROLE_ARN)
    (_, yours, itself) = _role()
    assert yours[0] == "passed"
    assert itself[0] == "failed"
    assert f"{ROLE_ARN} may not do iam:PassRole on {ROLE_ARN} (implicitDeny); add it" in itself[1]


@pytest.mark.usefixtures("answers")
def test_a_role_that_sagemaker_may_not_take_fails() -> None:
    make_account()
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    boto3.client("iam", region_name=REGION).update_assume_role_policy(
        RoleName="scoring", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement})
    )
    outcome, words = _role()[0]
    assert outcome == "failed"
    assert "does not let sagemaker.amazonaws.com assume it" in words


@pytest.mark.usefixtures("answers")
def test_a_role_of_another_account_is_not_checked() -> None:
    (found, *_) = check_role(connection(), "arn:aws:iam::999999999999:role/scoring")
    assert (found.outcome, found.words) == (
        "not checked",
        "arn:aws:iam::999999999999:role/scoring is of another account, where nothing can be asked from here",
    )


@pytest.mark.usefixtures("answers")
def test_a_role_that_does_not_exist_fails() -> None:
    outcome, words = _role()[0]
    assert (outcome, words) == ("failed", "role 'scoring' does not exist in this account")


def test_who_may_not_ask_about_roles_gets_not_checked(answers: Answers) -> None:
    message = "User: a is not authorized to perform: iam:GetRole on resource: role scoring"
    answers.refusal["iam"] = _refusal("AccessDenied", "GetRole", message)
    found = _role()
    assert [outcome for outcome, _ in found] == ["not checked"] * 3
    assert "not allowed: iam:GetRole on role" in found[0][1]


def _raise(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CallerError("wrong"), "failed"),
        (PlatformError("down"), "not checked"),
        (CannotTellError("who knows"), "not checked"),
        (_refusal("ValidationException", "DescribeX", "bad name"), "failed"),
        (_refusal("ThrottlingException", "DescribeX"), "not checked"),
        (_refusal("InternalFailure", "DescribeX", status=500), "not checked"),
    ],
)
def test_only_what_is_wrong_fails(error: Exception, expected: str) -> None:
    assert look_at("thing", lambda: _raise(error)).outcome == expected


def test_a_fault_of_our_own_is_not_hidden_in_a_check() -> None:
    with pytest.raises(ZeroDivisionError):
        look_at("thing", lambda: str(1 / 0))
