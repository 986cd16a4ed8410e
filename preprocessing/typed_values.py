"""Turn columns of text into typed columns, strictly: what is not plainly a value of the type is a fault.

| type     | text accepted (Table Schema, default formats)                                                |
|----------|----------------------------------------------------------------------------------------------|
| integer  | optional sign, ASCII digits, within 64 bits; `12.0`, ` 12` and `0x1F` are not integers       |
| number   | decimal, optional exponent, finite as a 64-bit float; NaN, INF and `1e999` are not numbers   |
| boolean  | `true`, `True`, `TRUE`, `1`; `false`, `False`, `FALSE`, `0`                                  |
| date     | `YYYY-MM-DD`, year 0001 or later                                                             |
| datetime | `YYYY-MM-DDThh:mm:ss`, optional fraction (six digits), optional `Z` or `±hh:mm`; else UTC;   |
|          | year 0001 or later, and in UTC in the years 0001 to 9999                                     |
| string   | anything                                                                                     |
| binary   | base64 (RFC 4648), padded, without line breaks                                               |
| list     | items of at least one character with the field's delimiter between them (`list_values`)      |

Each type has a fast way, which may only accept what the careful way accepts too, and the careful way, taken
when the fast one refuses a column. Nulls are missing values and stay null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import LIST_TYPE
from contracts.encoding import ARROW_TYPES
from preprocessing.base64_values import base64_bytes

TRUE_TEXTS = ("true", "True", "TRUE", "1")
FALSE_TEXTS = ("false", "False", "FALSE", "0")
INT64_LIMITS = (-(2**63), 2**63 - 1)

_SHORT_INTEGER = r"\A[+-]?[0-9]{1,18}\z"
MAX_SHORT_BYTES = 18
"""An integer with more bytes may have more than 18 digits."""

_INTEGER = r"\A[+-]?[0-9]{1,1000}\z"
_NUMBER = r"\A[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\z"
_DATE = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_DATETIME = (
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-5][0-9])?\z"
)
_FIRST_MOMENT = dt.datetime.min.replace(tzinfo=dt.timezone.utc)
_LAST_MOMENT = dt.datetime.max.replace(tzinfo=dt.timezone.utc)
_ZONED = r"(Z|[+-][0-9]{2}:[0-9]{2})\z"

TYPE_PHRASES = {
    "integer": "is not an integer of at most 64 bits",
    "number": "is not a finite decimal number",
    "boolean": "is not one of " + ", ".join(TRUE_TEXTS + FALSE_TEXTS),
    "date": "is not a date in the form YYYY-MM-DD",
    "datetime": "is not a moment in the form YYYY-MM-DDThh:mm:ssZ",
    "string": "is not text",
    "binary": "is not base64 (RFC 4648, padded, without line breaks)",
    LIST_TYPE: "is not a list of items with the delimiter between them; an item has at least one character",
}


def typed_values(texts: pa.Array, kind: str) -> pa.Array:
    """Read `texts` as values of one of the contract's types.

    Args:
        texts: Strings, null where missing.
        kind: One of `contracts.dataset.FIELD_TYPES` but lists, or BINARY_TYPE.

    Returns:
        The values (ARROW_TYPES), null where missing or wrong.
    """
    return texts if kind == "string" else _READERS[kind](texts)


def _integers(texts: pa.Array) -> pa.Array:
    if _has_only_bytes(texts, b"+", b"9"):
        try:
            return pc.cast(texts, pa.int64())
        except pa.ArrowInvalid:
            pass  # some text is wrong, or has a plus sign: the careful way finds out which
    is_short = pc.match_substring_regex(texts, _SHORT_INTEGER)
    unsigned = pc.replace_substring_regex(_where(is_short, texts), r"\A\+", "")
    values = pc.cast(unsigned, pa.int64())
    if not pc.any(pc.greater(pc.binary_length(texts), MAX_SHORT_BYTES)).as_py():
        return values  # to compile a pattern with a thousand repetitions takes milliseconds
    is_long = pc.and_not(pc.match_substring_regex(texts, _INTEGER), is_short)
    return _replaced(values, texts, is_long, _long_integer)


def _long_integer(text: str) -> int | None:
    value = int(text)
    return value if INT64_LIMITS[0] <= value <= INT64_LIMITS[1] else None


def _numbers(texts: pa.Array) -> pa.Array:
    try:
        values = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        values = pc.cast(_where(pc.match_substring_regex(texts, _NUMBER), texts), pa.float64())
    is_finite = pc.is_finite(values)
    if pc.all(is_finite, min_count=0).as_py():
        return values
    return _where(is_finite, values)


def _booleans(texts: pa.Array) -> pa.Array:
    codes = pc.index_in(texts, value_set=pa.array(TRUE_TEXTS + FALSE_TEXTS))
    return pc.less(codes, len(TRUE_TEXTS))


def _dates(texts: pa.Array) -> pa.Array:
    try:
        return _within(pc.cast(texts, pa.date32()), dt.date.min, dt.date.max)
    except pa.ArrowInvalid:
        nothing = pa.nulls(len(texts), pa.date32())
        return _replaced(nothing, texts, pc.match_substring_regex(texts, _DATE), _date)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _datetimes(texts: pa.Array) -> pa.Array:
    is_plain = pc.and_not(pc.match_substring_regex(texts, _DATETIME), pc.starts_with(texts, "0000-"))
    plain = _where(is_plain, texts)
    is_zoned = pc.match_substring_regex(texts, _ZONED)
    zoned = pc.if_else(is_zoned, plain, pc.binary_join_element_wise(plain, "Z", ""))
    kind = ARROW_TYPES["datetime"]
    try:
        values = pc.cast(zoned, kind)
    except pa.ArrowInvalid:
        values = _replaced(pa.nulls(len(texts), kind), zoned, is_plain, _datetime)
    return _within(values, _FIRST_MOMENT, _LAST_MOMENT)


def _datetime(text: str) -> dt.datetime | None:
    try:
        head, dot, tail = text.replace("Z", "+00:00").partition(".")
        if not dot:
            return dt.datetime.fromisoformat(head)
        fraction, zone = tail[:-6], tail[-6:]
        return dt.datetime.fromisoformat(f"{head}.{fraction:0<6}{zone}")
    except ValueError:
        return None


_READERS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _dates,
    "datetime": _datetimes,
    "binary": base64_bytes,
}


def _within(values: pa.Array, lowest: Any, highest: Any) -> pa.Array:
    is_within = pc.and_(
        pc.greater_equal(values, pa.scalar(lowest, values.type)),
        pc.less_equal(values, pa.scalar(highest, values.type)),
    )
    return values if pc.all(is_within, min_count=0).as_py() else _where(is_within, values)


def _where(is_kept: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(is_kept, values, pa.scalar(None, values.type))


def _replaced(values: pa.Array, texts: pa.Array, is_taken: pa.Array, read: Callable[[str], Any]) -> pa.Array:
    """Return `values` with those that `is_taken` marks read from `texts`, one by one."""
    taken = pc.fill_null(is_taken, False)
    if not pc.any(taken, min_count=0).as_py():
        return values
    replacements = [read(text) for text in texts.filter(taken).to_pylist()]
    return pc.replace_with_mask(values, taken, pa.array(replacements, type=values.type))


def _has_only_bytes(texts: pa.Array, lowest: bytes, highest: bytes) -> bool:
    """Whether every byte of the texts lies between two bytes, both included."""
    _, offsets_buffer, values_buffer = texts.buffers()
    if not len(texts) or values_buffer is None:
        return True
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    values = np.frombuffer(values_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    return not len(values) or bool(values.min() >= lowest[0] and values.max() <= highest[0])
