"""Stop a run in AWS. Stopping what has ended, or is being stopped, is no fault and does nothing."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from runner.aws.errors import error_code
from runner.aws.session import AwsConnection
from runner.lost_run import UNFINISHED

_NOT_EXECUTING_CODES = ("ConflictException", "ValidationException")


@dataclass(frozen=True, kw_only=True)
class StopOutcome:
    """What a request to stop found and did.

    Attributes:
        arn: Of the execution.
        status: As it is now, such as `Stopping` or `Succeeded`.
        was_asked: Whether this request stopped it; otherwise there was nothing to stop any more.
    """

    arn: str
    status: str
    was_asked: bool

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self.status not in UNFINISHED


def stop_run(connection: AwsConnection, arn: str) -> StopOutcome:
    """Ask AWS to stop a run: it stops the jobs of the steps that execute, and starts no other.

    Shards that have an output keep it, so that a stopped run can be resumed.
    """
    client = connection.client("sagemaker")
    status = _status(connection, arn)
    if status != "Executing":
        return StopOutcome(arn=arn, status=status, was_asked=False)
    try:
        # botocore makes the token of the request, so that a call that it repeats is one.
        client.stop_pipeline_execution(PipelineExecutionArn=arn)
    except ClientError as error:
        status = _status(connection, arn)
        if error_code(error) in _NOT_EXECUTING_CODES and status != "Executing":  # it ended meanwhile
            return StopOutcome(arn=arn, status=status, was_asked=False)
        raise
    return StopOutcome(arn=arn, status="Stopping", was_asked=True)


def _status(connection: AwsConnection, arn: str) -> str:
    answer = connection.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
    return str(answer["PipelineExecutionStatus"])
