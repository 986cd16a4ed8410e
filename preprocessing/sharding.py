"""Cut a stream of valid records into tables of one shard's size.

No record is split, none is left out, and the order of the stream is kept. Never decides whether a record is
good: validation has done that.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa


class ShardCutter:
    """Collects tables and hands out tables of exactly `records_per_shard` records."""

    def __init__(self, records_per_shard: int) -> None:
        self._records_per_shard = records_per_shard
        self._waiting: list[pa.Table] = []
        self._waiting_count = 0

    def add(self, records: pa.Table) -> Iterator[pa.Table]:
        """Take more records and yield each shard's records that are complete now."""
        self._waiting.append(records)
        self._waiting_count += records.num_rows
        if self._waiting_count < self._records_per_shard:
            return
        together = pa.concat_tables(self._waiting)
        end = together.num_rows - together.num_rows % self._records_per_shard
        for start in range(0, end, self._records_per_shard):
            yield together.slice(start, self._records_per_shard)
        rest = together.slice(end)
        self._waiting, self._waiting_count = [rest], rest.num_rows

    def rest(self) -> Iterator[pa.Table]:
        """Yield the last shard's records, if any are left."""
        if self._waiting_count:
            yield pa.concat_tables(self._waiting)
            self._waiting, self._waiting_count = [], 0
