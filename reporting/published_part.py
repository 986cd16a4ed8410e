"""Write one file of scores, whole or not at all, and say what it came to.

Goes in: the columns that are published of one shard (`reporting.publish`). The file's name says the format.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from contracts.atomic_files import whole_file
from contracts.json_text import iso_moments, json_lines
from contracts.keep_columns import PACKAGE_COLUMN, RUN_COLUMN
from contracts.wire import SCORE_COLUMN, TOP_COLUMN

_REPEATED_COLUMNS = [PACKAGE_COLUMN, RUN_COLUMN, f"{TOP_COLUMN}.list.element"]
"""Few different values: Parquet files have each of them once."""

WRITE_BATCH_ROWS = 65_536
"""Encoded at once: pyarrow's own 1,024 cost a seventh of the time."""


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """One file of scores.

    Attributes:
        name: Path below the run's folder.
        byte_count: Its size.
        sha256: Hex digest of its bytes.
        record_count: Records in it, scored and unscorable.
    """

    name: str
    byte_count: int
    sha256: str
    record_count: int


def write_part(path: Path, table: pa.Table, name: str) -> PublishedFile:
    """Write the scores of one shard, whole or not at all.

    Args:
        path: Where to; its suffix says the format.
        table: From `published_table`.
        name: What `part_name` calls the file.
    """
    with whole_file(path) as stream:
        hashing = _HashingStream(stream)
        if path.suffix == ".csv":
            arrow_csv.write_csv(_as_csv_has_it(table), hashing)
        elif path.suffix == ".jsonl":
            hashing.writelines(json_lines(table))
        else:
            hashing.write(parquet_bytes(table))
    return PublishedFile(
        name=name,
        byte_count=hashing.byte_count,
        sha256=hashing.hexdigest,
        record_count=len(table),
    )


def parquet_bytes(table: pa.Table) -> pa.Buffer:
    """Return a table from `published_table` as the bytes of a Parquet file.

    Scores stay as they are: two of their eight bytes would go, for half of the processor time of the others.
    Bounds are what readers pass files over by; those of ids would take half as long as the ids themselves.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression=_codecs(table.schema),
        use_dictionary=_REPEATED_COLUMNS,
        write_statistics=[entry.name for entry in table.schema if entry.nullable],
        write_batch_size=WRITE_BATCH_ROWS,
    )
    return sink.getvalue()


def _codecs(schema: pa.Schema) -> dict[str, str]:
    """Return how each column is compressed; the items of a list are a column of their own."""
    codecs = {path: "snappy" for name in schema.names for path in (name, f"{name}.list.element")}
    if SCORE_COLUMN in schema.names and pa.types.is_floating(schema.field(SCORE_COLUMN).type):
        codecs[SCORE_COLUMN] = "none"
    return codecs


def _as_csv_has_it(table: pa.Table) -> pa.Table:
    """Return dictionaries as text, and moments in the form that contracts read."""
    for position, entry in enumerate(table.schema):
        column = table.column(position)
        if pa.types.is_dictionary(entry.type):
            table = table.set_column(position, entry.name, column.cast(pa.string()))
        elif pa.types.is_timestamp(entry.type):
            table = table.set_column(position, entry.name, iso_moments(column))
    return table


class _HashingStream(io.RawIOBase):
    """Writes to another stream, and knows size and SHA-256 of what was written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.byte_count = 0

    @property
    def hexdigest(self) -> str:
        """SHA-256 of what was written so far."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: Any) -> int:
        """Take bytes, or what has the form of them."""
        self._digest.update(content)
        self.byte_count += len(content)
        return self._stream.write(content)
