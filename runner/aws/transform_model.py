"""A model of a batch transform job in AWS: what it scores, how long it takes, what is paid for. No I/O.

Its events: a slot becomes free and takes its instance's next payload (`contracts.transform_schedule`).
Before them, objects above the payload limit fail, or are split into payloads where they can be, and objects
are dealt out to instances. An instance cannot take another's object, and that makes the tail.

    waiting for instances │ container starts │ payloads, slot by slot │
    not paid for          │ paid for, by all instances, until the last one is done

`batchscore plan` asks it without chance (`runner.aws.transform_chance`): the time of a run in which nothing
is slow and nothing fails. With chance, `benchmarks.simulation` shows what becomes of other ways to lay out
data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contracts.transform_schedule import balance_of
from runner.aws.transform_chance import Chance

SECONDS_PER_HOUR = 3600
Counts = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ObjectsToScore:
    """The objects of a transform job.

    Attributes:
        record_counts: Of each object, in key order.
        bytes_per_record: In these objects.
        is_splittable: Whether SplitType cuts them into payloads; otherwise each is one payload.
    """

    record_counts: Counts
    bytes_per_record: float
    is_splittable: bool = False

    def payload_counts(self, max_payload_bytes: int) -> Counts:
        """Return how many payloads each object becomes; 0 if it cannot be sent, and fails."""
        sizes = self.record_counts * self.bytes_per_record
        if self.is_splittable and self.bytes_per_record <= max_payload_bytes:
            fitting = int(max_payload_bytes / self.bytes_per_record)
            return np.maximum(1, -(-self.record_counts // fitting))
        return np.where(sizes <= max_payload_bytes, 1, 0).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class TransformJob:
    """A transform job.

    Attributes:
        objects: What it scores.
        instance_count: At least 1.
        slot_count: Requests in flight on each instance (MaxConcurrentTransforms), at least 1.
        records_per_second: What one instance scores with all its slots busy; a slot alone is as fast as then.
        max_payload_bytes: Largest body of a request.
        payload_seconds: A request takes, beside its records.
        object_seconds: It takes to read an object and write its output.
        waiting_seconds: Until the service has the instances; not paid for.
        start_seconds: Until containers take requests; paid for.
        chance: What differs from run to run.
    """

    objects: ObjectsToScore
    instance_count: int
    slot_count: int
    records_per_second: float
    max_payload_bytes: int
    payload_seconds: float = 0.0
    object_seconds: float = 0.0
    waiting_seconds: float = 0.0
    start_seconds: float = 0.0
    chance: Chance = field(default_factory=Chance)


@dataclass(frozen=True, kw_only=True)
class TransformOutcome:
    """What became of a transform job.

    Attributes:
        span_seconds: From the first payload to the end of the last one.
        busy_fractions: Of each instance, see `contracts.transform_schedule.Balance`.
        makespan_seconds: From the request for the job to its end.
        billed_seconds: Of them, paid for.
        request_count: Payloads sent, those sent again included.
        unsendable_object_count: Objects above the payload limit.
        failed_object_count: Those, and objects with a request that failed too often.
        scored_record_count: In objects that did not fail.
    """

    span_seconds: float
    busy_fractions: tuple[float, ...]
    makespan_seconds: float
    billed_seconds: float
    request_count: int
    unsendable_object_count: int
    failed_object_count: int
    scored_record_count: int

    @property
    def least_busy_fraction(self) -> float:
        """Of the instance that has least to do."""
        return min(self.busy_fractions)

    @property
    def instance_hours(self) -> float:
        """Paid for, of all instances together."""
        return len(self.busy_fractions) * self.billed_seconds / SECONDS_PER_HOUR


@dataclass(frozen=True, kw_only=True)
class _Payloads:
    """All payloads of a job, in key order of their objects, and what each takes."""

    object_numbers: Counts
    seconds: Seconds
    failures: Counts


def simulate(job: TransformJob) -> TransformOutcome:
    """Run the model of a job to its end; the same job always gives the same outcome."""
    counts = job.objects.payload_counts(job.max_payload_bytes)
    payloads = _payloads(job, counts)
    balanced = balance_of(_shares(payloads, job), job.slot_count)
    is_failed = counts == 0
    is_failed[payloads.object_numbers[payloads.failures > job.chance.max_retries]] = True
    billed = job.start_seconds + balanced.span_seconds
    return TransformOutcome(
        span_seconds=balanced.span_seconds,
        busy_fractions=balanced.busy_fractions,
        makespan_seconds=job.waiting_seconds + billed,
        billed_seconds=billed,
        request_count=int(_attempts(payloads, job).sum()),
        unsendable_object_count=int((counts == 0).sum()),
        failed_object_count=int(is_failed.sum()),
        scored_record_count=int(job.objects.record_counts[~is_failed].sum()),
    )


def _payloads(job: TransformJob, counts: Counts) -> _Payloads:
    numbers = np.repeat(np.arange(len(counts)), counts)
    draws = job.chance.draws()
    factors = draws.instance_factors(job.instance_count)[numbers % job.instance_count]
    records = (job.objects.record_counts / np.maximum(counts, 1))[numbers]
    seconds = records * (job.slot_count / job.records_per_second) + job.payload_seconds
    seconds *= factors * draws.payload_factors(len(numbers))
    return _Payloads(object_numbers=numbers, seconds=seconds, failures=draws.failures(len(numbers)))


def _attempts(payloads: _Payloads, job: TransformJob) -> Counts:
    return np.minimum(payloads.failures, job.chance.max_retries) + 1


def _shares(payloads: _Payloads, job: TransformJob) -> list[Seconds]:
    """Return the seconds of each instance's payloads, the first of an object with the object's own time."""
    numbers, seconds = payloads.object_numbers, payloads.seconds * _attempts(payloads, job)
    seconds[np.diff(numbers, prepend=-1) > 0] += job.object_seconds
    instances = numbers % job.instance_count
    return [seconds[instances == number] for number in range(job.instance_count)]
