"""Take some records out of the bytes of a shard or a kept file.

Goes in: what `shard_files` built. Comes out: the same without the given rows, in the same order and written
with the same settings. Pure: nothing is read or written here.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from contracts.arrow_files import arrow_bytes, read_arrow
from contracts.errors import InternalError
from preprocessing.shard_files import parquet_bytes

_FRAME_HEADER_BYTES = 8
_FRAME_LENGTH_MASK = (1 << 29) - 1
_FRAME_ALIGNMENT = 4


def without_rows(content: bytes, rows: np.ndarray, wire_name: str) -> bytes:
    """Return a shard without the records of `rows` (ascending, from 0).

    Raises:
        InternalError: The wire format is not known here.
    """
    if wire_name == "parquet":
        return _parquet_without(content, rows)
    if wire_name == "arrow":
        records = read_arrow(content)
        return arrow_bytes(records.take(_others(rows, records.num_rows)), records.schema.metadata)
    if wire_name in ("csv", "jsonlines"):  # neither has a line break inside a record
        return _spans_without(content, _line_ends(content), rows)
    if wire_name == "recordio":
        return _spans_without(content, _frame_ends(content), rows)
    raise InternalError(f"records cannot be taken out of a shard of the wire format {wire_name!r}")


def _parquet_without(content: bytes, rows: np.ndarray) -> bytes:
    with pyarrow.parquet.ParquetFile(pa.BufferReader(content)) as file:
        coded = _coded_columns(file.metadata)
        facts = dict(file.metadata.metadata or {})
    with pyarrow.parquet.ParquetFile(pa.BufferReader(content), read_dictionary=coded) as file:
        records = file.read(use_threads=False).replace_schema_metadata(None)
    return parquet_bytes(records.take(_others(rows, records.num_rows)), facts)


def _coded_columns(metadata: pyarrow.parquet.FileMetaData) -> list[str]:
    """Return the columns that were written as positions in a dictionary."""
    if not metadata.num_row_groups:
        return []
    columns = (metadata.row_group(0).column(number) for number in range(metadata.num_columns))
    return [column.path_in_schema for column in columns if column.has_dictionary_page]


def _line_ends(content: bytes) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n")) + 1


def _frame_ends(content: bytes) -> np.ndarray:
    """Return where each RecordIO frame ends: a magic number, 29 bits of length, and padding to 4 bytes."""
    ends, position = [], 0
    while position < len(content):
        header = int.from_bytes(content[position + 4 : position + _FRAME_HEADER_BYTES], "little")
        byte_count = header & _FRAME_LENGTH_MASK
        position += _FRAME_HEADER_BYTES + byte_count + -byte_count % _FRAME_ALIGNMENT
        ends.append(position)
    return np.array(ends, dtype=np.int64)


def _spans_without(content: bytes, ends: np.ndarray, rows: np.ndarray) -> bytes:
    """Return `content` without the spans of `rows`; each span begins where the one before ends."""
    starts = np.concatenate(([0], ends[:-1]))
    run_starts = np.concatenate(([0], ends[rows]))
    run_ends = np.append(starts[rows], len(content))
    runs = zip(run_starts.tolist(), run_ends.tolist(), strict=True)
    return b"".join([content[start:end] for start, end in runs])


def _others(rows: np.ndarray, row_count: int) -> pa.Array:
    is_kept = np.ones(row_count, dtype=bool)
    is_kept[rows] = False
    return pa.array(np.flatnonzero(is_kept))
