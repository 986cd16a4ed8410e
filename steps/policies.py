"""What is tried again, what is never reused, and for how long a job may run.

Retries are for faults of the platform only: a service fault, throttling, an internal error, no capacity,
an account limit that another job will release. An error in the data or the model ends the same way every
time, so retrying it would only cost more; the transform job's own request retries are set beside it.

No step is cached. Pipelines compares a processing step's application, environment and input *URIs*, never
the objects behind them: a weekly run on the same InputUri, or a run after the input was corrected in
place, would be given last time's shards. Outputs are not compared either, and lie under the run that made
them, where steps of this run do not look. Behind CreateModel a cache could never hit, because the model's
name is new each time.
"""

from __future__ import annotations

from steps.run_context import Variable
from steps.sdk import (
    CacheConfig,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)

INVOCATION_TIMEOUT_SECONDS = 600
"""The service's default, stated so that the definition says it: a payload of 100 MB takes seconds."""

INVOCATION_MAX_RETRIES = 3
"""The service's default and maximum; a request is safe to repeat, because scoring changes nothing."""

NEVER_CACHED = CacheConfig(enable_caching=False)


def step_retries() -> list[Variable]:
    """Return the policies of any step: five tries, 10 s to 80 s apart, outlast a fault or throttling."""
    kinds = [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING]
    return [
        StepRetryPolicy(exception_types=kinds, interval_seconds=10, backoff_rate=2.0, max_attempts=5),
    ]


def job_retries() -> list[Variable]:
    """Return the policies of a step that starts a job.

    An internal error is tried twice more: a third would point to the container. Capacity and account limits
    clear when other jobs end, so they are waited for: from one minute, growing, for four hours.
    """
    internal = [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR]
    scarce = [SageMakerJobExceptionTypeEnum.CAPACITY_ERROR, SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT]
    return [
        *step_retries(),
        SageMakerJobStepRetryPolicy(failure_reason_types=internal, interval_seconds=30, max_attempts=2),
        SageMakerJobStepRetryPolicy(
            exception_types=scarce, interval_seconds=60, backoff_rate=1.5, expire_after_mins=240
        ),
    ]
