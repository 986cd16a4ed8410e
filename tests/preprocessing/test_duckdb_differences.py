"""Where DuckDB is known to read CSV in another way than we do: what it does, and what we do instead.

DIFFERENCES has the reason why we do not follow it; each has a test, which fails when DuckDB changes.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import duckdb
import pytest
from duckdb_oracle import REJECTED, Form, Reading, connection, read
from judged_csv import NAMES, TEXTS, checked_blocks, contract_of, valid_rows
from unusual_csv import CONTRACT, SOUND

from benchmarks.contract_in_sql import TYPES

DIFFERENCES = {
    "spellings": "it takes ` 1`, `1.5` and `0x1F` for integers, `yes` for true; here all are plain",
    "not_finite": "it takes NaN, infinity and what overflows for numbers; no bound can be compared with them",
    "years": "it has years before 0001 and after 9999, and `infinity`; Python has none of them",
    "times": "it cuts a seventh digit of seconds, and takes 24:00 and 24 hours of zone; here they are wrong",
    "mixed_line_ends": "it refuses a source with both, if it is strict; here each line ends as it does",
    "lone_return": "it refuses the source; here the record is held back and the others are read",
    "unclosed_quote": "it holds back all that follows as one record; here the record ends with its line",
    "quote_after_spaces": "it takes one for an opening one; here, as in RFC 4180, none follows a space",
    "spaces_after_a_quote": "it drops them; here text after a closing quote is a fault of the record",
    "empty_fields_too_many": "it drops missing values beyond the last column; here they are too many",
    "blank_lines_first": "it takes a blank first line for the header; here a blank line is nothing",
    "several_faults": "it names every fault of a record; here it has one reason, its message the others",
    "position": "it counts blank lines to the record after them; here a record begins with its own bytes",
}


def test_every_known_difference_has_a_test() -> None:
    tests = {
        name.removeprefix("test_difference_") for name in globals() if name.startswith("test_difference_")
    }

    assert tests == set(DIFFERENCES)


FIELDS = contract_of(CONTRACT, DELIMITER=",", POLICY="keepFirst").fields
POSITIONS = {entry.name: position for position, entry in enumerate(FIELDS)}


def differing(name: str, text: str) -> tuple[Any, str]:
    """Return DuckDB's value of a text in the field `name`, and the reason why both our ways hold it back."""
    values = {"record": "0", "id": "i0", **SOUND, name: text}
    content = ",".join(values).encode() + b"\n" + ",".join(f'"{value}"' for value in values.values()).encode()
    theirs = read(content, {entry.name: TYPES[entry.type] for entry in FIELDS}, Form())
    ((_, reason),) = held_back_by_both(content, CONTRACT)
    return theirs.rows[0][POSITIONS[name]], reason


def held_back_by_both(content: bytes, contract_text: str, **values: Any) -> list[tuple[int, str]]:
    """Return first byte and reason of what is held back, the same with and without the extension."""
    contract = contract_of(contract_text, **{"DELIMITER": ",", "POLICY": "keepFirst", **values})
    found = [
        [
            (record.place.byte_offset or 0, record.reason.value)
            for block in checked_blocks(content, contract, is_native=is_native, block_bytes=1 << 20)
            for record in block.quarantined
        ]
        for is_native in (True, False)
    ]
    assert found[0] == found[1]
    return found[0]


def read_by_both(content: bytes) -> tuple[list[tuple[Any, ...]], list[tuple[int, str]]]:
    """Return the valid records `record`, `one`, `two`, `three` of a source, and what is held back."""
    contract = contract_of(TEXTS, MISSING=(), DELIMITER=",", ENCODING="utf-8")
    held_back = held_back_by_both(content, TEXTS, MISSING=(), ENCODING="utf-8")
    blocks = checked_blocks(content, contract, is_native=True, block_bytes=1 << 20)
    return [row for block in blocks for row in valid_rows(block.valid, contract)], held_back


def read_by_duckdb(content: bytes, **changes: Any) -> Reading:
    columns = {"record": "BIGINT", **dict.fromkeys(NAMES, "VARCHAR")}
    return read(content, columns, Form(**{"missing": (), **changes}))


HEADER = b"record,one,two,three\n"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", " 1", 1),
        ("count", "1.5", 2),
        ("count", "1e1", 10),
        ("count", "0x1F", 31),
        ("count", "1_0", 10),
        ("kept", " 1", 1.0),
        ("kept", "1_0", 10.0),
        ("kept", "+-1", -1.0),
        ("flag", "yes", True),
        ("flag", "f", False),
        ("flag", "tRuE", True),
        ("born", "2024-1-1", dt.date(2024, 1, 1)),
        ("born", "2024/01/01", dt.date(2024, 1, 1)),
        ("born", "2024-01-01T00:00:00", dt.date(2024, 1, 1)),
        ("born", "epoch", dt.date(1970, 1, 1)),
        ("seen", "1970-01-01", 0),
        ("seen", "1970-01-01 00:00:01", 1_000_000),
        ("seen", "1970-01-01T00:00:01+00", 1_000_000),
        ("seen", "1970-01-01T00:00:01 UTC", 1_000_000),
    ],
)
def test_difference_spellings(name: str, text: str, value: Any) -> None:
    assert differing(name, text) == (value, "wrong_type")


@pytest.mark.parametrize(("text", "value"), [("NaN", math.nan), ("inf", math.inf), ("1e999", math.inf)])
def test_difference_not_finite(text: str, value: float) -> None:
    theirs, reason = differing("kept", text)

    assert (repr(theirs), reason) == (repr(value), "wrong_type")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("born", "0000-01-01"),
        ("born", "10000-01-01"),
        ("born", "infinity"),
        ("seen", "0001-01-01T00:00:00+01:00"),
        ("seen", "9999-12-31T23:59:59-01:00"),
    ],
)
def test_difference_years(name: str, text: str) -> None:
    theirs, reason = differing(name, text)

    assert theirs is not None
    assert reason == "wrong_type"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1970-01-01T00:00:00.1234567", 123_456),
        ("1970-01-01T24:00:00", 86_400_000_000),
        ("1970-01-02T00:00:00+24:00", 0),
    ],
)
def test_difference_times(text: str, value: int) -> None:
    assert differing("seen", text) == (value, "wrong_type")


def test_difference_mixed_line_ends() -> None:
    content = HEADER + b"0,a,b,c\r\n1,d,e,f\n"
    rows = [(0, "a", "b", "c"), (1, "d", "e", "f")]

    assert read_by_both(content) == (rows, [])
    assert read_by_duckdb(content, is_strict=False).rows == rows
    with pytest.raises(duckdb.InvalidInputException, match="invalid state"):
        read_by_duckdb(content)


def test_difference_lone_return() -> None:
    content = HEADER + b"0,a,b\r,c\n1,d,e,f\n"

    assert read_by_both(content) == ([(1, "d", "e", "f")], [(len(HEADER), "malformed_record")])
    with pytest.raises(duckdb.InvalidInputException, match="invalid state"):
        read_by_duckdb(content)


def test_difference_unclosed_quote() -> None:
    content = HEADER + b'0,a,b,"c\n1,d,e,f\n'

    assert read_by_both(content) == ([(1, "d", "e", "f")], [(len(HEADER), "malformed_record")])
    assert read_by_duckdb(content) == Reading(rows=[], rejected={len(HEADER): {"UNQUOTED VALUE"}})


def test_difference_quote_after_spaces() -> None:
    content = HEADER + b'0,a, "b,c"\n'

    assert read_by_both(content) == ([(0, "a", ' "b', 'c"')], [])
    assert read_by_duckdb(content).rejected == {len(HEADER): {"MISSING COLUMNS"}}


def test_difference_spaces_after_a_quote() -> None:
    content = HEADER + b'0,a,"b"  ,c\n'

    assert read_by_both(content) == ([], [(len(HEADER), "malformed_record")])
    assert read_by_duckdb(content).rows == [(0, "a", "b", "c")]


@pytest.mark.parametrize("more", [b",", b',""', b",,"])
def test_difference_empty_fields_too_many(more: bytes) -> None:
    content = HEADER + b"0,a,b,c" + more + b"\n"

    assert read_by_both(content) == ([], [(len(HEADER), "wrong_field_count")])
    assert read_by_duckdb(content, missing=("",)).rows == [(0, "a", "b", "c")]


def test_difference_blank_lines_first() -> None:
    content = b"\n" + HEADER + b"0,a,b,c\n"

    assert read_by_both(content) == ([(0, "a", "b", "c")], [])
    assert read_by_duckdb(content).rejected == {1: {"CAST"}}


def test_difference_several_faults() -> None:
    content = HEADER + b"x,a,b,c,d\n"

    assert read_by_both(content) == ([], [(len(HEADER), "wrong_field_count")])
    assert read_by_duckdb(content).rejected == {len(HEADER): {"CAST", "TOO MANY COLUMNS"}}


def test_difference_position() -> None:
    content = HEADER + b"0,a,b,c\n\n\nx,d,e,f\n"
    start = content.index(b"x")

    assert read_by_both(content)[1] == [(start, "wrong_type")]
    assert read_by_duckdb(content).rejected == {start: {"CAST"}}
    assert connection().execute(REJECTED).fetchall() == [(start - 2, "CAST")]
