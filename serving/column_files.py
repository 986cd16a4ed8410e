"""The two forms of files of columns that a payload may be, by pyarrow: Arrow IPC and Parquet.

Each says how many records a payload has before any of them takes memory. What cannot be read raises a
`pa.ArrowException` or an OSError: `serving.columns_codec` says it in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.arrow_files import (
    arrow_bytes,
    arrow_item_count,
    arrow_record_count,
    arrow_schema,
    read_arrow,
)
from contracts.wire import ARROW_CONTENT_TYPE, PARQUET_CONTENT_TYPE


@dataclass(frozen=True, kw_only=True)
class ColumnFile:
    """One form of file.

    Attributes:
        name: For people.
        content_type: Of payload and answer.
        record_count: Returns the records in a payload, which it does not read.
        item_count: Returns the items of all lists of a column, which take more memory than bytes of the
            payload.
        schema: Returns the schema of a payload, with its metadata.
        read: Returns some columns of a payload; texts of `coded`, in lists too, as dictionaries where they
            are stored so.
        write: Returns the bytes of a table, its schema's metadata included.
    """

    name: str
    content_type: str
    record_count: Callable[[bytes], int]
    item_count: Callable[[bytes, str], int]
    schema: Callable[[bytes], pa.Schema]
    read: Callable[[bytes, Sequence[str], Sequence[str]], pa.Table]
    write: Callable[[pa.Table], bytes]


def _parquet_record_count(body: bytes) -> int:
    count: int = pq.read_metadata(pa.BufferReader(body)).num_rows
    return count


def _parquet_schema(body: bytes) -> pa.Schema:
    return pq.read_schema(pa.BufferReader(body))


def _read_parquet(body: bytes, names: Sequence[str], coded: Sequence[str]) -> pa.Table:
    # Read as they are stored, each different value once: a text for each record would only be looked up.
    source = pa.BufferReader(body)
    paths = [column.path for column in pq.ParquetFile(source).schema if _is_part(column.path, coded)]
    with pq.ParquetFile(source, read_dictionary=paths) as file:
        return file.read(columns=list(names), use_threads=False)


def _is_part(path: str, names: Sequence[str]) -> bool:
    """Whether a column of a file is one of these fields, or the items of a list that is one."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def _parquet_item_count(body: bytes, name: str) -> int:
    metadata = pq.read_metadata(pa.BufferReader(body))
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    columns = (group.column(number) for group in groups for number in range(metadata.num_columns))
    return sum(column.num_values for column in columns if _is_part(column.path_in_schema, [name]))


def _write_parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # Ids and scores hardly repeat: dictionaries and compression would cost time and save nothing.
    pq.write_table(table, sink, use_dictionary=False, compression="none")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _read_arrow(body: bytes, names: Sequence[str], coded: Sequence[str]) -> pa.Table:
    del coded  # a dictionary is part of the file
    return read_arrow(body).select(list(names))


def _write_arrow(table: pa.Table) -> bytes:
    return arrow_bytes(table, table.schema.metadata)


ARROW = ColumnFile(
    name="Arrow IPC",
    content_type=ARROW_CONTENT_TYPE,
    record_count=arrow_record_count,
    item_count=arrow_item_count,
    schema=arrow_schema,
    read=_read_arrow,
    write=_write_arrow,
)
PARQUET = ColumnFile(
    name="Parquet",
    content_type=PARQUET_CONTENT_TYPE,
    record_count=_parquet_record_count,
    item_count=_parquet_item_count,
    schema=_parquet_schema,
    read=_read_parquet,
    write=_write_parquet,
)
