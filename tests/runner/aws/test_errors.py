"""What AWS refuses is told in words: who is at fault, which action, on what, and what to do."""

from __future__ import annotations

from pathlib import Path

import botocore.exceptions as boto
import pytest
from botocore.exceptions import ClientError
from emulated_aws import run_command

from contracts.errors import CallerError, PlatformError
from runner.aws.errors import explain, is_missing


def _refused(code: str, message: str = "", *, status: int = 400, call: str = "UpdatePipeline") -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, call)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (boto.NoCredentialsError(), CallerError, "no usable AWS credentials"),
        (boto.UnauthorizedSSOTokenError(), CallerError, "session has expired"),
        (_refused("ExpiredTokenException", "The security token is expired"), CallerError, "has expired"),
        (_refused("UnrecognizedClientException", "invalid"), CallerError, "does not know these credentials"),
        (boto.ProfileNotFound(profile="nobody"), CallerError, "nobody"),
        (boto.InvalidRegionError(region_name="eu west"), CallerError, "--region"),
        (
            boto.EndpointConnectionError(endpoint_url="https://api.x"),
            PlatformError,
            "region is the right one",
        ),
        (_refused("ThrottlingException", "Rate exceeded"), PlatformError, "throttles"),
        (_refused("ResourceLimitExceeded", "ml.m5.xlarge: 0 instances"), PlatformError, "0 instances"),
        (_refused("InternalFailure", "oops", status=500), PlatformError, "oops"),
        (_refused("ResourceNotFound", "Pipeline 'x' does not exist."), CallerError, "no such thing"),
        (_refused("ValidationException", "1 validation error"), CallerError, "1 validation error"),
    ],
)
def test_each_error_of_aws_says_whose_fault_it_is(error: Exception, kind: type, words: str) -> None:
    """The exit code follows from the kind: 2 for the caller's fault, 3 for what may work later."""
    explained = explain(error)
    assert type(explained) is kind
    assert words in str(explained)


def test_a_missing_permission_is_named_with_action_and_resource() -> None:
    """[doc] The wording of IAM's own messages (IAM guide, "Access denied error messages")."""
    message = (
        "User: arn:aws:sts::111122223333:assumed-role/ci/run is not authorized to perform: "
        "sagemaker:UpdatePipeline on resource: arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p "
        "because no identity-based policy allows the sagemaker:UpdatePipeline action"
    )
    explained = str(explain(_refused("AccessDeniedException", message)))
    assert "sagemaker:UpdatePipeline" in explained
    assert "on arn:aws:sagemaker:eu-central-1:111122223333:pipeline/p;" in explained


def test_a_command_without_credentials_ends_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One line that says what to do, and exit code 2."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    answer = run_command(monkeypatch, capsys, "status", "--region", "us-east-1")
    assert (answer.exit_code, answer.err.count("\n")) == (2, 1)
    assert "no usable AWS credentials" in answer.err


def test_a_missing_permission_without_words_is_named_by_its_call() -> None:
    """S3 says no more than `Access Denied`."""
    explained = str(explain(_refused("AccessDenied", "Access Denied", status=403, call="GetObject")))
    assert explained.startswith("not allowed: GetObject (Access Denied)")


def test_other_errors_are_left_alone() -> None:
    """What is no error of AWS's is a fault of this program's, and keeps its traceback."""
    assert explain(ValueError("x")) is None


def test_a_missing_pipeline_is_told_from_a_bad_request() -> None:
    """SageMaker and CloudFormation answer some absences as validation errors, told by their words."""
    assert is_missing(_refused("ValidationError", "Stack with id x does not exist"))
    assert not is_missing(_refused("ValidationException", "Value 'x' failed to satisfy constraint"))
