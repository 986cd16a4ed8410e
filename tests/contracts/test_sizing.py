"""Shard sizes and instance counts, each added up by hand."""

from __future__ import annotations

import pytest

from contracts.sizing import (
    BYTES_PER_MB,
    SizingRules,
    SourceSample,
    records_per_shard,
    transform_instance_count,
)

RULES = SizingRules(
    max_instances=10,
    max_concurrency=2,
    max_payload_bytes=6 * BYTES_PER_MB,
    deadline_seconds=100,
    records_per_second=10,
)


def _sample(record_count: int, **changes: float | None) -> SourceSample:
    facts = {"shard_bytes_per_record": 1.0, "host_count": 1, **changes}
    total = int(facts.pop("total_byte_count", None) or record_count * 100)
    return SourceSample(
        record_count=record_count,
        byte_count=record_count * 100,
        total_byte_count=total,
        **facts,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("total_records", "expected"),
    [
        (10, 1),  # fewer records than slots
        (400, 20),  # one shard for each of 20 slots
        (1_500_000, 50_000),  # 30 shards of the smallest worthwhile size
        (8_000_000, 100_000),  # four for each slot
    ],
)
def test_shards_grow_with_the_input(total_records: int, expected: int) -> None:
    sample = _sample(10, total_byte_count=total_records * 100)
    assert records_per_shard(sample, RULES) == expected


def test_a_shard_fits_into_a_payload_with_a_tenth_to_spare() -> None:
    sample = _sample(10, total_byte_count=10**9 * 100, shard_bytes_per_record=1024.0)
    assert records_per_shard(sample, RULES) == int(6 * 1024 * 0.9)


def test_memory_bounds_a_shard_that_no_payload_limit_bounds() -> None:
    sample = _sample(10, total_byte_count=10**9 * 100, shard_bytes_per_record=None)
    assert records_per_shard(sample, RULES) == 64 * BYTES_PER_MB // 100


def test_several_preparing_instances_share_the_shards() -> None:
    sample = _sample(10, total_byte_count=8_000_000 * 100, host_count=4)
    assert records_per_shard(sample, RULES) == 400_000 // 1


@pytest.mark.parametrize(
    ("valid_count", "shard_count", "expected"),
    [(0, 0, 1), (1000, 5, 1), (1001, 5, 2), (10_000, 5, 5), (10**6, 50, 10)],
)
def test_instances_meet_the_deadline_within_ceiling_and_shards(
    valid_count: int, shard_count: int, expected: int
) -> None:
    """One instance scores 10 × 100 records in time."""
    assert transform_instance_count(valid_count, shard_count, RULES) == expected
