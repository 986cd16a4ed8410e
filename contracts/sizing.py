"""How many records a shard gets, and how many instances a transform job: arithmetic, no files.

Batch Transform hands out whole objects, so shards make the parallelism; every shard also costs a request
and a file. Small inputs get one shard for each request that may be in flight, large ones four, so that a
slow shard at the end does not leave the other instances idle. PrepareInput decides by it, and `batchscore
plan` foretells with it what PrepareInput will decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB

SHARDS_PER_SLOT = 4
MIN_SHARDS = 3
MIN_SHARD_RECORDS = 50_000
"""Fewer are not worth a shard of their own (three files and a request), unless instances would be idle."""

MAX_SHARD_SOURCE_BYTES = 64 * BYTES_PER_MB
"""Keeps memory bounded where no payload limit holds for a shard."""

ESCAPED_GROWTH = {"csv": 2, "jsonlines": 6}
"""So many times as long, at most, is an id once it is written on these wires: a quote in CSV is doubled, a
control character takes six characters in JSON."""

PAYLOAD_FILL_FRACTION = 0.9
"""Aimed for, so that shards somewhat denser than the sample still fit."""

RECORD_OVERHEAD_BYTES = 4096
COLUMN_OVERHEAD_BYTES = 512
"""What a shard with one record needs beside the record's text, at most: Parquet headers and footers."""


@dataclass(frozen=True, kw_only=True)
class SizingRules:
    """What the caller wants of the transform job.

    Attributes:
        max_instances: Most instances, at least 1.
        max_concurrency: Requests in flight on each instance, at least 1.
        max_payload_bytes: Largest payload of one request.
        deadline_seconds: Time in which everything should be scored.
        records_per_second: What one instance is assumed to score.
    """

    max_instances: int
    max_concurrency: int
    max_payload_bytes: int
    deadline_seconds: float
    records_per_second: float

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {getattr(self, name)}; expected more than 0"
            for name in self.__dataclass_fields__
            if not 0 < getattr(self, name) < math.inf
        ]
        if self.max_payload_bytes > MAX_PAYLOAD_MB * BYTES_PER_MB:
            faults.append(f"max_payload_bytes is {self.max_payload_bytes}; AWS allows {MAX_PAYLOAD_MB} MB")
        if faults:
            raise CallerError("sizing: " + "; ".join(faults))

    @property
    def slot_count(self) -> int:
        """Requests that may be in flight at once."""
        return self.max_instances * self.max_concurrency

    def max_record_bytes(self, column_count: int, wire_name: str) -> int:
        """Return the longest source record that fits into one payload, given a shard's columns and wire."""
        overhead = RECORD_OVERHEAD_BYTES + COLUMN_OVERHEAD_BYTES * column_count
        return max(1, (self.max_payload_bytes - overhead) // ESCAPED_GROWTH.get(wire_name, 1))


@dataclass(frozen=True, kw_only=True)
class SourceSample:
    """What the first block says about all of the source.

    Attributes:
        record_count: Records in the block.
        byte_count: Bytes of the source, as delivered, that it takes.
        total_byte_count: Bytes of all source objects that this instance reads.
        shard_bytes_per_record: In a shard, measured; None where a shard need not fit into one payload.
        host_count: Instances that prepare.
    """

    record_count: int
    byte_count: int
    total_byte_count: int
    shard_bytes_per_record: float | None
    host_count: int


def records_per_shard(sample: SourceSample, rules: SizingRules) -> int:
    """Return how many records each shard gets; the last one gets what is left."""
    bytes_per_record = max(sample.byte_count, 1) / max(sample.record_count, 1)
    estimated_records = max(1.0, sample.total_byte_count / bytes_per_record)
    fewest = max(MIN_SHARDS, rules.slot_count) / sample.host_count
    most = rules.slot_count * SHARDS_PER_SLOT / sample.host_count
    shard_count = max(1, math.ceil(max(fewest, min(most, estimated_records / MIN_SHARD_RECORDS))))
    limits = [
        math.ceil(estimated_records / shard_count - 1e-9),
        int(MAX_SHARD_SOURCE_BYTES / bytes_per_record),
    ]
    if sample.shard_bytes_per_record is not None:
        limits.append(int(rules.max_payload_bytes * PAYLOAD_FILL_FRACTION / sample.shard_bytes_per_record))
    return max(1, min(limits))


def transform_instance_count(valid_count: int, shard_count: int, rules: SizingRules) -> int:
    """Return how many instances meet the deadline, within the ceiling; never more than there are shards."""
    needed = math.ceil(valid_count / (rules.records_per_second * rules.deadline_seconds))
    return max(1, min(needed, rules.max_instances, shard_count))
