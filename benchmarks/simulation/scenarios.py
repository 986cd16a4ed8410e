"""The ways to lay out records for a transform job that are simulated, and what becomes of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.simulation import assumptions as assumed
from benchmarks.simulation.serving_speed import ServingSpeed
from contracts.sizing import (
    SizingRules,
    SourceSample,
    records_per_shard,
    shard_record_counts,
    transform_instance_count,
)
from contracts.wire import wire_format
from runner.aws.transform_chance import Chance
from runner.aws.transform_model import Counts, ObjectsToScore, TransformJob, simulate

SIZES = tuple(10**power for power in range(6, 11))
INSTANCE_COUNTS = (1, 4, 16)
SOURCE_BYTES_PER_RECORD = 111
"""Of the CSV that docs/benchmarks.md describes."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A way to lay out records.

    Attributes:
        name: For people.
        wire: On which they travel.
        objects: `shards` as PrepareInput cuts them, `one` object, or `small` ones.
    """

    name: str
    wire: str
    objects: str


OURS = Layout(name="our shards, Arrow", wire="arrow", objects="shards")
LAYOUTS = (
    OURS,
    Layout(name="our shards, CSV", wire="csv", objects="shards"),
    Layout(name="one file, Parquet", wire="parquet", objects="one"),
    Layout(name="one file, CSV", wire="csv", objects="one"),
    Layout(name="files of 1,000 records, Parquet", wire="parquet", objects="small"),
    Layout(name="files of 1,000 records, CSV", wire="csv", objects="small"),
)


def instance_records_per_second(speed: ServingSpeed) -> float:
    """Return what an instance scores with all its slots busy."""
    return assumed.SLOTS / speed.seconds_per_record


def sized(record_count: int, instances: int, layout: Layout, speed: ServingSpeed) -> tuple[Counts, int]:
    """Return the shards that PrepareInput would cut, and how many of the instances allowed its plan takes.

    The deadline is so short that the plan is for as fast as the instances allow.
    """
    rules = SizingRules(
        max_instances=instances,
        max_concurrency=assumed.SLOTS,
        max_payload_bytes=assumed.MAX_PAYLOAD_BYTES,
        deadline_seconds=1e-6,
        records_per_second=instance_records_per_second(speed),
    )
    source_bytes = record_count * SOURCE_BYTES_PER_RECORD
    sample = SourceSample(
        record_count=record_count,
        byte_count=source_bytes,
        total_byte_count=source_bytes,
        shard_bytes_per_record=speed.bytes_per_record if wire_format(layout.wire).has_columns else None,
        host_count=1,
    )
    shards = shard_record_counts(record_count, records_per_shard(sample, rules))
    return shards, transform_instance_count(shards, rules)


def job_of(
    record_count: int, instances: int, layout: Layout, speed: ServingSpeed, chance: Chance
) -> TransformJob:
    """Return the transform job that scores so many records in a layout."""
    if layout.objects == "shards":
        counts, instances = sized(record_count, instances, layout, speed)
    else:
        each = record_count if layout.objects == "one" else assumed.SMALL_FILE_RECORDS
        counts = np.full(math.ceil(record_count / each), each, np.int64)
        counts[-1] = record_count - (len(counts) - 1) * each
    return TransformJob(
        objects=ObjectsToScore(
            record_counts=counts,
            bytes_per_record=speed.bytes_per_record,
            is_splittable=layout.wire == "csv",
        ),
        instance_count=instances,
        slot_count=assumed.SLOTS,
        records_per_second=instance_records_per_second(speed),
        max_payload_bytes=assumed.MAX_PAYLOAD_BYTES,
        payload_seconds=speed.payload_seconds,
        object_seconds=assumed.OBJECT_SECONDS,
        waiting_seconds=assumed.WAITING_SECONDS,
        start_seconds=assumed.START_SECONDS,
        chance=chance,
    )


def outcome_of(
    record_count: int, allowed: int, layout: Layout, speed: ServingSpeed, chance: Chance
) -> dict[str, Any]:
    """Return what becomes of a scenario, with and without chance, as it is kept."""
    job = job_of(record_count, allowed, layout, speed, chance)
    even = simulate(job_of(record_count, allowed, layout, speed, Chance()))
    found = simulate(job)
    facts = {
        "records": record_count,
        "instances_allowed": allowed,
        "layout": layout.name,
        "instances": job.instance_count,
        "objects": len(job.objects.record_counts),
        "is_possible": found.unsendable_object_count == 0,
        "least_busy_without_chance": even.least_busy_fraction,
        "span_seconds_without_chance": even.span_seconds,
        "least_busy": found.least_busy_fraction,
        "instance_hours": found.instance_hours,
        "cost_usd": found.instance_hours * assumed.TRANSFORM_USD_PER_HOUR,
    }
    outcome = {key: value for key, value in asdict(found).items() if key != "busy_fractions"}
    return {**facts, **outcome, **(whole_run(record_count, outcome) if layout.objects == "shards" else {})}


def whole_run(record_count: int, outcome: Mapping[str, Any]) -> dict[str, float]:
    """Return time and cost of preparing and reporting, on one instance each, around a transform job."""
    preparing = assumed.START_SECONDS + record_count / assumed.PREPARED_PER_SECOND
    reporting = assumed.START_SECONDS + record_count / assumed.REPORTED_PER_SECOND
    usd = preparing * assumed.PREPARE_USD_PER_HOUR + reporting * assumed.REPORT_USD_PER_HOUR
    return {
        "run_seconds": outcome["makespan_seconds"] + preparing + reporting + 2 * assumed.WAITING_SECONDS,
        "prepare_and_report_usd": usd / 3600,
    }


def all_outcomes(speeds: Mapping[str, ServingSpeed], chance: Chance) -> Iterator[dict[str, Any]]:
    """Yield what becomes of every scenario, the smallest first."""
    for record_count in SIZES:
        for allowed in INSTANCE_COUNTS:
            for layout in LAYOUTS:
                yield outcome_of(record_count, allowed, layout, speeds[layout.wire], chance)
