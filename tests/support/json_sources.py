"""Read JSON sources block by block, and say what a simple reader would find in them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

from contracts.contract_file import parse_contract
from preprocessing.json_array_blocks import read_json_blocks
from preprocessing.json_lines_blocks import read_json_lines_blocks
from preprocessing.records import OpenSource, QuarantinedRecord
from preprocessing.validation import validate

CONTRACT = parse_contract(
    b"""
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: n, type: integer}
  - {name: x, type: number}
  - {name: flag, type: boolean}
  - {name: note, type: string}
missingValues: ["", "none"]
primaryKey: id
scoring: {features: [n, x, flag, note], unseenCategory: missing}
""".replace(b"{name: note, type: string}", b"{name: note, type: string, categories: [a]}"),
    name="test",
)
FIELDS = ("id", "n", "x", "flag", "note")
READERS: dict[str, Callable[..., Any]] = {"jsonlines": read_json_lines_blocks, "json": read_json_blocks}


def read_source(
    content: bytes, form: str = "jsonlines", *, max_record_bytes: int = 100_000, block_bytes: int = 1 << 20
) -> tuple[list[dict[str, Any]], list[QuarantinedRecord]]:
    """Return the valid records, and the others in the order of the source."""
    source = OpenSource(source_key="a.json", stream=io.BytesIO(content), bytes_done=lambda: 0)
    valid: list[dict[str, Any]] = []
    held_back: list[QuarantinedRecord] = []
    blocks = READERS[form](source, CONTRACT, max_record_bytes=max_record_bytes, block_bytes=block_bytes)
    for block in blocks:
        parsed = block.parse()
        validation = validate(parsed.columns, CONTRACT, "parquet")
        valid += validation.valid.to_pylist()
        found = parsed.structure_faults + [
            QuarantinedRecord(
                place=parsed.place(fault.row), reason=fault.reason, field=fault.field, message=fault.message
            )
            for fault in validation.faults
        ]
        held_back += sorted(found, key=lambda record: record.place.byte_offset or 0)
        assert parsed.record_count == validation.valid.num_rows + len(found)
    return valid, held_back


def reasons(held_back: list[QuarantinedRecord]) -> list[tuple[int, str, bytes]]:
    """Return line, reason and raw bytes of each."""
    return [(record.place.line_number, record.reason.value, record.place.raw) for record in held_back]


def expected_outcome(raw: bytes) -> tuple[str, dict[str, Any]]:
    """Say what becomes of one record, with Python's parser and no regard for speed.

    Returns:
        A reason code and nothing, or `valid` and the values.
    """
    try:
        pairs = json.loads(raw.decode(), object_pairs_hook=_Pairs, parse_constant=_refuse)
    except UnicodeDecodeError:
        return "invalid_encoding", {}
    except ValueError:
        return "malformed_record", {}
    if not isinstance(pairs, _Pairs):
        return "malformed_record", {}
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in FIELDS):
        return "malformed_record", {}
    given = dict(pairs)
    if any(isinstance(given.get(name), str) and "\ud83d" in given[name] for name in FIELDS):
        return "invalid_encoding", {}
    return _judged({name: None if _is_missing(given.get(name)) else given.get(name) for name in FIELDS})


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of an object."""


def _refuse(name: str) -> None:
    raise ValueError(name)


def _is_missing(value: Any) -> bool:
    return isinstance(value, str) and value in CONTRACT.missing_values


def _judged(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {}
    for name, value in given.items():
        if value is None and name == "id":
            return "missing_required", {}
        values[name] = None if value is None else _value(name, value)
        if value is not None and values[name] is None:
            return "wrong_type", {}
        if name == "x" and value is not None and abs(values[name]) > 3.4028234663852886e38:
            return "wrong_type", {}
    return "valid", values


def _value(name: str, value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "flag":
        return value if isinstance(value, bool) else None
    if name in ("id", "note"):
        is_text = isinstance(value, str) or (is_number and isinstance(value, int))
        return str(value) if is_text else None
    if not is_number:
        return None
    if name == "n":
        return _integer(value)
    try:
        return float(value) if math.isfinite(float(value)) else None
    except OverflowError:
        return None


def _integer(value: float) -> int | None:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    return value if -(2**63) <= value < 2**63 else None
