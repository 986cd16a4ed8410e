"""How many records a shard gets, and how many instances a transform job: arithmetic, no files.

Batch Transform hands out whole objects, so shards make the parallelism; every shard also costs a request
and a file. PrepareInput decides by it, and `batchscore plan` foretells with it what PrepareInput will decide.

Every instance is to be busy for at least BUSY_FRACTION of the transform, in all its slots
(`contracts.transform_schedule`):

- Shards are equal, give or take one record, and as many as there are slots in the instances that meet the
  deadline, of those allowed, or a multiple of that. So a job with so many instances is even.
- The larger the input, the more shards each slot gets, up to SHARDS_PER_SLOT: 20 full rounds are 95 % of the
  time even where only one slot has a shard for the 21st. So any number of instances is busy enough then, and
  also a job with more or fewer valid records than the first block let expect.
- Of the counts of instances that meet the deadline, the least is taken that keeps all of them busy enough.

In a plan, that holds wherever one instance prepares and shards have at least SHARDS_PER_SLOT records, which
so many for each shard of each slot give (400 records a slot). With fewer, one record more is more than 5 % of
a shard, and the most even count is taken. So it is where several instances prepare a small input: each leaves
a shard that is not full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB
from contracts.transform_schedule import balance

BUSY_FRACTION = 0.95
SHARDS_PER_SLOT = 20
MIN_SHARDS = 3
MIN_SHARD_RECORDS = 50_000
MIN_SHARD_SECONDS = 10
"""Shards below both, in records and in the time of a slot, are not worth what they cost (three files and a
request), unless slots would be idle. By the default rate, 5,000 a second and slot, both are the same."""

GROWING_SHARDS_PER_SLOT = 8
"""Of a slot that has so many, shards grow to twice that size before there are more: the slots are even enough
already (with one shard more, eight of nine rounds are full), and a shard costs the server and its client
some milliseconds beside its records (docs/performance.md)."""

MAX_SHARD_SOURCE_BYTES = 64 * BYTES_PER_MB
"""Keeps memory bounded where no payload limit holds for a shard."""

ESCAPED_GROWTH = {"csv": 2, "jsonlines": 6}
"""So many times as long, at most, is an id once it is written on these wires: a quote in CSV is doubled, a
control character takes six characters in JSON."""

LIST_GROWTH = 3
"""So many times as long, at most, is a record with its lists in columns: `a,` is two bytes in a source, and
in Arrow one for the text and four for its position."""

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
        min_instances: Instances that there will be in any case: all of them where their count is fixed.
    """

    max_instances: int
    max_concurrency: int
    max_payload_bytes: int
    deadline_seconds: float
    records_per_second: float
    min_instances: int = 1

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

    def slots_for(self, record_count: float) -> int:
        """Return the requests in flight in the fewest instances that meet the deadline, of those allowed."""
        instances = math.ceil(record_count / self.records_per_second / self.deadline_seconds)
        return min(max(instances, self.min_instances), self.max_instances) * self.max_concurrency

    @property
    def slot_records_per_second(self) -> float:
        """What one slot scores while all others of its instance do, too."""
        return self.records_per_second / self.max_concurrency

    def max_record_bytes(self, column_count: int, wire_name: str, *, has_lists: bool = False) -> int:
        """Return the longest source record that fits into one payload, given a shard's columns and wire."""
        overhead = RECORD_OVERHEAD_BYTES + COLUMN_OVERHEAD_BYTES * column_count
        growth = max(ESCAPED_GROWTH.get(wire_name, 1), LIST_GROWTH if has_lists else 1)
        return max(1, (self.max_payload_bytes - overhead) // growth)


@dataclass(frozen=True, kw_only=True)
class SourceSample:
    """What the first block says about all of the source.

    Attributes:
        record_count: Records in the block.
        byte_count: Bytes of the source, as delivered, that it takes.
        total_byte_count: Bytes of all source objects that this instance reads.
        shard_bytes_per_record: In a shard, measured; None where a shard need not fit into one payload.
        host_count: Instances that prepare.
        outputs_per_record: Numbers that are kept of what the model answers.
    """

    record_count: int
    byte_count: int
    total_byte_count: int
    shard_bytes_per_record: float | None
    host_count: int
    outputs_per_record: int = 1


def records_per_shard(sample: SourceSample, rules: SizingRules) -> float:
    """Return how many records shards get on average, at least 1; see `shard_end`."""
    bytes_per_record = max(sample.byte_count, 1) / max(sample.record_count, 1)
    records = max(1.0, sample.total_byte_count / bytes_per_record)
    most = _most_records(sample, rules, bytes_per_record)
    slots = rules.slots_for(records * sample.host_count)
    slots_here = slots / sample.host_count
    worthwhile = records / slots_here / _worthwhile_records(rules)
    per_slot = min(SHARDS_PER_SLOT, int(max(worthwhile / 2, min(worthwhile, GROWING_SHARDS_PER_SLOT))))
    per_slot = max(1, per_slot, math.ceil(MIN_SHARDS / slots), math.ceil(records / slots_here / most))
    shard_count = math.ceil(per_slot * slots_here - 1e-9)
    return max(1.0, min(float(most), records / shard_count))


def shard_end(number: int, per_shard: float) -> int:
    """Return how many records the first `number` shards have together; the last one has what is left.

    So no shard has more than `per_shard`, rounded up, and all have as many, give or take one.
    """
    return math.floor(number * per_shard + 0.5)


def shard_record_counts(record_count: int, per_shard: float) -> npt.NDArray[np.int64]:
    """Return the records of each shard, in order, that so many records are cut into."""
    shard_count = math.ceil((record_count - 0.5) / per_shard)
    ends = np.floor(np.arange(shard_count + 1) * per_shard + 0.5).astype(np.int64)
    ends[-1] = record_count
    counts: npt.NDArray[np.int64] = np.diff(ends)
    return counts


def _worthwhile_records(rules: SizingRules) -> float:
    return max(1.0, min(MIN_SHARD_RECORDS, MIN_SHARD_SECONDS * rules.slot_records_per_second))


def _most_records(sample: SourceSample, rules: SizingRules, bytes_per_record: float) -> int:
    """Return how many records a shard may have for its bytes, at least 1."""
    limits = [MAX_SHARD_SOURCE_BYTES / bytes_per_record]
    if sample.shard_bytes_per_record is not None:
        # An output in the answer takes a server as much memory as it sets aside for a byte of payload.
        limits.append(rules.max_payload_bytes / sample.outputs_per_record)
        limits.append(rules.max_payload_bytes * PAYLOAD_FILL_FRACTION / sample.shard_bytes_per_record)
    return max(1, int(min(limits)))


def transform_instance_count(shard_records: Sequence[int] | npt.NDArray[np.int64], rules: SizingRules) -> int:
    """Return the fewest instances that meet the deadline, or are as fast as all, and are all busy enough.

    Where no count does both, it is the one that keeps its least busy instance busiest; never more than are
    allowed or than there are shards.

    Args:
        shard_records: Records of each shard, in key order.
        rules: What the caller wants.
    """
    seconds = np.asarray(shard_records, np.float64) / rules.slot_records_per_second
    slots = rules.max_concurrency
    most = max(1, min(rules.max_instances, len(seconds)))
    allowed = max(rules.deadline_seconds, balance(seconds, most, slots).span_seconds) * (1 + 1e-9)
    fewest = max(1, math.ceil(float(seconds.sum()) / slots / allowed))
    busiest, chosen = -1.0, most
    for count in range(fewest, most + 1):
        found = balance(seconds, count, slots)
        if found.span_seconds <= allowed and found.least_busy_fraction > busiest:
            busiest, chosen = found.least_busy_fraction, count
        if busiest >= BUSY_FRACTION:
            break
    return chosen
