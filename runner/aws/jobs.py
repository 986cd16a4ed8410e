"""Processing and transform jobs as AWS describes them: what they run on, since when, and why they failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.aws.execution import StepState
from runner.aws.session import AwsConnection

PROCESSING = "Processing"
TRANSFORM = "Batch Transform"
"""Components, as a price is looked up by them together with the instance type."""

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class JobFact:
    """One job.

    Attributes:
        component: PROCESSING or TRANSFORM.
        status: `InProgress`, `Completed`, `Failed`, `Stopping` or `Stopped`.
        instance_type: Such as `ml.m5.xlarge`.
        instance_count: At least 1.
        started_at: When it began on its instances, UTC; None while it waits for them.
        ended_at: UTC; None while it goes on.
        reason: Why it failed: what our own program said, then what the service says; or empty.
    """

    component: str
    status: str
    instance_type: str
    instance_count: int
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    reason: str

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more."""
        return self.status not in ("InProgress", "Stopping")

    def instance_hours(self, now: dt.datetime) -> float:
        """Return the hours of all its instances until its end, or until now.

        [doc] A transform job is billed from TransformStartTime to TransformEndTime (DescribeTransformJob);
        for a processing job the same is taken.
        """
        if self.started_at is None:
            return 0.0
        seconds = ((self.ended_at or now) - self.started_at).total_seconds()
        return self.instance_count * max(0.0, seconds) / _SECONDS_PER_HOUR


def read_job(connection: AwsConnection, step: StepState) -> JobFact | None:
    """Describe the job of a step's current attempt; None for a step that has no job, or not yet."""
    name = step.arn.rsplit("/", 1)[-1]
    client = connection.client("sagemaker")
    if step.kind == "ProcessingJob" and name:
        return _processing(client.describe_processing_job(ProcessingJobName=name))
    if step.kind == "TransformJob" and name:
        return _transform(client.describe_transform_job(TransformJobName=name))
    return None


def _processing(answer: Mapping[str, Any]) -> JobFact:
    cluster = answer["ProcessingResources"]["ClusterConfig"]
    return JobFact(
        component=PROCESSING,
        status=answer["ProcessingJobStatus"],
        instance_type=cluster.get("InstanceType") or cluster.get("SelectedInstanceType", ""),
        instance_count=cluster.get("InstanceCount") or cluster.get("SelectedInstanceCount", 1),
        started_at=answer.get("ProcessingStartTime"),
        ended_at=answer.get("ProcessingEndTime"),
        reason=_joined(answer.get("ExitMessage", ""), answer.get("FailureReason", "")),
    )


def _transform(answer: Mapping[str, Any]) -> JobFact:
    resources = answer["TransformResources"]
    return JobFact(
        component=TRANSFORM,
        status=answer["TransformJobStatus"],
        instance_type=resources["InstanceType"],
        instance_count=resources["InstanceCount"],
        started_at=answer.get("TransformStartTime"),
        ended_at=answer.get("TransformEndTime"),
        reason=answer.get("FailureReason", ""),
    )


def _joined(own_words: str, service_words: str) -> str:
    """Put our program's words first; a job that succeeded has an exit message too, and no failure reason."""
    if not service_words or own_words in service_words:
        return service_words
    return f"{own_words} ({service_words})" if own_words else service_words
