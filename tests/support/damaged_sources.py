"""Source objects in every format, made of records of which some are damaged, with what must become of each.

A record is drawn as typed values; a damage changes the values or, when the record is written, its form. What
must happen to it is known from the damage alone: nothing here asks the code under test.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import gzip
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from record_messages import framed, named_record

CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true, maxLength: 20}}
  - {name: x, type: number, constraints: {minimum: -1000, maximum: 1000}}
  - {name: n, type: integer, constraints: {required: true}}
  - {name: kind, type: string, categories: [a, b]}
  - {name: code, type: string, constraints: {pattern: "[A-Z]+[0-9]*", minLength: 2, maxLength: 5}}
  - {name: size, type: string, constraints: {enum: [S, M]}}
  - {name: day, type: date}
primaryKey: id
scoring: {features: [x, n, kind], duplicateIds: keepFirst}
"""

NAMES = ("id", "x", "n", "kind", "code", "size", "day")
FORMATS = ("csv", "jsonlines", "json", "parquet", "recordio")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record and what must become of it.

    Attributes:
        values: By field name; None where missing.
        reason: Reason code that it must be given; empty if it is valid.
        form: Damage to the written record, empty for none.
    """

    values: dict[str, Any]
    reason: str = ""
    form: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source object.

    Attributes:
        key: Its name below the input.
        format: One of FORMATS.
        content: As delivered.
        records: In order.
        lines: Line or row number of each record.
        raws: Bytes of each record, or None where the format has none of its own.
    """

    key: str
    format: str
    content: bytes
    records: list[Record]
    lines: list[int]
    raws: list[bytes | None]


Change = Callable[[dict[str, Any]], dict[str, Any]]


def _set(name: str, value: Any) -> Change:
    return lambda values: {**values, name: value}


VALUE_DAMAGES: dict[str, tuple[str, Change]] = {
    "no id": ("missing_required", _set("id", None)),
    "long id": ("too_long", _set("id", "x" * 21)),
    "no n": ("missing_required", _set("n", None)),
    "x below": ("below_minimum", _set("x", -1000.5)),
    "x above": ("above_maximum", _set("x", 1024.0)),
    "other kind": ("unseen_category", _set("kind", "z")),
    "code in lower case": ("pattern_mismatch", _set("code", "ab1")),
    "short code": ("too_short", _set("code", "A")),
    "long code": ("too_long", _set("code", "AB1234")),
    "other size": ("not_in_enum", _set("size", "XL")),
    "n with a fraction": ("wrong_type", _set("n", 1.5)),
}
TEXT_DAMAGES: dict[str, tuple[str, Change]] = {
    "x in words": ("wrong_type", _set("x", "ten")),
    "n in words": ("wrong_type", _set("n", "١٢٣")),
    "no such day": ("wrong_type", _set("day", "2023-02-30")),
}
"""Not for formats whose columns have one type."""

FORM_DAMAGES = {
    "csv": {
        "field too many": "wrong_field_count",
        "field too few": "wrong_field_count",
        "text after a quote": "malformed_record",
        "not UTF-8": "invalid_encoding",
    },
    "jsonlines": {
        "cut off": "malformed_record",
        "no object": "malformed_record",
        "text after the end": "malformed_record",
        "a key twice": "malformed_record",
        "not UTF-8": "invalid_encoding",
    },
    "json": {"no object": "malformed_record", "a key twice": "malformed_record"},
    "parquet": {},
    "recordio": {"garbage": "malformed_record", "broken magic": "malformed_record"},
}

_IDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00\r\n"),
    min_size=1,
    max_size=6,
).map(lambda text: text + "·")  # so that no id is a missing value
_VALUES = st.fixed_dictionaries(
    {
        "id": _IDS,
        "x": st.none() | st.floats(-1000, 1000, width=32),
        "n": st.integers(-(2**24), 2**24),
        "kind": st.sampled_from([None, "a", "b"]),
        "code": st.sampled_from([None, "AB", "ABC12", "Z9"]),
        "size": st.sampled_from([None, "S", "M"]),
        "day": st.none() | st.dates(),
    }
)


@st.composite
def sources(draw: st.DrawFn, formats: tuple[str, ...] = FORMATS) -> list[Source]:
    """Draw one to three source objects, in the order of their keys; ids may repeat among all of them."""
    seen: set[str] = set()
    made = []
    for number in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(formats))
        records = _apart(draw(st.lists(_records(name), max_size=12)))
        made.append(_written(draw, number, name, [_unless_seen(record, seen) for record in records]))
    return made


@st.composite
def _records(draw: st.DrawFn, name: str) -> Record:
    record = Record(values=draw(_VALUES))
    damages = VALUE_DAMAGES | ({} if name in ("parquet", "recordio") else TEXT_DAMAGES)
    what = draw(st.sampled_from(["", "", "", *damages, *FORM_DAMAGES[name]]))
    if what in damages:
        reason, change = damages[what]
        return Record(values=change(record.values), reason=reason)
    return replace(record, form=what, reason=FORM_DAMAGES[name].get(what, ""))


def _apart(records: list[Record]) -> list[Record]:
    """Leave a sound frame's beginning between two that have none: nobody could tell the two apart."""
    pairs = zip([None, *records][: len(records)], records, strict=True)
    return [
        replace(record, form="garbage")
        if before is not None and before.form == record.form == "broken magic"
        else record
        for before, record in pairs
    ]


def _unless_seen(record: Record, seen: set[str]) -> Record:
    """Mark a sound record whose id another sound one before it has."""
    if record.reason:
        return record
    if record.values["id"] in seen:
        return replace(record, reason="duplicate_id")
    seen.add(record.values["id"])
    return record


def _written(draw: st.DrawFn, number: int, name: str, records: list[Record]) -> Source:
    content, lines, raws = _WRITERS[name](draw, records)
    is_compressed = draw(st.booleans())
    suffix = {"jsonlines": "jsonl"}.get(name, name) + (".gz" if is_compressed else "")
    folder = draw(st.sampled_from(["", "nested/deep/"]))
    return Source(
        key=f"{number}/{folder}part.{suffix}",
        format=name,
        content=gzip.compress(content, 1) if is_compressed else content,
        records=records,
        lines=lines,
        raws=raws,
    )


_Written = tuple[bytes, list[int], list["bytes | None"]]


def _write_csv(draw: st.DrawFn, records: list[Record]) -> _Written:
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    line_end = draw(st.sampled_from([b"\n", b"\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    columns = draw(st.permutations(NAMES))

    def line_of(values: list[Any]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="").writerow(values)
        return text.getvalue().encode()

    lines = [line_of(list(columns))]
    for record in records:
        line = line_of([_csv_text(record.values[name]) for name in columns])
        separator = delimiter.encode()
        if record.form == "field too many":
            line += separator + b"more"
        elif record.form == "field too few":
            line = line_of([_csv_text(record.values[name]) for name in columns[:-1]])
        elif record.form == "text after a quote":
            line = b'"quoted"text' + separator + line
        elif record.form == "not UTF-8":
            line = b"\xff" + separator.join([b"1"] * len(columns))
        lines.append(line)
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    content = mark + b"".join(line + line_end for line in lines)
    return content, list(range(2, len(lines) + 1)), list(lines[1:])


def _csv_text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _json_object(record: Record) -> bytes:
    values = {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in record.values.items()
    }
    text = json.dumps(values, ensure_ascii=len(record.values["id"] or "") % 2 == 0).encode()
    changed = {
        "cut off": text[:-1],
        "no object": b"[1, 2]",
        "text after the end": text + b" }",
        "a key twice": text[:-1] + b', "x": 1}',
        "not UTF-8": text[:-1] + b', "y": "\xff"}',
    }
    return changed.get(record.form, text)


def _write_json_lines(draw: st.DrawFn, records: list[Record]) -> _Written:
    line_end = draw(st.sampled_from([b"\n", b"\r\n"]))
    raws: list[bytes | None] = [_json_object(record) for record in records]
    content = b"".join((raw or b"") + line_end for raw in raws)
    return content, list(range(1, len(raws) + 1)), raws


def _write_json_array(draw: st.DrawFn, records: list[Record]) -> _Written:
    before = draw(st.sampled_from([b"", b" ", b"\n", b"\n  "]))
    content, lines = draw(st.sampled_from([b"", b" \n"])) + b"[", []
    raws: list[bytes | None] = [_json_object(record) for record in records]
    for number, raw in enumerate(raws):
        content += (b"," if number else b"") + before
        lines.append(content.count(b"\n") + 1)
        content += raw or b""
    return content + b"\n]\n", lines, raws


def _write_parquet(draw: st.DrawFn, records: list[Record]) -> _Written:
    number_type = draw(st.sampled_from([pa.float64(), pa.float32()]))
    types = {"x": number_type, "n": pa.float64(), "day": pa.date32()}
    columns = {
        name: pa.array([record.values[name] for record in records], types.get(name, pa.string()))
        for name in draw(st.permutations(NAMES))
    }
    if draw(st.booleans()):
        columns = {**columns, "kind": columns["kind"].dictionary_encode()}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, row_group_size=draw(st.integers(1, 5)))
    return sink.getvalue(), list(range(1, len(records) + 1)), [None] * len(records)


def _write_recordio(_draw: st.DrawFn, records: list[Record]) -> _Written:
    raws: list[bytes | None] = []
    for record in records:
        values = record.values
        entries = {name: _recordio_value(values[name]) for name in NAMES[1:] if values[name] is not None}
        entries.setdefault("x", [math.nan])  # a record without any feature is no record of this contract
        raw = framed(named_record(entries, uid=values["id"]))
        if record.form == "garbage":
            raw = framed(b"\x0f" + base64.b64encode(raw))
        elif record.form == "broken magic":
            raw = b"\x00\x00\x00\x00" + raw[4:]
        raws.append(raw)
    return b"".join(raw or b"" for raw in raws), list(range(1, len(raws) + 1)), raws


def _recordio_value(value: Any) -> Any:
    """Return a number as it is, and anything else as bytes."""
    if isinstance(value, (int, float)):
        return [float(value)]
    return _csv_text(value).encode()


_WRITERS: dict[str, Callable[[st.DrawFn, list[Record]], _Written]] = {
    "csv": _write_csv,
    "jsonlines": _write_json_lines,
    "json": _write_json_array,
    "parquet": _write_parquet,
    "recordio": _write_recordio,
}
