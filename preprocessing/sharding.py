"""Cut a stream of valid records into tables of one shard's size.

No record is split, none is left out, and the order of the stream is kept. Never decides whether a record is
good: validation has done that.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.sizing import shard_end


class ShardCutter:
    """Collects tables and hands out the tables of one shard each, as `contracts.sizing.shard_end` has it.

    Where records are of very different sizes, as images are, a shard is also complete when the next record
    would make it too large: the first block says too little of the others, and memory must have a bound.
    """

    def __init__(self, records_per_shard: float, max_shard_bytes: int | None = None) -> None:
        """Take how many records a shard gets and, where sizes differ, how many bytes of text and binary."""
        self._records_per_shard = records_per_shard
        self._max_shard_bytes = max_shard_bytes
        self._shard_count = 0
        self._waiting: list[pa.Table] = []
        self._waiting_count = 0
        self._waiting_bytes = 0

    def add(self, records: pa.Table) -> Iterator[pa.Table]:
        """Take more records and yield each shard's records that are complete now."""
        self._keep(records)
        if self._waiting_count < self._next_size() and not self._is_full():
            return
        together, start = pa.concat_tables(self._waiting), 0
        for end in self._ends(together):
            yield together.slice(start, end - start)
            start = end
        self._waiting, self._waiting_count, self._waiting_bytes = [], 0, 0
        self._keep(together.slice(start))

    def rest(self) -> Iterator[pa.Table]:
        """Yield the last shard's records, if any are left."""
        if self._waiting_count:
            yield pa.concat_tables(self._waiting)
            self._waiting, self._waiting_count, self._waiting_bytes = [], 0, 0

    def _keep(self, records: pa.Table) -> None:
        self._waiting.append(records)
        self._waiting_count += records.num_rows
        if self._max_shard_bytes is not None:
            self._waiting_bytes += int(_byte_counts(records).sum())

    def _is_full(self) -> bool:
        return self._max_shard_bytes is not None and self._waiting_bytes > self._max_shard_bytes

    def _ends(self, records: pa.Table) -> Iterator[int]:
        """Yield after how many of the records each shard is complete."""
        start = 0
        byte_ends = np.cumsum(_byte_counts(records)) if self._max_shard_bytes is not None else None
        while (end := start + self._next_size()) <= records.num_rows or byte_ends is not None:
            if byte_ends is not None:
                end = min(end, self._full_at(byte_ends, start))
            if end > records.num_rows:
                return
            yield end
            self._shard_count += 1
            start = end

    def _full_at(self, byte_ends: np.ndarray, start: int) -> int:
        """Return after how many records a shard is full that begins at `start`; none fits behind the last."""
        bytes_before = int(byte_ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(byte_ends, bytes_before + (self._max_shard_bytes or 0), side="right"))
        return max(fitting, start + 1) if fitting < len(byte_ends) else len(byte_ends) + 1

    def _next_size(self) -> int:
        begin, end = (shard_end(self._shard_count + more, self._records_per_shard) for more in (0, 1))
        return end - begin


def _byte_counts(records: pa.Table) -> np.ndarray:
    """Return how many bytes the texts and binaries of each record take."""
    byte_counts = np.zeros(records.num_rows, dtype=np.int64)
    for column in records.columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            byte_counts += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return byte_counts
