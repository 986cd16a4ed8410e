"""Write columns as JSON text, many values at a time.

In:  pyarrow arrays of the types that a dataset contract has (texts, whole and floating numbers, booleans,
     dates, moments in UTC), plain or as dictionaries, and lists of these without nulls in them.
Out: arrays of text that is valid JSON (RFC 8259), one for each value; null where a value is missing. A number
     is the shortest text that reads back as the same number of its type; one that is not finite has no JSON
     text and becomes null. Dates and moments are ISO 8601 text. Text beyond ASCII is written as UTF-8.

Only texts that need escaping are looked at one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.list_arrays import relisted

ROWS_AT_ONCE = 16_384
"""Lines built in one go: bounds memory, and the text of one array must stay under 2 GiB."""

_MUST_ESCAPE = r'["\\\x00-\x1f]'
_ZERO_FRACTION = r"\.0+Z\z"


def json_string(text: str) -> str:
    """Return one text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def json_strings(texts: pa.Array) -> pa.Array:
    """Return texts as JSON strings, null where there is no text."""
    must_escape = pc.match_substring_regex(texts, _MUST_ESCAPE)
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    if not pc.any(must_escape, min_count=0).as_py():
        return quoted
    escaped = [json_string(text) for text in texts.filter(must_escape).to_pylist()]
    return pc.replace_with_mask(quoted, pc.fill_null(must_escape, False), pa.array(escaped, pa.string()))


def json_values(values: pa.Array) -> pa.Array:
    """Return values as JSON text of their type, null where a value is missing or not finite."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return json_values(values.dictionary).take(values.indices)
    if pa.types.is_list(kind):
        return _json_arrays(values)
    if pa.types.is_string(kind):
        return json_strings(values)
    if pa.types.is_floating(kind):
        finite = pc.if_else(pc.is_finite(values), values, pa.scalar(None, kind))
        return pc.cast(finite, pa.string())
    if pa.types.is_timestamp(kind):
        return json_strings(iso_moments(values))
    texts = pc.cast(values, pa.string())
    return json_strings(texts) if pa.types.is_date(kind) else texts


def _json_arrays(lists: pa.Array) -> pa.Array:
    texts = relisted(lists, json_values(lists.flatten()))
    return pc.binary_join_element_wise("[", pc.binary_join(texts, ","), "]", "")


def iso_moments(moments: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return moments in UTC as ISO 8601 text, such as `2026-11-23T06:00:00Z`."""
    texts = pc.replace_substring(pc.cast(moments, pa.string()), " ", "T")
    return pc.replace_substring_regex(texts, _ZERO_FRACTION, "Z")


def json_lines(table: pa.Table) -> Iterator[bytes]:
    """Yield the rows as JSON Lines, one object a row with the columns' names as its keys, many at a time."""
    keys = [json_string(name) + ":" for name in table.column_names]
    rows_at_once = max(1, ROWS_AT_ONCE // _longest_list(table))
    for start in range(0, table.num_rows, rows_at_once):
        rows = table.slice(start, rows_at_once).combine_chunks()
        parts: list[str | pa.Array] = []
        for key, column in zip(keys, rows.columns, strict=True):
            texts = pc.fill_null(json_values(one_array(column)), "null")
            parts += ["," + key if parts else "{" + key, texts]
        yield text_bytes(pc.binary_join_element_wise(*parts, "}\n", ""))


def _longest_list(table: pa.Table) -> int:
    """Return the length of the longest list in a table; 1 if it has none."""
    lists = [column for column in table.columns if pa.types.is_list(column.type)]
    return max([1, *(pc.max(pc.list_value_length(column)).as_py() or 0 for column in lists)])


def json_number_arrays(matrix: np.ndarray) -> pa.Array:
    """Return each row of a matrix as the JSON text of an array of numbers; NaN becomes null.

    Args:
        matrix: Floats of shape (rows, columns), with at least one column.
    """
    parts: list[str | pa.Array] = []
    for position in range(matrix.shape[1]):
        numbers = json_values(pa.array(matrix[:, position], from_pandas=True))
        parts += ["," if parts else "[", pc.fill_null(numbers, "null")]
    return pc.binary_join_element_wise(*parts, "]", "")


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without a copy where it is one already."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def text_bytes(texts: pa.Array) -> bytes:
    """Return all texts one after the other: what lies in the array's memory already."""
    _, offsets_buffer, values_buffer = texts.buffers()
    if not len(texts) or values_buffer is None:
        return b""
    offsets = memoryview(offsets_buffer).cast("i")
    return bytes(values_buffer[offsets[texts.offset] : offsets[texts.offset + len(texts)]])
