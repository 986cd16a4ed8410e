"""Watch the ids of all valid records while shards are cut, so that repeated ones can be found at the end.

Goes in: each block's valid ids, in the order of the source. Stays: eight bytes an id in a file, and one entry
a block in memory. Whether an id is repeated is known when all of them have been seen, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts import duplicate_ids
from contracts.id_digests import LONG_ID_BYTES, IdDigester
from contracts.repeated_digests import DigestBatch, DigestSpill, dealt_out
from preprocessing import csv_engine


@dataclass(frozen=True, kw_only=True)
class WatchedBlock:
    """Which of the valid records came from which block.

    Attributes:
        source_index: Position of the source object among all.
        number: Of the block in its source object, from 0.
        first_ordinal: Position of its first valid record among all valid records, in order.
        valid_count: Its valid records.
    """

    source_index: int
    number: int
    first_ordinal: int
    valid_count: int


class IdWatch:
    """The ids of one preparation; use as a context manager, which removes what is on disk."""

    def __init__(self, scratch_folder: Path) -> None:
        self.digester = IdDigester()
        self.blocks: list[WatchedBlock] = []
        self._ordinal = 0
        self._spill = DigestSpill(scratch_folder)

    def __enter__(self) -> IdWatch:
        return self

    def __exit__(self, *error: object) -> None:
        self._spill.__exit__(*error)

    def digests(self, ids: pa.ChunkedArray) -> DigestBatch:
        """Return what `add` takes for these ids; may run on any thread."""
        if csv_engine.is_native() and ids.num_chunks == 1 and pa.types.is_string(ids.type):
            return _dealt_natively(ids.chunk(0), self.digester)
        return dealt_out(self.digester.quick(ids))

    def add(self, source_index: int, block_number: int, digests: DigestBatch) -> None:
        """Take the digests of one block's valid ids, blocks in the order of the source."""
        if not len(digests):
            return
        self.blocks.append(
            WatchedBlock(
                source_index=source_index,
                number=block_number,
                first_ordinal=self._ordinal,
                valid_count=len(digests),
            )
        )
        self._ordinal += len(digests)
        self._spill.append(digests)

    def repeated(self) -> np.ndarray:
        """Return the digests that were seen more than once, sorted."""
        return self._spill.repeated(duplicate_ids.MAX_DUPLICATE_CANDIDATES // 2)


def _dealt_natively(ids: pa.StringArray, digester: IdDigester) -> DigestBatch:
    """As `dealt_out` of the quick digests, in two passes of the extension."""
    _, offsets_buffer, text = ids.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[ids.offset : ids.offset + len(ids) + 1]
    if len(ids) and int(np.diff(offsets).max()) > LONG_ID_BYTES:
        return dealt_out(digester.quick(ids))
    seed = int(digester.weights[0, 0])
    digests, bounds = csv_engine.native_csv.deal_out(text or b"", offsets.data, seed)
    return DigestBatch(
        digests=np.frombuffer(digests, dtype=np.uint64), bounds=np.frombuffer(bounds, dtype=np.int64)
    )
