"""Write rows of a Parquet source as JSON, for the quarantine.

What is right in a row stays right when the JSON is read as a source: moments are ISO 8601, decimals are
numbers where a number says the same, NaN is null as it is a missing value, days are days and bytes are base64
where the contract says so.

The run reads only the columns that it needs; a row that is held back is kept with all of them. They are read
again for the blocks that have such rows, once and forward where possible. Memory is bounded by a few blocks.
"""

from __future__ import annotations

import base64
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from contracts.dataset import BINARY_TYPE
from preprocessing.typed_columns import bytes_column, is_bytes, value_type

KEPT_BATCHES = 4
"""Blocks are checked on several threads, so that an earlier one may ask later."""

BUFFER_BYTES = 256 * 1024
"""Read at once of one column: without it, a column of a whole row group would be read at once."""


def open_parquet(path: str) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet file so that reading takes no more memory than a batch and BUFFER_BYTES a column.

    Raises:
        OSError: It is damaged, or cannot be read.
        pyarrow.ArrowException: It is damaged, or no Parquet file.
    """
    return pyarrow.parquet.ParquetFile(
        path, pre_buffer=False, buffer_size=BUFFER_BYTES, page_checksum_verification=True
    )


@dataclass(frozen=True, kw_only=True)
class BatchPlace:
    """Where a batch of rows stands.

    Attributes:
        row_group: Number of its row group, from 0.
        first_row: Its first row in the row group, from 0.
    """

    row_group: int
    first_row: int


class ParquetRows:
    """All columns of the rows of one Parquet file; may be asked from any thread."""

    def __init__(self, path: str, kinds: Mapping[str, str]) -> None:
        """Take the file, and the types of the contract's fields by their names."""
        self._path = path
        self._kinds = kinds
        self._lock = threading.Lock()
        self._batches: OrderedDict[BatchPlace, pa.RecordBatch] = OrderedDict()
        self._coming: Iterator[tuple[BatchPlace, pa.RecordBatch]] = iter(())

    def raw(self, place: BatchPlace, row: int, batch_rows: int) -> bytes:
        """Return one row as a JSON object.

        Args:
            place: Its batch.
            row: Its number in the batch, from 0.
            batch_rows: How many rows the batches of its row group have.
        """
        with self._lock:
            batch = self._batch(place, batch_rows).slice(row, 1)
        document = {
            name: _plain(column, self._kinds.get(name, ""))
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
        return json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")

    def _batch(self, place: BatchPlace, batch_rows: int) -> pa.RecordBatch:
        if place not in self._batches and not self._read_until(place):
            self._coming = self._read(place.row_group, batch_rows)
            self._read_until(place)
        return self._batches[place]

    def _read_until(self, place: BatchPlace) -> bool:
        for found, batch in self._coming:
            self._batches[found] = batch
            if len(self._batches) > KEPT_BATCHES:
                self._batches.popitem(last=False)
            if found == place:
                return True
        return False

    def _read(self, row_group: int, batch_rows: int) -> Iterator[tuple[BatchPlace, pa.RecordBatch]]:
        first_row = 0
        with open_parquet(self._path) as file:
            for batch in file.iter_batches(batch_size=batch_rows, row_groups=[row_group]):
                yield BatchPlace(row_group=row_group, first_row=first_row), batch
                first_row += batch.num_rows


def _plain(column: pa.Array, kind: str) -> Any:
    """Return a column's only value as JSON has it, else as text."""
    found = value_type(column.type)
    if kind == BINARY_TYPE and is_bytes(found):
        content = bytes_column(column).to_pylist()[0]
        return None if content is None else base64.b64encode(content).decode()
    if pa.types.is_timestamp(found):
        if found.tz is not None:
            column = pc.cast(column, pa.timestamp(found.unit, "UTC"))
        return _moment(pc.cast(column, pa.string()).to_pylist()[0], kind == "date")
    if pa.types.is_temporal(found) and not pa.types.is_interval(found):
        column = pc.cast(column, pa.string())  # Python's moments end with microseconds and the year 9999
    try:
        return _json_value(column.to_pylist()[0])
    except UnicodeDecodeError:
        return _json_value(pc.cast(column, pa.binary()).to_pylist()[0])
    except (ValueError, OverflowError):  # a moment that Python cannot name, within a list or an object
        return repr(column)


def _moment(text: str | None, is_date: bool) -> str | None:
    """Return what Arrow writes of a timestamp in ISO 8601, without zeros that say nothing."""
    if text is None or text.startswith("<"):  # Arrow names a moment that it cannot write so
        return text
    day, _, time = text.partition(" ")
    if is_date and not time.strip("0:.Z"):
        return day
    zone = "Z" if time.endswith("Z") else ""
    time = time.removesuffix("Z")
    return f"{day}T{time.rstrip('0').rstrip('.') if '.' in time else time}{zone}"


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_value(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(entry) for entry in value]
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, Decimal):
        return _decimal_value(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return value if value is None or is_number else str(value)


def _decimal_value(value: Decimal) -> float | int | str:
    """Return the number that a decimal is, if JSON's readers have one that is written the same; else text."""
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)
