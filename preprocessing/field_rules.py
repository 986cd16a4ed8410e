"""The rules of one field, each checked over a whole column at once.

A text field whose valid values are known is looked up in them once; where everything is found, no other rule
of that field needs a look.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.arrow_files import position_type
from contracts.contract_file import whole_value_pattern
from contracts.dataset import BINARY_TYPE, LIST_TYPE, DatasetContract, Field
from contracts.encoding import ARROW_TYPES
from contracts.quarantine import ReasonCode
from preprocessing.list_values import list_values
from preprocessing.typed_columns import column_values, type_phrase

FLOAT32_LIMIT = float(np.finfo(np.float32).max)
UNSAFE_ID_PATTERN = r"[\r\n\x00]"
"""Batch Transform splits CSV at line feeds whatever the quotes say."""


MAX_DICTIONARY_VALUES = 256
"""Fields with at most this many valid values are kept as positions in the list of them."""


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


_LENGTHS = {BINARY_TYPE: (pc.binary_length, "bytes"), LIST_TYPE: (pc.list_value_length, "items")}
"""How long a value is, and in what, where it is no text."""

_Finding = tuple[ReasonCode, str, pa.Array]
"""Reason, rule, and which values break it (null: no)."""


def check_field(
    column: pa.Array, field: Field, contract: DatasetContract, wire_name: str
) -> tuple[pa.Array, list[Breach]]:
    """Type one column and find the rows that break the field's rules.

    Args:
        column: Text, or typed values as `typed_columns` has them; null where missing.
        field: Whose column it is.
        contract: Of the field.
        wire_name: Name of the wire format of the shards.

    Returns:
        Typed values (ARROW_TYPES, or the field's dictionary), null where missing or of the wrong type; and
        the breaches in the order in which rules are checked.
    """
    dictionary = field_dictionary(field, contract, wire_name)
    plain = _values(column, field)
    values = plain if dictionary is None else _coded(plain, dictionary)
    findings = [*_missing(column, field, contract)]
    if dictionary is None or values.null_count > column.null_count:
        findings += _value_findings(column, plain, field)
        findings += _scoring_findings(plain, field, contract, wire_name)
        findings += [] if dictionary is None else _lost_findings(column, values, findings)
    breaches = [
        Breach(field=field.name, reason=reason, rule=rule, rows=_true_rows(mask))
        for reason, rule, mask in findings
        if pc.any(mask).as_py()
    ]
    return values, breaches


def _values(column: pa.Array, field: Field) -> pa.Array:
    if field.type == LIST_TYPE:
        return list_values(column, field.delimiter)
    return column_values(column, field.type)


def field_dictionary(field: Field, contract: DatasetContract, wire_name: str) -> pa.Array | None:
    """Return the texts that keep every rule of the field, if they are few and known.

    Such a field is stored as positions in this dictionary, the same in every block. A value outside it
    breaks a rule for certain, so nothing is lost with it.
    """
    if field.type != "string":
        return None
    is_one_line = must_be_one_line(field, contract, wire_name)
    return _text_dictionary(field, must_be_seen=_must_be_seen(field, contract), is_one_line=is_one_line)


@functools.lru_cache(maxsize=4096)  # it is asked for with every block
def _text_dictionary(field: Field, *, must_be_seen: bool, is_one_line: bool) -> pa.Array | None:
    rules = field.constraints
    if not (rules.enum or must_be_seen):
        return None
    known = pa.array(rules.enum or field.categories, type=pa.string())
    findings = [*_value_findings(known, known, field)]
    findings += _unseen(known, field) if must_be_seen else []
    findings += _unsafe(known) if is_one_line else []
    is_wrong = np.zeros(len(known), dtype=bool)
    for _, _, mask in findings:
        is_wrong[_true_rows(mask)] = True
    known = known.filter(pa.array(~is_wrong))
    return known if len(known) <= MAX_DICTIONARY_VALUES else None


def missing_column(field: Field, contract: DatasetContract, wire_name: str, row_count: int) -> pa.Array:
    """Return a column of the type that `check_field` gives, with nothing but missing values."""
    dictionary = field_dictionary(field, contract, wire_name)
    if dictionary is None:
        return pa.nulls(row_count, ARROW_TYPES[field.type])
    return _coded(pa.nulls(row_count, pa.string()), dictionary)


def _coded(texts: pa.Array, dictionary: pa.Array) -> pa.DictionaryArray:
    positions = pc.index_in(texts, value_set=dictionary).cast(position_type(len(dictionary)), safe=False)
    return pa.DictionaryArray.from_arrays(positions, dictionary, safe=False)


def _true_rows(mask: pa.Array) -> np.ndarray:
    return np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))


def _must_be_seen(field: Field, contract: DatasetContract) -> bool:
    is_category = bool(field.categories) and field.name in contract.features
    return is_category and contract.unseen_category == "quarantine"


def is_required(field: Field, contract: DatasetContract) -> bool:
    """Whether every record must have a value; a label may be missing, whatever its field says."""
    return field.name == contract.id_field or (field.constraints.required and field.name != contract.label)


def must_be_one_line(field: Field, contract: DatasetContract, wire_name: str) -> bool:
    """Whether no text of the field may match UNSAFE_ID_PATTERN."""
    return wire_name == "csv" and field.name == contract.id_field and field.type == "string"


def _missing(column: pa.Array, field: Field, contract: DatasetContract) -> Iterator[_Finding]:
    if is_required(field, contract) and column.null_count:
        yield ReasonCode.MISSING_REQUIRED, "is missing and required", pc.is_null(column)


def _value_findings(column: pa.Array, values: pa.Array, field: Field) -> Iterator[_Finding]:
    rules = field.constraints
    if values.null_count > column.null_count:
        is_wrong = pc.and_(pc.is_valid(column), pc.is_null(values))
        yield ReasonCode.WRONG_TYPE, type_phrase(column, field.type), is_wrong
    yield from _range_findings(values, field)
    if rules.enum:
        allowed = pa.array([comparable(value) for value in rules.enum], type=values.type)
        shown = ", ".join(str(value) for value in rules.enum[:10]) + (", …" if len(rules.enum) > 10 else "")
        yield ReasonCode.NOT_IN_ENUM, f"is not one of {shown}", _outside(values, allowed)
    yield from _text_findings(values, field)


def _lost_findings(column: pa.Array, values: pa.Array, findings: list[_Finding]) -> Iterator[_Finding]:
    """Yield what became null on the way though no rule says so: a value is never dropped unsaid."""
    is_lost = pc.and_(pc.is_valid(column), pc.is_null(values))
    for _, _, mask in findings:
        is_lost = pc.and_not(is_lost, pc.fill_null(mask, False))
    yield ReasonCode.WRONG_TYPE, "has no place among the field's values", is_lost


def _outside(values: pa.Array, allowed: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):  # -0 is 0, but its bits are others, and lookups go by bits
        values, allowed = pc.add(values, 0.0), pc.add(allowed, 0.0)
    return pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, value_set=allowed)))


def _text_findings(values: pa.Array, field: Field) -> Iterator[_Finding]:
    rules = field.constraints
    if rules.pattern is not None:
        matches = pc.match_substring_regex(values, whole_value_pattern(rules.pattern))
        rule = f"does not match the pattern {rules.pattern}"
        yield ReasonCode.PATTERN_MISMATCH, rule, pc.invert(matches)
    length, unit = _LENGTHS.get(field.type, (pc.utf8_length, "characters"))
    if rules.min_length is not None:
        is_short = pc.less(length(values), rules.min_length)
        yield ReasonCode.TOO_SHORT, f"is shorter than {rules.min_length} {unit}", is_short
    if rules.max_length is not None:
        is_long = pc.greater(length(values), rules.max_length)
        yield ReasonCode.TOO_LONG, f"is longer than {rules.max_length} {unit}", is_long


def _range_findings(values: pa.Array, field: Field) -> Iterator[_Finding]:
    rules = field.constraints
    if rules.minimum is not None:
        is_below = pc.less(values, _scalar(rules.minimum, values.type))
        yield ReasonCode.BELOW_MINIMUM, f"is below the minimum {rules.minimum}", is_below
    if rules.maximum is not None:
        is_above = pc.greater(values, _scalar(rules.maximum, values.type))
        yield ReasonCode.ABOVE_MAXIMUM, f"is above the maximum {rules.maximum}", is_above


def _scoring_findings(
    values: pa.Array, field: Field, contract: DatasetContract, wire_name: str
) -> Iterator[_Finding]:
    """Yield what the model or the wire cannot take, though the value itself may be right."""
    if field.name in contract.features and field.type == "number":
        is_beyond = pc.greater(pc.abs(values), FLOAT32_LIMIT)
        rule = "is beyond what a feature vector can hold (32-bit floats)"
        yield ReasonCode.WRONG_TYPE, rule, is_beyond
    if contract.image is not None and field.name in contract.features:
        from preprocessing.image_checks import image_findings  # noqa: PLC0415 - needs Pillow

        yield from image_findings(values, contract.image)
    if _must_be_seen(field, contract):
        yield from _unseen(values, field)
    if must_be_one_line(field, contract, wire_name):
        yield from _unsafe(values)


def _unseen(values: pa.Array, field: Field) -> Iterator[_Finding]:
    is_unseen = _outside(values, pa.array(field.categories, type=pa.string()))
    yield ReasonCode.UNSEEN_CATEGORY, "is a category that the model was not trained on", is_unseen


def _unsafe(ids: pa.Array) -> Iterator[_Finding]:
    is_unsafe = pc.match_substring_regex(ids, UNSAFE_ID_PATTERN)
    rule = "has a line break or NUL, which an id in a csv shard may not have; use the parquet wire"
    yield ReasonCode.UNSAFE_ID, rule, is_unsafe


def comparable(value: Any) -> Any:
    """Return a bound of the contract in the form of the column: moments without a zone are UTC."""
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=dt.timezone.utc)
    return value


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(comparable(value), type=kind)
