"""What a model package's own run found: read before the package is promoted, written where people approve.

CreateModelPackage takes no ApprovalDescription [src: botocore], and RegisterModel runs before anything is
measured; so the package names its run's report, and whoever sees the verdict first adds it.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from contracts.errors import CallerError, RunFailedError, bounded
from contracts.gate import GATE_FILE, QualityGate, parse_gate
from contracts.registration import REPORT_PROPERTY
from runner.aws.errors import DENIED_CODES, error_code
from runner.aws.execution import ExecutionState
from runner.aws.objects import read_if_there
from runner.aws.session import AwsConnection

MAX_DESCRIPTION_CHARS = 1024
"""[src] botocore's `ApprovalDescription` shape; it holds no line break either."""

_REGISTER_STEP, _FAIL_STEP = "RegisterModel", "FailQuality"


def check_judged(connection: AwsConnection, package_arn: str, *, needs_gate: bool) -> None:
    """Refuse a package whose run's quality gate was not passed, and reject it, so that it does not come back.

    A package that names no report was registered by other means, and is for people to judge.

    Args:
        connection: Where.
        package_arn: Approved by somebody.
        needs_gate: Refuse too while there is no verdict. Not for going back to a package that has scored
            before: its report may have expired since.

    Raises:
        RunFailedError: Its gate was not passed; it is rejected now.
        CallerError: Its run goes on, or ended before it was judged.
    """
    report_uri = _report_uri(connection, package_arn)
    if not report_uri:
        return
    gate = _gate_at(connection, report_uri)
    if gate is None:
        if needs_gate:
            raise CallerError(
                f"model package {package_arn} is approved and was not judged: {report_uri}{GATE_FILE} is "
                "missing; wait until its run has ended and promote again, or reject the package"
            )
        return
    if gate.is_passed:
        return
    reason = f"The quality gate of its run was not passed: {gate.reason} See {report_uri}report.html"
    connection.client("sagemaker").update_model_package(
        ModelPackageArn=package_arn, ModelApprovalStatus="Rejected", ApprovalDescription=_described(reason)
    )
    raise RunFailedError(f"model package {package_arn} is not promoted and was rejected. {reason}")


def describe_failed_gate(connection: AwsConnection, state: ExecutionState) -> str:
    """Write into a candidate's package why its run ended at the quality gate; it stays as approved as it was.

    Returns:
        What was done, or could not be, as a line for people; empty where the run ended otherwise.
    """
    steps = {step.name: step for step in state.steps}
    failed, registered = steps.get(_FAIL_STEP), steps.get(_REGISTER_STEP)
    if failed is None or not failed.reason or registered is None or not registered.arn:
        return ""
    try:
        connection.client("sagemaker").update_model_package(
            ModelPackageArn=registered.arn, ApprovalDescription=_described(failed.reason)
        )
    except ClientError as error:
        if error_code(error) not in DENIED_CODES:
            raise
        return f"{registered.arn} does not say so: no permission for sagemaker:UpdateModelPackage"
    return f"{registered.arn} says in its approval description why not to approve it"


def _report_uri(connection: AwsConnection, package_arn: str) -> str:
    answer = connection.client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    uri: str = (answer.get("CustomerMetadataProperties") or {}).get(REPORT_PROPERTY, "")
    return uri


def _gate_at(connection: AwsConnection, report_uri: str) -> QualityGate | None:
    uri = f"{report_uri}{GATE_FILE}"
    content = read_if_there(connection.client("s3"), uri)
    return None if content is None else parse_gate(content, name=uri)


def _described(reason: str) -> str:
    return bounded(" ".join(reason.split()), MAX_DESCRIPTION_CHARS)
