"""Shards are cut by count, and where sizes differ, by bytes too: nothing is left out, the order is kept."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.sharding import ShardCutter


def records(sizes: list[int], start: int = 0) -> pa.Table:
    numbers = pa.array(range(start, start + len(sizes)), pa.int64())
    return pa.table({"n": numbers, "image": pa.array([bytes(size) for size in sizes], pa.binary())})


def cut(cutter: ShardCutter, tables: list[pa.Table]) -> list[list[int]]:
    shards = [shard for table in tables for shard in cutter.add(table)]
    return [shard["n"].to_pylist() for shard in (*shards, *cutter.rest())]


def test_a_shard_is_complete_before_the_record_that_would_be_too_much() -> None:
    """A record that is too large by itself is a shard of its own."""
    tables = [records([4, 4, 4]), records([1, 30, 1], start=3), records([10], start=6)]

    assert cut(ShardCutter(100, 10), tables) == [[0, 1], [2, 3], [4], [5], [6]]


def test_the_number_of_records_still_counts() -> None:
    """Whichever comes first."""
    assert cut(ShardCutter(2, 10), [records([1, 1, 1, 9, 9])]) == [[0, 1], [2, 3], [4]]


@pytest.mark.hypothesis
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=8),
    st.floats(1, 12),
    st.none() | st.integers(1, 40),
)
def test_every_record_is_in_one_shard_in_order(
    blocks: list[list[int]], per_shard: float, max_bytes: int | None
) -> None:
    """However blocks and sizes fall."""
    sizes = [size for block in blocks for size in block]
    tables, start = [], 0
    for block in blocks:
        tables.append(records(block, start))
        start += len(block)

    shards = cut(ShardCutter(per_shard, max_bytes), tables)

    assert [number for shard in shards for number in shard] == list(range(len(sizes)))
    assert all(shard and len(shard) <= per_shard + 1 for shard in shards)
    if max_bytes is not None:
        assert all(len(shard) == 1 or sum(sizes[number] for number in shard) <= max_bytes for shard in shards)
