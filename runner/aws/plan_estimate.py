"""What scoring takes on an instance type: shards, instances, time, instance-hours, cost. Arithmetic only.

Shards and instances are decided as PrepareInput decides them (`contracts.sizing`); time is that of the model
of a job (`runner.aws.transform_model`), by the rate that is assumed for one instance. Nothing is left to
chance: no shard is slow and no request fails. Every instance is paid for until the last one is done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from contracts.sizing import (
    SizingRules,
    SourceSample,
    records_per_shard,
    shard_record_counts,
    transform_instance_count,
)
from runner.aws.transform_model import ObjectsToScore, TransformJob, TransformOutcome, simulate

SECONDS_PER_HOUR = 3600
RECORDS_PRICED = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be scored.

    Attributes:
        record_count: Of the whole input, at least 1.
        byte_count: Of all source objects, as delivered.
        shard_bytes_per_record: As `contracts.sizing.SourceSample` has it.
        host_count: Instances that prepare.
        outputs_per_record: As `contracts.sizing.SourceSample` has it.
        fixed_instance_count: Of the transform job, where the pipeline does not take it from the plan.
    """

    record_count: int
    byte_count: int
    shard_bytes_per_record: float | None
    host_count: int = 1
    outputs_per_record: int = 1
    fixed_instance_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Scoring on one instance type.

    Attributes:
        instance_type: Such as `ml.m5.xlarge`.
        records_per_second: Assumed of one instance.
        shard_count: Cut for the transform job.
        instance_count: Of the transform job.
        scoring_seconds: Without the time that jobs take to start.
        least_busy_fraction: Of these seconds, the part for which the instance with least to do is busy.
        usd_per_hour: Of one instance; None where no price is known.
        record_count: Scored.
    """

    instance_type: str
    records_per_second: int
    shard_count: int
    instance_count: int
    scoring_seconds: float
    least_busy_fraction: float
    usd_per_hour: float | None
    record_count: int

    @property
    def instance_hours(self) -> float:
        """Hours of all instances together."""
        return self.instance_count * self.scoring_seconds / SECONDS_PER_HOUR

    @property
    def cost_usd(self) -> float | None:
        """Of a run's scoring; None where no price is known."""
        return None if self.usd_per_hour is None else self.instance_hours * self.usd_per_hour

    @property
    def cost_per_million_usd(self) -> float | None:
        """Of a million records' scoring; None where no price is known."""
        return None if self.cost_usd is None else self.cost_usd * RECORDS_PRICED / self.record_count


def estimate(work: Work, instance_type: str, rules: SizingRules, usd_per_hour: float | None) -> Estimate:
    """Return what scoring takes on an instance type; the rate is that of the rules."""
    if work.fixed_instance_count:
        rules = replace(rules, min_instances=work.fixed_instance_count)
    shards = _shard_records(work, rules)
    instances = work.fixed_instance_count or transform_instance_count(shards, rules)
    outcome = _outcome(shards, instances, rules)
    return Estimate(
        instance_type=instance_type,
        records_per_second=round(rules.records_per_second),
        shard_count=len(shards),
        instance_count=instances,
        scoring_seconds=outcome.span_seconds,
        least_busy_fraction=outcome.least_busy_fraction,
        usd_per_hour=usd_per_hour,
        record_count=work.record_count,
    )


def _shard_records(work: Work, rules: SizingRules) -> npt.NDArray[np.int64]:
    """Return the records of each shard, in key order; each preparing instance has its part of the input."""
    sample = SourceSample(
        record_count=work.record_count,
        byte_count=work.byte_count,
        total_byte_count=math.ceil(work.byte_count / work.host_count),
        shard_bytes_per_record=work.shard_bytes_per_record,
        host_count=work.host_count,
        outputs_per_record=work.outputs_per_record,
    )
    per_shard = records_per_shard(sample, rules)
    parts = [(work.record_count + number) // work.host_count for number in range(work.host_count)]
    return np.concatenate([shard_record_counts(part, per_shard) for part in parts])


def _outcome(shards: npt.NDArray[np.int64], instances: int, rules: SizingRules) -> TransformOutcome:
    """Run the model; that shards fit into a payload was decided with their size."""
    return simulate(
        TransformJob(
            objects=ObjectsToScore(record_counts=shards, bytes_per_record=0.0),
            instance_count=instances,
            slot_count=rules.max_concurrency,
            records_per_second=rules.records_per_second,
            max_payload_bytes=rules.max_payload_bytes,
        )
    )
