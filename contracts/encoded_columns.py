"""Columns of features as they stand in memory, with what their values mean as float32 numbers.

What `contracts.encoding.encode` says of every value, for who can take columns without a matrix being made of
them: no number is written before it is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from contracts.dataset import Field
from contracts.encoding import category_values, encode_column, encode_values

_STORAGES = {
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.int8(): "int8",
    pa.int16(): "int16",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.bool_(): "bits",
}


@dataclass(frozen=True, kw_only=True)
class EncodedColumn:
    """One feature of some records.

    Attributes:
        storage: How `values` stand in memory, without gaps: `float32`, `float64`, `int8`, `int16`, `int32` or
            `int64`; `bits`, the lowest of each byte first, for 1 and 0.
        values: Numbers, each of which means the float32 next to it; or positions in `table`.
        offset: Of the first record in `values` and `valid`, in values.
        valid: Bits, 0 where a value is missing; None where none is.
        table: What integers mean by their value, float32, at least one; None where they mean themselves.
    """

    storage: str
    values: pa.Buffer | np.ndarray
    offset: int = 0
    valid: pa.Buffer | None = None
    table: np.ndarray | None = None


def encoded_column(column: pa.Array, field: Field) -> EncodedColumn:
    """Return one field's values, of which as few as possible are touched.

    Args:
        column: Of ARROW_TYPES, or a dictionary of such values.
        field: Says what they mean.
    """
    values, table = column, None
    is_plain = field.type != "string"
    if pt.is_dictionary(column.type):
        values, table = column.indices, _table(column.dictionary, field)
        is_plain = table is None or (len(table) > 0 and not np.isinf(table).any())
    buffers = values.buffers()
    if not is_plain or values.type not in _STORAGES or buffers[1] is None:
        return EncodedColumn(storage="float32", values=encode_column(pa.chunked_array([column]), field))
    return EncodedColumn(
        storage=_STORAGES[values.type],
        values=buffers[1],
        offset=values.offset,
        valid=buffers[0] if values.null_count else None,
        table=table,
    )


def _table(values: pa.Array, field: Field) -> np.ndarray | None:
    """Return what the positions in a dictionary mean, or None where each means itself."""
    if field.type == "string" and values.equals(category_values(field.categories, values.type)):
        return None
    table = encode_values(values, field)
    return None if len(table) and np.array_equal(table, np.arange(len(table))) else table
