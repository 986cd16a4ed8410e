"""Shard sizes and instance counts: each added up by hand, and the promise that no instance is idle."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.sizing import (
    BUSY_FRACTION,
    BYTES_PER_MB,
    SHARDS_PER_SLOT,
    SizingRules,
    SourceSample,
    records_per_shard,
    shard_end,
    shard_record_counts,
    transform_instance_count,
)
from contracts.transform_schedule import balance

RULES = SizingRules(
    max_instances=10,
    max_concurrency=2,
    max_payload_bytes=6 * BYTES_PER_MB,
    deadline_seconds=100,
    records_per_second=20_000,
)
SLOW = SizingRules(
    max_instances=10,
    max_concurrency=2,
    max_payload_bytes=6 * BYTES_PER_MB,
    deadline_seconds=100,
    records_per_second=10,
)
SOURCE_BYTES_PER_RECORD = 100


def _sample(record_count: int, **changes: float | None) -> SourceSample:
    facts = {"shard_bytes_per_record": 1.0, "host_count": 1, **changes}
    total = int(facts.pop("total_byte_count", None) or record_count * SOURCE_BYTES_PER_RECORD)
    return SourceSample(
        record_count=record_count,
        byte_count=record_count * SOURCE_BYTES_PER_RECORD,
        total_byte_count=total,
        **facts,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("total_records", "expected"),
    [
        (10, 10 / 4),  # MIN_SHARDS: two for each of two slots, as one instance is soon done
        (190_000, 47_500),  # still so: three for each would not have 50,000 records
        (310_000, 310_000 / 6),  # three for each
        (800_000, 50_000),  # eight for each
        (1_590_000, 99_375),  # still eight, of twice as many records before there are more
        (1_800_000, 100_000),  # nine for each
        (2_000_000, 100_000),  # ten for each; what one instance scores by the deadline
        (2_000_001, 2_000_001 / 32),  # eight for each of the four slots of two instances
        (15_900_000, 15_900_000 / 144),  # nine for each of the 16 slots of eight
        (40_000_000, 100_000),  # 20 for each of the 20 slots of ten, which is as many as are allowed
    ],
)
def test_shards_grow_with_the_input(total_records: int, expected: float) -> None:
    """Each instance scores 20,000 records a second, for 100 s."""
    sample = _sample(10, total_byte_count=total_records * SOURCE_BYTES_PER_RECORD)
    assert records_per_shard(sample, RULES) == expected


def test_a_slow_model_gets_shards_of_ten_seconds() -> None:
    """Each of six slots scores five records a second: 2,600 records are eight shards of 10.8 s for each."""
    assert records_per_shard(_sample(2_600), SLOW) == 2_600 / 48


def test_a_single_slot_gets_three_shards() -> None:
    one = SizingRules(
        max_instances=1,
        max_concurrency=1,
        max_payload_bytes=BYTES_PER_MB,
        deadline_seconds=1,
        records_per_second=1e6,
    )
    assert records_per_shard(_sample(12), one) == 4


def test_a_shard_fits_into_a_payload_with_a_tenth_to_spare_and_all_slots_have_as_many() -> None:
    """5,529 records fit; 20 slots need 9,044 shards each for a billion of them."""
    sample = _sample(10, total_byte_count=10**9 * 100, shard_bytes_per_record=1024.0)
    assert int(6 * 1024 * 0.9) == 5529
    assert records_per_shard(sample, RULES) == 10**9 / (20 * 9044)


def test_memory_bounds_a_shard_that_no_payload_limit_bounds() -> None:
    sample = _sample(10, total_byte_count=10**9 * 100, shard_bytes_per_record=None)
    assert 660_000 < records_per_shard(sample, RULES) <= 64 * BYTES_PER_MB // 100


def test_several_preparing_instances_share_the_shards() -> None:
    """Five slots for each of four preparing instances, to whom 16,000,000 records come each."""
    sample = _sample(10, total_byte_count=16_000_000 * 100, host_count=4)
    rules = SizingRules(
        max_instances=10,
        max_concurrency=2,
        max_payload_bytes=100 * BYTES_PER_MB,
        deadline_seconds=100,
        records_per_second=20_000,
    )
    assert records_per_shard(sample, rules) == 16_000_000 / 5 / 20


@pytest.mark.parametrize(
    ("shards", "expected"),
    [
        ([], 1),
        ([200] * 4, 1),  # two rounds of 200 records, at five a second, are 80 s
        ([250] * 4, 1),  # 100 s, just in time
        ([251] * 4, 2),  # 100.4 s
        ([2000] * 5, 3),  # late; three have a slot for each, and five would have half of theirs idle, too
        ([10_000] * 50, 9),  # late; 50 shards take three rounds on ten instances as on nine
        ([100] * 12, 2),  # three on one instance would do, four on one are 120 s; two have them evenly
    ],
)
def test_instances_meet_the_deadline_within_ceiling_and_shards(shards: list[int], expected: int) -> None:
    """Each slot scores five records a second; the deadline is 100 s."""
    assert transform_instance_count(shards, SLOW) == expected


def test_more_instances_are_taken_where_fewer_would_not_be_even() -> None:
    """13 shards: one instance would be late, and of the others only 7 or 13 have at most two shards each."""
    rules = SizingRules(
        max_instances=13,
        max_concurrency=1,
        max_payload_bytes=BYTES_PER_MB,
        deadline_seconds=12.5,
        records_per_second=1,
    )
    assert transform_instance_count([1] * 13, rules) == 13


@given(record_count=st.integers(0, 10_000), per_shard=st.floats(1, 500))
def test_shards_conserve_records_and_are_equal_but_for_one_record(
    record_count: int, per_shard: float
) -> None:
    counts = shard_record_counts(record_count, per_shard)
    assert counts.sum() == record_count
    assert all(count >= 1 for count in counts)
    assert all(math.floor(per_shard) <= count <= math.ceil(per_shard) for count in counts[:-1])
    assert all(count <= math.ceil(per_shard) for count in counts[-1:])
    assert [int(end) for end in np.cumsum(counts)[:-1]] == [
        shard_end(number, per_shard) for number in range(1, len(counts))
    ]


@settings(max_examples=50)
@given(
    exponent=st.floats(3, 10),
    max_instances=st.integers(1, 100),
    max_concurrency=st.integers(1, 8),
    deadline_minutes=st.integers(1, 240),
    rate_exponent=st.floats(0, 6),
    shard_bytes_per_record=st.sampled_from([None, 20.0, 60.0, 400.0]),
)
def test_every_instance_is_busy_for_95_percent_of_what_is_planned(
    exponent: float,
    max_instances: int,
    max_concurrency: int,
    deadline_minutes: int,
    rate_exponent: float,
    shard_bytes_per_record: float | None,
) -> None:
    """With a thousand to ten billion records, wherever shards have at least 20 records."""
    rules = SizingRules(
        max_instances=max_instances,
        max_concurrency=max_concurrency,
        max_payload_bytes=6 * BYTES_PER_MB,
        deadline_seconds=deadline_minutes * 60,
        records_per_second=10**rate_exponent,
    )
    record_count = int(10**exponent)
    sample = _sample(record_count, shard_bytes_per_record=shard_bytes_per_record)
    per_shard = records_per_shard(sample, rules)
    assume(per_shard >= SHARDS_PER_SLOT)
    shards = shard_record_counts(record_count, per_shard)
    count = transform_instance_count(shards, rules)
    found = balance(shards / rules.slot_records_per_second, count, max_concurrency)
    assert found.least_busy_fraction >= BUSY_FRACTION
    assert 1 <= count <= max_instances


@given(
    slots=st.integers(1, 64), instances=st.integers(1, 10), more=st.integers(0, 500), last=st.floats(0.01, 1)
)
def test_twenty_shards_a_slot_are_enough_for_any_number_of_instances(
    slots: int, instances: int, more: int, last: float
) -> None:
    """So it matters little that there are more or fewer records than the first block let expect."""
    seconds = np.ones(SHARDS_PER_SLOT * slots * instances + more)
    seconds[-1] = last
    assert balance(seconds, instances, slots).least_busy_fraction >= BUSY_FRACTION


def test_answers_with_many_outputs_fit_into_what_is_there_for_a_payload() -> None:
    """An output that is kept counts as a byte of payload: 6 MB, 384 outputs, 16,384 records."""
    sample = _sample(10, total_byte_count=10**9 * 100, outputs_per_record=384)
    assert 16_380 < records_per_shard(sample, RULES) <= 16_384
    not_in_one_payload = dataclasses.replace(sample, shard_bytes_per_record=None)
    assert records_per_shard(not_in_one_payload, RULES) > 100_000


def test_a_record_with_lists_may_be_a_third_as_long() -> None:
    """Each item takes a place in the shard beside its text."""
    plain, listed = (SLOW.max_record_bytes(2, "arrow", has_lists=has_lists) for has_lists in (False, True))
    assert listed == plain // 3
    assert SLOW.max_record_bytes(2, "jsonlines", has_lists=True) == SLOW.max_record_bytes(2, "jsonlines")
