"""Read many JSON objects at once with pyarrow, and accept only what the careful way accepts too.

What pyarrow's reader does, and what is done about it (tried with pyarrow 25, and kept so by the tests):

* It ends the process on a first record `null`: records that are not `{…}` are never handed to it.
* It takes several objects in one line for several records: the number of rows must be that of the records.
* It accepts `NaN`, `Inf` and `Infinity`: records in which these letters stand are not handed to it.
* It does not look at the bytes of text and keys: records that are not UTF-8 are not handed to it.
* It reads numbers as the type that is asked for: integers are asked for where the field is one, and where
  floats must be, only those below 2^53 are taken for integers.
* It refuses, for all records at once: duplicate keys that are asked for, other JSON types, integers beyond
  64 bits, `1e999`, halves of surrogate pairs, control characters in strings, and all else that is no JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from contracts.dataset import BINARY_TYPE, LIST_TYPE, DatasetContract, Field
from contracts.encoding import ARROW_TYPES
from preprocessing.json_careful import CarefulRecord
from preprocessing.list_values import list_values
from preprocessing.typed_columns import EXACT_FLOAT_LIMITS

_NO_NUMBERS = (re.compile(rb"NaN(?=[,\]}\s])"), re.compile(rb"Inf(?:inity)?(?=[,\]}\s])"))
"""What pyarrow takes for a number, and JSON does not."""

COLUMN_TYPES = {
    **{kind: pa.string() for kind in ("string", "date", "datetime", BINARY_TYPE)},
    **{kind: ARROW_TYPES[kind] for kind in ("integer", "number", "boolean", LIST_TYPE)},
}
"""By type of the field, of the columns that come out."""


@dataclass(frozen=True, kw_only=True)
class ReadPlan:
    """As what each field is read.

    Attributes:
        fields: Of the contract.
        schema: By field, the type asked for.
        missing_values: Texts that mean "no value".
        has_line_feeds: Records go over several lines; where none does, pyarrow looks at the bytes once less.
    """

    fields: tuple[Field, ...]
    schema: pa.Schema
    missing_values: tuple[str, ...]
    has_line_feeds: bool


def plan_reading(
    contract: DatasetContract, samples: list[CarefulRecord], *, has_line_feeds: bool
) -> ReadPlan:
    """Choose the types to ask for after a look at some records: it decides the speed, not the outcome.

    Integers written as `12.0` are asked for as floats, strings written as `12` as integers, and lists that
    are one text as strings.
    """
    schema = []
    forms_by_record = [record.forms() for record in samples]
    for field in contract.fields:
        forms = {found.get(field.name, "other") for found in forms_by_record}
        asked = COLUMN_TYPES[field.type]
        if field.type == "integer" and "fraction" in forms:
            asked = pa.float64()
        if field.type == "string" and "integer" in forms and "text" not in forms:
            asked = pa.int64()
        if field.type == LIST_TYPE and "text" in forms and "array" not in forms:
            asked = pa.string()
        schema.append(pa.field(field.name, asked))
    return ReadPlan(
        fields=contract.fields,
        schema=pa.schema(schema),
        missing_values=contract.missing_values,
        has_line_feeds=has_line_feeds,
    )


def suspicious_positions(content: bytes) -> np.ndarray:
    """Return positions in `content` of what could be `NaN`, `Inf` or `Infinity` as a value."""
    found = [match.start() for pattern in _NO_NUMBERS for match in pattern.finditer(content)]
    return np.array(sorted(found), dtype=np.int64)


def read_many(content: bytes | memoryview, record_count: int, plan: ReadPlan) -> dict[str, pa.Array] | None:
    """Read objects, with or without white space between them.

    Args:
        content: UTF-8; each of the records begins with `{` and ends with `}`.
        record_count: How many they are.
        plan: As what to read them.

    Returns:
        Columns (COLUMN_TYPES) by field name, null where missing; or None if at least one of the records has
        to be read with care.
    """
    try:
        table = pyarrow.json.read_json(
            pa.BufferReader(pa.py_buffer(content)),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(content) + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=plan.schema,
                newlines_in_values=plan.has_line_feeds,
                unexpected_field_behavior="ignore",
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != record_count:
        return None
    columns = {}
    for position, field in enumerate(plan.fields):
        column = _accepted(table.column(position).combine_chunks(), field, plan.missing_values)
        if column is None:
            return None
        columns[field.name] = column
    return columns


def _accepted(column: pa.Array, field: Field, missing_values: tuple[str, ...]) -> pa.Array | None:
    if pa.types.is_string(column.type):
        column = without_missing(column, missing_values)
    if field.type == LIST_TYPE:
        lists = list_values(column, field.delimiter)
        return lists if lists.null_count == column.null_count else None
    if pa.types.is_string(column.type):
        return column
    if field.type == "string":
        return pc.cast(column, pa.string())
    if field.type == "integer" and pa.types.is_floating(column.type):
        is_whole = pc.and_(
            pc.equal(pc.trunc(column), column), pc.less(pc.abs(column), EXACT_FLOAT_LIMITS[64])
        )
        return pc.cast(column, pa.int64()) if pc.all(is_whole, min_count=0).as_py() else None
    return column


def without_missing(texts: pa.Array, missing_values: tuple[str, ...]) -> pa.Array:
    """Return `texts` with null for those that mean "no value"."""
    is_missing = pc.is_in(texts, value_set=pa.array(missing_values, type=pa.string()))
    if not pc.any(is_missing, min_count=0).as_py():
        return texts
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), texts)
