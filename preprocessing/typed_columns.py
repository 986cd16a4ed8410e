"""Turn the columns of sources that have types into the contract's types, losing nothing on the way.

| type     | found in the source, and accepted                                                             |
|----------|-----------------------------------------------------------------------------------------------|
| integer  | integers within 64 bits with sign; whole floats so small that no other integer has the same   |
|          | float (below 2^53 for 64-bit floats, 2^24 for 32-bit ones); decimals without a fraction       |
| number   | integers that a 64-bit float holds exactly; finite floats; decimals, as the nearest float     |
| boolean  | booleans                                                                                      |
| date     | dates; timestamps at midnight (UTC)                                                           |
| datetime | timestamps of any unit, without a zone taken for UTC, no finer than a microsecond; years 0001 |
|          | to 9999                                                                                       |
| string   | text, also as a dictionary or as binary UTF-8; integers, as their decimal text                |
| binary   | bytes; text is base64                                                                         |
| list     | lists of text (`list_values`), of any length or all of one                                    |
| any      | text, read as in CSV (`typed_values`); a column of nothing but nulls                          |

A value that is not accepted becomes null beside a source value that is not null: the field's rules call it
`wrong_type`. It is never rounded, cut or guessed. A column whose type holds no acceptable value at all is
known by `can_hold`. Where one column has values of several types, as in JSON, those that are not of the
field's type travel beside it as text for messages (`mixed_column`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import LIST_TYPE
from contracts.encoding import ARROW_TYPES
from preprocessing.list_values import shown_items
from preprocessing.typed_values import TYPE_PHRASES, typed_values

MAX_VALUE_CHARS = 60
"""Of a value shown in a message."""

EXACT_FLOAT_LIMITS = {16: 2.0**11, 32: 2.0**24, 64: 2.0**53}
"""By bits of a float: below this, every integer has a float of its own."""

FIRST_MICROSECOND = -62_135_596_800_000_000
LAST_MICROSECOND = 253_402_300_799_999_999
"""Of the years 0001 and 9999, since 1970 in UTC."""

DAY_MICROSECONDS = 86_400_000_000
_UNIT_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}

_TYPED_PHRASES = {
    "integer": "is not an integer of at most 64 bits",
    "number": "is not a finite number that a 64-bit float holds",
    "boolean": "is not a boolean",
    "date": "is not a date, nor a moment at midnight UTC",
    "datetime": "is not a moment in the years 0001 to 9999, to the microsecond",
    "string": "is not text",
    "binary": "is not text, which would be base64, nor bytes",
    LIST_TYPE: "is not an array of texts of at least one character",
}


def type_phrase(column: pa.Array, kind: str) -> str:
    """Return what a message says of a value in `column` that is not of the contract's type `kind`."""
    found = column.type.field("value").type if pa.types.is_struct(column.type) else column.type
    return TYPE_PHRASES[kind] if _is_text(found) else _TYPED_PHRASES[kind]


def can_hold(found: pa.DataType, kind: str) -> bool:
    """Whether a column of the type `found` can have values of the contract's type `kind` at all."""
    found = value_type(found)
    is_number = _is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    is_accepted = {
        "integer": is_number,
        "number": is_number,
        "boolean": pa.types.is_boolean(found),
        "date": pa.types.is_date(found) or pa.types.is_timestamp(found),
        "datetime": pa.types.is_timestamp(found),
        "string": _is_integer(found),
        "binary": False,
        LIST_TYPE: _is_list(found),
    }
    return pa.types.is_null(found) or _is_text(found) or is_accepted[kind]


def value_type(found: pa.DataType) -> pa.DataType:
    """Return the type of the values themselves: what an extension is stored as, a dictionary's values."""
    if isinstance(found, pa.BaseExtensionType):
        found = found.storage_type
    return found.value_type if pa.types.is_dictionary(found) else found


def plain_column(column: pa.Array, missing_values: tuple[str, ...]) -> pa.Array:
    """Return a column of a source with types in the form that validation reads, nulls for missing values.

    Missing are nulls, the texts that the contract names, and NaN: that is how pandas and Spark write a
    missing number into a column of floats.

    Raises:
        pyarrow.ArrowInvalid: A text is not UTF-8.
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        column = pc.cast(column, pa.string())
        column.validate(full=True)  # Parquet's text is what the writer said it is, and not checked on reading
        is_missing = pc.is_in(column, value_set=pa.array(missing_values, type=pa.string()))
        return _where(column, pc.invert(is_missing)) if missing_values else column
    if pa.types.is_floating(column.type):
        column = pc.cast(column, pa.float32()) if pa.types.is_float16(column.type) else column
        return _where(column, pc.invert(pc.is_nan(column)))
    if _is_list(column.type):
        column = pc.cast(column, ARROW_TYPES[LIST_TYPE])
        column.validate(full=True)
    return column


def bytes_column(column: pa.Array) -> pa.Array:
    """Return a column of bytes in the form that validation reads; of text, `plain_column` does.

    No bytes mean "no value": only a null does.
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.cast(column, pa.binary())


def is_bytes(found: pa.DataType) -> bool:
    """Whether a column of the type `found` has bytes that are not known to be text."""
    return any(check(found) for check in _BYTES_CHECKS)


def mixed_column(values: pa.Array, misfits: pa.Array) -> pa.Array:
    """Return a column in which some values are of another type than the field's.

    Args:
        values: Those of the field's type, null elsewhere.
        misfits: The others as text for messages, null elsewhere.
    """
    is_missing = pc.and_(pc.is_null(values), pc.is_null(misfits))
    return pa.StructArray.from_arrays([values, misfits], names=["value", "misfit"], mask=is_missing)


def column_values(column: pa.Array, kind: str) -> pa.Array:
    """Read a column as values of one of the contract's types.

    Args:
        column: Text, or what `plain_column` or `mixed_column` gives; null where missing.
        kind: One of `contracts.dataset.FIELD_TYPES` but lists, or BINARY_TYPE, which the column's type
            `can_hold`.

    Returns:
        The values (ARROW_TYPES), null where missing or wrong.
    """
    found = column.type
    if pa.types.is_struct(found):
        column = column.field("value")
        found = column.type
    if found == pa.string():
        return typed_values(column, kind)
    if found == ARROW_TYPES[kind] and kind in ("integer", "boolean", "binary"):
        return column
    if pa.types.is_null(found):
        return pc.cast(column, ARROW_TYPES[kind])
    return _CONVERSIONS[kind](column)


def shown_values(column: pa.Array) -> list[str | None]:
    """Return the values as messages show them, shortened; None where missing, and for bytes."""
    if pa.types.is_struct(column.type):
        values, misfits = shown_values(column.field("value")), column.field("misfit").to_pylist()
        pairs = zip(values, misfits, strict=True)
        return [value if misfit is None else _shortened(misfit) for value, misfit in pairs]
    if column.type == pa.binary():
        return [None] * len(column)
    if column.type == pa.string():
        return [None if text is None else _quoted(text) for text in column.to_pylist()]
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.string())  # Python's moments end with microseconds and the year 9999
    show = shown_items if _is_list(column.type) else str
    return [None if value is None else _shortened(show(value)) for value in column.to_pylist()]


def _shortened(text: str) -> str:
    return text[:MAX_VALUE_CHARS] + ("…" if len(text) > MAX_VALUE_CHARS else "")


def _quoted(text: str) -> str:
    return repr(text[:MAX_VALUE_CHARS]) + ("…" if len(text) > MAX_VALUE_CHARS else "")


def _integers(column: pa.Array) -> pa.Array:
    found = column.type
    if pa.types.is_floating(found):
        is_exact = pc.and_(
            pc.equal(pc.trunc(column), column), pc.less(pc.abs(column), EXACT_FLOAT_LIMITS[found.bit_width])
        )
        return pc.cast(_where(column, is_exact), pa.int64())
    if pa.types.is_decimal(found):
        exact = pc.cast(column, pa.decimal256(76, found.scale))
        whole = pc.trunc(exact)
        texts = pc.cast(pc.cast(whole, pa.decimal256(76, 0)), pa.string())
        return typed_values(_where(texts, pc.equal(whole, exact)), "integer")
    if found == pa.uint64():
        column = _where(column, pc.less(column, pa.scalar(2**63, pa.uint64())))
    return pc.cast(column, pa.int64())


def _numbers(column: pa.Array) -> pa.Array:
    found = column.type
    if pa.types.is_decimal(found):
        return typed_values(pc.cast(column, pa.string()), "number")
    values = pc.cast(column, pa.float64(), safe=False)
    if pa.types.is_floating(found):
        is_held = pc.is_finite(values)
    elif found.bit_width <= 32:
        return values
    else:
        is_held = pa.array(_has_exact_floats(column, values))
    return values if pc.all(is_held, min_count=0).as_py() else _where(values, is_held)


def _has_exact_floats(column: pa.Array, values: pa.Array) -> np.ndarray:
    """Return which of 64-bit integers are what their floats say (true where null)."""
    integers = column.fill_null(0).to_numpy(zero_copy_only=False)
    floats = values.fill_null(0).to_numpy(zero_copy_only=False)
    is_within = floats < float(np.iinfo(integers.dtype).max)  # that float is one more than the integer
    restored = np.where(is_within, floats, 0).astype(integers.dtype)
    return np.asarray(is_within & (restored == integers))


def _dates(column: pa.Array) -> pa.Array:
    if column.type == pa.date32():
        microseconds = pc.multiply(pc.cast(pc.cast(column, pa.int32()), pa.int64()), DAY_MICROSECONDS)
        is_within = pc.and_(
            pc.greater_equal(microseconds, FIRST_MICROSECOND), pc.less_equal(microseconds, LAST_MICROSECOND)
        )
        return _where(column, is_within)
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.timestamp("ms"))
    microseconds = pc.cast(_datetimes(column), pa.int64())
    days = pc.floor(pc.divide(pc.cast(microseconds, pa.float64(), safe=False), DAY_MICROSECONDS))
    days = pc.cast(days, pa.int64())
    is_midnight = pc.equal(pc.multiply(days, DAY_MICROSECONDS), microseconds)
    return pc.cast(pc.cast(_where(days, is_midnight), pa.int32()), pa.date32())


def _datetimes(column: pa.Array) -> pa.Array:
    counts = pc.cast(column, pa.int64())
    if column.type.unit == "ns":
        microseconds = pc.divide(counts, 1000)
        is_exact = pc.equal(pc.multiply(microseconds, 1000), counts)
        return pc.cast(_where(microseconds, is_exact), ARROW_TYPES["datetime"])
    factor = _UNIT_MICROSECONDS[column.type.unit]
    is_within = pc.and_(
        pc.greater_equal(counts, FIRST_MICROSECOND // factor),
        pc.less_equal(counts, LAST_MICROSECOND // factor),
    )
    return pc.cast(pc.multiply(_where(counts, is_within), factor), ARROW_TYPES["datetime"])


def _texts(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string())


def _booleans(column: pa.Array) -> pa.Array:
    return column


_CONVERSIONS = {
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _dates,
    "datetime": _datetimes,
    "string": _texts,
}


def _where(values: pa.Array, is_kept: pa.Array) -> pa.Array:
    return pc.if_else(is_kept, values, pa.scalar(None, values.type))


def _is_integer(found: pa.DataType) -> bool:
    return bool(pa.types.is_integer(found))


_TEXT_CHECKS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES_CHECKS = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


def _is_list(found: pa.DataType) -> bool:
    """Whether these are lists of text (views are not: pyarrow 25.0 loses their items in a cast)."""
    checks = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(check(found) for check in checks):
        return False
    return bool(pa.types.is_null(found.value_type)) or _is_text(value_type(found.value_type))


def _is_text(found: pa.DataType) -> bool:
    return any(check(found) for check in (*_TEXT_CHECKS, *_BYTES_CHECKS))
