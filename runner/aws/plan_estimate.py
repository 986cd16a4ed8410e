"""What scoring takes on an instance type: shards, instances, time, instance-hours, cost. Arithmetic only.

Shards and instances are decided as PrepareInput decides them (`contracts.sizing`); time follows from the
rate that is assumed for one instance, and is that of the instance with the most shards, since Batch Transform
hands out whole shards. Every instance is paid for until the last one is done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.sizing import SizingRules, SourceSample, records_per_shard, transform_instance_count

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
        fixed_instance_count: Of the transform job, where the pipeline does not take it from the plan.
    """

    record_count: int
    byte_count: int
    shard_bytes_per_record: float | None
    host_count: int = 1
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
        usd_per_hour: Of one instance; None where no price is known.
        record_count: Scored.
    """

    instance_type: str
    records_per_second: int
    shard_count: int
    instance_count: int
    scoring_seconds: float
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
    sample = SourceSample(
        record_count=work.record_count,
        byte_count=work.byte_count,
        total_byte_count=math.ceil(work.byte_count / work.host_count),
        shard_bytes_per_record=work.shard_bytes_per_record,
        host_count=work.host_count,
    )
    per_shard = records_per_shard(sample, rules)
    shard_count = work.host_count * math.ceil(work.record_count / work.host_count / per_shard)
    instances = work.fixed_instance_count or transform_instance_count(work.record_count, shard_count, rules)
    busiest = min(work.record_count, math.ceil(shard_count / instances) * per_shard)
    return Estimate(
        instance_type=instance_type,
        records_per_second=round(rules.records_per_second),
        shard_count=shard_count,
        instance_count=instances,
        scoring_seconds=busiest / rules.records_per_second,
        usd_per_hour=usd_per_hour,
        record_count=work.record_count,
    )
