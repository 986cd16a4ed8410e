"""The rules of one field, each checked over a whole column at once.

Where a column is a dictionary, its distinct values are checked instead of its rows. After a fast look that
finds nothing wrong, no mask is built.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract, Field
from contracts.encoding import ARROW_TYPES
from contracts.quarantine import ReasonCode
from preprocessing.typed_values import TYPE_PHRASES, typed_values

FLOAT32_LIMIT = float(np.finfo(np.float32).max)
UNSAFE_ID_PATTERN = r"[\r\n\x00]"
"""Batch Transform splits CSV at line feeds whatever the quotes say."""


MAX_DICTIONARY_VALUES = 256
"""Fields with at most this many valid values are read as dictionaries: each value is then checked once."""


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One rule of one field, and the rows that break it.

    Attributes:
        field: Name of the field.
        reason: Reason code of the rule.
        rule: What a message says after the value.
        rows: Row numbers, ascending.
    """

    field: str
    reason: ReasonCode
    rule: str
    rows: np.ndarray


_Finding = tuple[ReasonCode, str, np.ndarray]
"""Reason, rule, and a mask over the values that were checked."""


def is_dictionary_field(field: Field, contract: DatasetContract) -> bool:
    """Whether the field's valid values are few and known, so that reading it as a dictionary is cheaper.

    Values outside the dictionary are always quarantined, so nothing is lost with them.
    """
    if field.type == "boolean":
        return True
    is_closed = bool(field.constraints.enum) or _must_be_seen(field, contract)
    return field.type == "string" and is_closed and len(_valid_texts(field)) <= MAX_DICTIONARY_VALUES


def missing_column(field: Field, contract: DatasetContract, row_count: int) -> pa.Array:
    """Return a column of the type that `check_field` gives, with nothing but missing values."""
    if field.type == "string" and is_dictionary_field(field, contract):
        return pa.DictionaryArray.from_arrays(pa.nulls(row_count, pa.int32()), _valid_texts(field))
    return pa.nulls(row_count, ARROW_TYPES[field.type])


def _valid_texts(field: Field) -> pa.Array:
    return pa.array(field.constraints.enum or field.categories, type=pa.string())


def _must_be_seen(field: Field, contract: DatasetContract) -> bool:
    is_category = bool(field.categories) and field.name in contract.features
    return is_category and contract.unseen_category == "quarantine"


def check_field(
    column: pa.Array, field: Field, contract: DatasetContract, wire_name: str
) -> tuple[pa.Array, list[Breach]]:
    """Type one column and find the rows that break the field's rules.

    Returns:
        Typed values (ARROW_TYPES, or a dictionary of strings), null where missing or of the wrong type; and
        the breaches in the order in which rules are checked.
    """
    is_dictionary = pa.types.is_dictionary(column.type)
    texts = column.dictionary if is_dictionary else column
    values, is_wrong = typed_values(texts, field.type)
    findings: list[_Finding] = []
    if is_wrong is not None:
        findings.append((ReasonCode.WRONG_TYPE, TYPE_PHRASES[field.type], is_wrong))
    findings += _value_findings(values, field)
    findings += _scoring_findings(values, field, contract, wire_name)
    breaches = [breach for breach in [_missing(column, field, contract)] if breach]
    for reason, rule, mask in findings:
        rows = _rows(mask, column if is_dictionary else None)
        if len(rows):
            breaches.append(Breach(field=field.name, reason=reason, rule=rule, rows=rows))
    return (_expanded(column, values, field) if is_dictionary else values), breaches


def _missing(column: pa.Array, field: Field, contract: DatasetContract) -> Breach | None:
    is_required = field.constraints.required or field.name == contract.id_field
    if not is_required or not column.null_count:
        return None
    rows = np.flatnonzero(pc.is_null(column).to_numpy(zero_copy_only=False))
    return Breach(
        field=field.name, reason=ReasonCode.MISSING_REQUIRED, rule="is missing and required", rows=rows
    )


def _rows(mask: np.ndarray, column: pa.DictionaryArray | None) -> np.ndarray:
    if column is None or not mask.any():
        return np.flatnonzero(mask)
    is_bad = pa.array(mask).take(column.indices)
    return np.flatnonzero(_mask(is_bad))


def _expanded(column: pa.DictionaryArray, values: pa.Array, field: Field) -> pa.Array:
    """Return the column with typed values; text stays a dictionary, of the valid values in every block."""
    if field.type != "string":
        return values.take(column.indices)
    valid = _valid_texts(field)
    codes = pc.index_in(column.dictionary, value_set=valid)
    return pa.DictionaryArray.from_arrays(codes.take(column.indices), valid)


def _value_findings(values: pa.Array, field: Field) -> Iterator[_Finding]:
    rules = field.constraints
    yield from _range_findings(values, field)
    if rules.enum:
        allowed = pa.array([_comparable(value) for value in rules.enum], type=values.type)
        shown = ", ".join(str(value) for value in rules.enum[:10]) + (", …" if len(rules.enum) > 10 else "")
        is_other = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=allowed)))
        yield ReasonCode.NOT_IN_ENUM, f"is not one of {shown}", _mask(is_other)
    if rules.pattern is not None:
        matches = pc.match_substring_regex(values, rf"\A(?:{rules.pattern})\z")
        rule = f"does not match the pattern {rules.pattern}"
        yield ReasonCode.PATTERN_MISMATCH, rule, _mask(pc.invert(matches))
    if rules.min_length is not None:
        is_short = pc.less(pc.utf8_length(values), rules.min_length)
        yield ReasonCode.TOO_SHORT, f"is shorter than {rules.min_length} characters", _mask(is_short)
    if rules.max_length is not None:
        is_long = pc.greater(pc.utf8_length(values), rules.max_length)
        yield ReasonCode.TOO_LONG, f"is longer than {rules.max_length} characters", _mask(is_long)


def _range_findings(values: pa.Array, field: Field) -> Iterator[_Finding]:
    rules = field.constraints
    if rules.minimum is not None:
        is_below = pc.less(values, _scalar(rules.minimum, values.type))
        yield ReasonCode.BELOW_MINIMUM, f"is below the minimum {rules.minimum}", _mask(is_below)
    if rules.maximum is not None:
        is_above = pc.greater(values, _scalar(rules.maximum, values.type))
        yield ReasonCode.ABOVE_MAXIMUM, f"is above the maximum {rules.maximum}", _mask(is_above)


def _scoring_findings(
    values: pa.Array, field: Field, contract: DatasetContract, wire_name: str
) -> Iterator[_Finding]:
    """Yield what the model or the wire cannot take, though the value itself may be right."""
    if field.name in contract.features and field.type == "number":
        is_beyond = pc.greater(pc.abs(values), FLOAT32_LIMIT)
        rule = "is beyond what a feature vector can hold (32-bit floats)"
        yield ReasonCode.WRONG_TYPE, rule, _mask(is_beyond)
    if _must_be_seen(field, contract):
        known = pc.is_in(values, value_set=pa.array(field.categories, type=pa.string()))
        is_unseen = pc.and_(pc.is_valid(values), pc.invert(known))
        yield ReasonCode.UNSEEN_CATEGORY, "is a category that the model was not trained on", _mask(is_unseen)
    if wire_name == "csv" and field.name == contract.id_field and field.type == "string":
        is_unsafe = pc.match_substring_regex(values, UNSAFE_ID_PATTERN)
        rule = "has a line break or NUL, which an id in a csv shard may not have; use the parquet wire"
        yield ReasonCode.UNSAFE_ID, rule, _mask(is_unsafe)


def _mask(is_bad: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(is_bad, False).to_numpy(zero_copy_only=False))


def _comparable(value: Any) -> Any:
    """Return a bound of the contract in the form of the column: moments without a zone are UTC."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.timezone.utc)
    return value


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(_comparable(value), type=kind)
