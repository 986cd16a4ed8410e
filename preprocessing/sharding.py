"""Cut a stream of valid records into tables of one shard's size.

No record is split, none is left out, and the order of the stream is kept. Never decides whether a record is
good: validation has done that.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from contracts.sizing import shard_end


class ShardCutter:
    """Collects tables and hands out the tables of one shard each, as `contracts.sizing.shard_end` has it."""

    def __init__(self, records_per_shard: float) -> None:
        self._records_per_shard = records_per_shard
        self._shard_count = 0
        self._waiting: list[pa.Table] = []
        self._waiting_count = 0

    def add(self, records: pa.Table) -> Iterator[pa.Table]:
        """Take more records and yield each shard's records that are complete now."""
        self._waiting.append(records)
        self._waiting_count += records.num_rows
        if self._waiting_count < self._next_size():
            return
        together, start = pa.concat_tables(self._waiting), 0
        while (size := self._next_size()) <= together.num_rows - start:
            yield together.slice(start, size)
            start += size
            self._shard_count += 1
        rest = together.slice(start)
        self._waiting, self._waiting_count = [rest], rest.num_rows

    def rest(self) -> Iterator[pa.Table]:
        """Yield the last shard's records, if any are left."""
        if self._waiting_count:
            yield pa.concat_tables(self._waiting)
            self._waiting, self._waiting_count = [], 0

    def _next_size(self) -> int:
        begin, end = (shard_end(self._shard_count + more, self._records_per_shard) for more in (0, 1))
        return end - begin
