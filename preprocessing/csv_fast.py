"""Read the plainly valid records of a block of CSV as typed columns, in one pass of the native extension.

The extension finds the fields of a record, turns each into its type and checks the rules of its field: all
but hard patterns and long lists of valid values, which are checked here, column by column, with the same code
as elsewhere. It accepts a record only if every field is plainly valid. The others, whether they break a rule
or are merely written unusually (`+12`), are for `csv_parse` and `validation` to judge: no reason code comes
from here, and a block gives the same records with this way as without it.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.arrow_files import position_type
from contracts.dataset import BINARY_TYPE, LIST_TYPE, Constraints, DatasetContract, Field
from contracts.encoding import ARROW_TYPES
from preprocessing import csv_engine
from preprocessing.csv_parse import CsvBlock
from preprocessing.csv_text import SingleByteEncoding
from preprocessing.field_rules import (
    FLOAT32_LIMIT,
    check_field,
    comparable,
    field_dictionary,
    is_required,
    must_be_one_line,
)
from preprocessing.pattern_states import pattern_states
from preprocessing.typed_values import INT64_LIMITS

_TEXT, _CODE, _BOOLEAN = 0, 1, 4
_KINDS = {
    "string": _TEXT,
    LIST_TYPE: _TEXT,
    "integer": 2,
    "number": 3,
    "boolean": _BOOLEAN,
    "date": 5,
    "datetime": 6,
}
_DAY_ZERO = dt.date(1970, 1, 1)
_MOMENT_ZERO = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)
_MAX_LENGTH = 2**31
"""Characters; no block has so many bytes."""


@dataclass(frozen=True, kw_only=True)
class PlainRecords:
    """The records of a block that are plainly valid.

    Attributes:
        columns: Typed values by field name (as `field_rules.check_field` gives them), one a record.
        indices: Of these records in the block, ascending.
        others: Indices of all other records of the block, ascending.
    """

    columns: dict[str, pa.Array]
    indices: np.ndarray
    others: np.ndarray


def read_plain_records(
    block: CsvBlock, contract: DatasetContract, wire_name: str, kept_names: Sequence[str]
) -> PlainRecords | None:
    """Read the plainly valid records; None where the extension was not built, or cannot read the block.

    It knows no base64, so that records with bytes are read the other way.

    Args:
        block: Scanned records.
        contract: The rules.
        wire_name: Name of the wire format of the shards.
        kept_names: Fields that are wanted beside id, features and label.
    """
    has_binary = any(entry.type == BINARY_TYPE for entry in contract.fields)
    if has_binary or not csv_engine.is_native() or block.raw_byte_count is not None:
        return None
    layout = block.layout
    form = _Form(
        field_count=len(layout.column_names),
        positions=layout.positions,
        names=tuple(entry.name for entry in layout.fields),
        delimiter=layout.delimiter,
        is_utf8=not isinstance(layout.encoding, SingleByteEncoding),
    )
    plan = _plan(form, contract, wire_name, tuple(kept_names))
    is_passed_over = np.zeros(block.record_count, dtype=np.uint8)
    is_passed_over[list(block.faults)] = 1
    count, rejected, buffers = csv_engine.native_csv.read(
        plan.native,
        block.content,
        np.ascontiguousarray(block.starts).data,
        np.ascontiguousarray(block.ends).data,
        is_passed_over.data,
    )
    columns = {
        entry.name: _array(entry, dictionary, count, *parts)
        for (entry, dictionary), parts in zip(plan.outputs, buffers, strict=True)
    }
    is_plain = np.ones(block.record_count, dtype=bool)
    is_plain[np.frombuffer(rejected, dtype=np.int64)] = False
    wrong = []
    for entry in plan.unchecked:
        columns[entry.name], breaches = check_field(columns[entry.name], entry, contract, wire_name)
        wrong += [breach.rows for breach in breaches]
    if wrong:
        indices = np.flatnonzero(is_plain)
        is_plain[indices[np.concatenate(wrong)]] = False
        is_right = pa.array(is_plain[indices])
        columns = {name: column.filter(is_right) for name, column in columns.items()}
    return PlainRecords(columns=columns, indices=np.flatnonzero(is_plain), others=np.flatnonzero(~is_plain))


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """How the records of one layout are read.

    Attributes:
        native: For the extension.
        outputs: The fields that come out as columns, with the dictionary of those that have one.
        unchecked: Those of them that have rules which the extension does not check.
    """

    native: Any
    outputs: tuple[tuple[Field, pa.Array | None], ...]
    unchecked: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class _Form:
    """What a plan depends on of a source's layout.

    Attributes:
        field_count: Of a record.
        positions: In a record, of the fields of these names.
        names: Of the contract's fields that the source has.
        delimiter: Between fields.
        is_utf8: Whether what is beyond ASCII is UTF-8.
    """

    field_count: int
    positions: tuple[int, ...]
    names: tuple[str, ...]
    delimiter: str
    is_utf8: bool


@functools.lru_cache(maxsize=64)
def _plan(form: _Form, contract: DatasetContract, wire_name: str, kept_names: tuple[str, ...]) -> _Plan:
    wanted = {contract.id_field, *contract.sent_names, *kept_names, contract.label}
    rules, outputs, unchecked = [], [], []
    for position, name in sorted(zip(form.positions, form.names, strict=True)):
        entry = contract.field(name)
        dictionary = field_dictionary(entry, contract, wire_name)
        has_more_rules = _has_more_rules(entry, dictionary)
        is_output = name in wanted or has_more_rules
        rules.append(_native_rules(position, entry, contract, wire_name, dictionary, is_output))
        if is_output:
            outputs.append((entry, dictionary))
        if has_more_rules:
            unchecked.append(entry)
    missing = tuple(text.encode() for text in contract.missing_values)
    return _Plan(
        native=csv_engine.native_csv.plan(
            tuple(rules), form.field_count, ord(form.delimiter), form.is_utf8, missing
        ),
        outputs=tuple(outputs),
        unchecked=tuple(unchecked),
    )


def _has_more_rules(entry: Field, dictionary: pa.Array | None) -> bool:
    """Whether the field has rules that the extension does not check."""
    if dictionary is not None:
        return False  # a text in it keeps all of them
    rules = entry.constraints
    if entry.type == LIST_TYPE:
        return True  # it reads them as text
    has_hard_pattern = rules.pattern is not None and pattern_states(rules.pattern) is None
    return has_hard_pattern or bool(rules.enum) or bool(entry.categories)


def _native_rules(
    position: int,
    entry: Field,
    contract: DatasetContract,
    wire_name: str,
    dictionary: pa.Array | None,
    is_output: bool,
) -> Any:
    rules = entry.constraints
    lowest, highest = INT64_LIMITS
    lowest_number, highest_number = -np.inf, np.inf
    if entry.type == "number":
        limit = FLOAT32_LIMIT if entry.name in contract.features else np.inf
        lowest_number = max(-limit, -np.inf if rules.minimum is None else float(rules.minimum))
        highest_number = min(limit, np.inf if rules.maximum is None else float(rules.maximum))
    elif entry.type not in ("string", LIST_TYPE):
        lowest = lowest if rules.minimum is None else max(lowest, _count(rules.minimum))
        highest = highest if rules.maximum is None else min(highest, _count(rules.maximum))
    if entry.type == LIST_TYPE:  # lengths are those of lists
        rules = Constraints()
    states = None if rules.pattern is None else pattern_states(rules.pattern)
    return (
        position,
        _KINDS[entry.type] if dictionary is None else _CODE,
        is_required(entry, contract),
        is_output,
        lowest,
        highest,
        lowest_number,
        highest_number,
        min(rules.min_length or 0, _MAX_LENGTH),
        _MAX_LENGTH if rules.max_length is None else min(rules.max_length, _MAX_LENGTH),
        must_be_one_line(entry, contract, wire_name),
        b"" if states is None else states.following,
        b"" if states is None else states.accepting,
        () if dictionary is None else tuple(text.encode() for text in dictionary.to_pylist()),
    )


def _count(bound: Any) -> int:
    """Return a bound as the number by which the extension knows it."""
    if isinstance(bound, dt.datetime):
        return int((comparable(bound) - _MOMENT_ZERO) // _MICROSECOND)
    return (bound - _DAY_ZERO).days if isinstance(bound, dt.date) else int(bound)


def _array(
    entry: Field,
    dictionary: pa.Array | None,
    count: int,
    null_count: int,
    validity: bytes | None,
    values: bytes,
    text: bytes | None,
) -> pa.Array:
    """Wrap what the extension wrote, without a copy."""
    kind = _written_type(entry) if dictionary is None else position_type(len(dictionary))
    buffers = [None if validity is None else pa.py_buffer(validity), pa.py_buffer(values)]
    if text is not None:
        buffers.append(pa.py_buffer(text))
    array = pa.Array.from_buffers(kind, count, buffers, null_count)
    return array if dictionary is None else pa.DictionaryArray.from_arrays(array, dictionary, safe=False)


def _written_type(entry: Field) -> pa.DataType:
    """Return as what the extension writes a field: lists as the text that they are in the source."""
    return pa.string() if entry.type == LIST_TYPE else ARROW_TYPES[entry.type]
