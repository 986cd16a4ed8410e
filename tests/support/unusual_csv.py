"""Sources of CSV that are written unusually, with values in many spellings; some records are damaged.

What must become of a record is not known here: two readers are to be compared.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

CONTRACT = """
fields:
  - {name: record, type: integer}
  - {name: id, type: string, constraints: {required: true, minLength: 2, maxLength: 6}}
  - {name: kind, type: string, categories: [a, b, "a longer text than 16 bytes", "é"]}
  - {name: count, type: integer, constraints: {minimum: -5, maximum: 99}}
  - {name: big, type: integer}
  - {name: amount, type: number, constraints: {required: true, minimum: -1000, maximum: 1000.5}}
  - {name: scored, type: number}
  - {name: kept, type: number}
  - {name: flag, type: boolean}
  - {name: day, type: date, constraints: {minimum: 2000-01-01}}
  - {name: born, type: date}
  - {name: moment, type: datetime, constraints: {maximum: "2030-01-01T00:00:00Z"}}
  - {name: seen, type: datetime}
  - {name: code, type: string, constraints: {pattern: "[A-Z]+-?[0-9]{2,3}"}}
  - {name: hard, type: string, constraints: {pattern: "(?i)x.*$"}}
  - {name: grade, type: integer, constraints: {enum: [1, 2, 3]}}
  - {name: rate, type: number, constraints: {enum: [0, 0.5]}}
  - {name: size, type: string, constraints: {enum: [S, M, "it's"]}}
  - {name: label, type: boolean, constraints: {required: true}}
primaryKey: id
missingValues: ["", "NA", "?"]
dialect: {delimiter: DELIMITER}
scoring: {features: [kind, count, amount, scored, flag, grade], label: label, duplicateIds: POLICY}
"""
"""`record` is the number of a record in its source, from 0, so that it can be found again."""

_TEXTS = st.text("abX1 é€,;|\t\"'\n\r\0", max_size=8)
_WIDE = st.integers(100, 3000).map(lambda count: "é" * count)
_INTEGERS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.integers(-200, 200).map(str),
    st.from_regex(r"\A[+-]?[0-9]{0,22}\Z"),
    st.sampled_from(
        ["+7", "007", "-0", "1.0", "1e3", "0x1F", "0b1", "1_000", " 1", "1 ", "٣", "--1", "-", "1,0"]
    ),
)
_NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-2000, 2000).map(repr),
    st.from_regex(r"\A[+-]?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{0,4})?\Z"),
    st.sampled_from(
        ["NaN", "inf", "-Infinity", "1e999", "1e-999", "1e39", "-.5", "5.", ".", "+1", "0x1", "-0"]
    ),
    st.sampled_from(["1_0", " 1", "1 ", "1e", "+-1", "1,5", "1d"]),
)
_BOOLEANS = st.sampled_from(
    [
        "true",
        "True",
        "TRUE",
        "1",
        "false",
        "False",
        "FALSE",
        "0",
        "tRuE",
        "t",
        "f",
        "yes",
        "no",
        "y",
        "on",
        "2",
    ]
)
_DATES = st.one_of(
    st.dates().map(str),
    st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z"),
    st.sampled_from(["0000-01-01", "10000-01-01", "2024-1-1", "2024/01/01", " 2024-01-01", "20240101"]),
    st.sampled_from(["2024-01-01 (BC)", "infinity", "epoch", "2024-01-01T00:00:00"]),
)
_MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.from_regex(
        r"\A(0001|2024|9999)-(01|12)-(01|31)T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
        r"(\.[0-9]{0,7})?(Z|[+-][0-2][0-9]:[0-6][0-9])?\Z"
    ),
    st.sampled_from(["2024-01-01 00:00:00", "2024-01-01", "2024-01-01T24:00:00", "2024-01-01t00:00:00z"]),
    st.sampled_from(["2024-01-01T00:00:00+01", "2024-01-01T00:00:00 UTC", "0000-01-01T00:00:00", "infinity"]),
    st.sampled_from(
        ["2030-01-01T00:00:00.000001Z", "2030-01-01T00:59:59+01:00", "2029-12-31T23:00:01-01:00"]
    ),
)
_MISSING = st.sampled_from(["", "NA", "?", "na", " "])

SOUND = {
    "kind": "a",
    "count": "7",
    "big": "-12",
    "amount": "1.5",
    "scored": "2e3",
    "kept": "0.25",
    "flag": "true",
    "day": "2024-02-29",
    "born": "0001-01-01",
    "moment": "2024-01-01T00:00:00Z",
    "seen": "2024-01-01T12:30:00.5+05:30",
    "code": "AB-12",
    "hard": "Xy",
    "grade": "1",
    "rate": "0.5",
    "size": "S",
    "label": "0",
}
NEAR_BOUNDS = {
    "id": ["i", "ii", "iiiiii", "iiiiiii", "üüüüüü", "üüüüüüü"],
    "count": ["-6", "-5", "99", "100"],
    "big": [str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), str(10**18 - 1), str(10**18)],
    "amount": ["-1000", "-1000.0000000000001", "-1001", "1000.5", "1000.5000000000001", "1001"],
    "scored": ["3.4028234663852886e38", "3.402823466385289e38", "-3.4028234663852886e38", "-3.41e38"],
    "kept": ["1.7976931348623157e308", "1.7976931348623159e308", "5e-324", "9007199254740993"],
    "day": ["1999-12-31", "2000-01-01"],
    "born": [
        "0000-12-31",
        "0001-01-01",
        "9999-12-31",
        "2023-02-28",
        "2023-02-29",
        "2000-02-29",
        "1900-02-29",
    ],
    "moment": ["2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000001Z", "2029-12-31T23:00:01-01:00"],
    "seen": ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01"],
    "code": ["A-1", "A-12", "A123", "A1234", "-12"],
    "grade": ["0", "1", "3", "4"],
}
"""Values on either side of where a rule begins to hold."""

ODD: dict[str, st.SearchStrategy[str]] = {
    "id": st.one_of(_TEXTS, _WIDE, st.sampled_from(["i1", "same", "ünïcöd", "a\nb", "a\0b", "toolong1"])),
    "kind": st.one_of(
        _TEXTS, st.sampled_from(["b", "a longer text than 16 bytes", "a longer word than 16 bytes", "é"])
    ),
    "count": _INTEGERS,
    "big": _INTEGERS,
    "amount": _NUMBERS,
    "scored": _NUMBERS,
    "kept": _NUMBERS,
    "flag": _BOOLEANS,
    "day": _DATES,
    "born": _DATES,
    "moment": _MOMENTS,
    "seen": _MOMENTS,
    "code": st.one_of(_TEXTS, st.from_regex(r"\A[A-Z]{1,3}-?[0-9]{1,4}\Z", alphabet="ABZ-0129")),
    "hard": st.one_of(_TEXTS, st.sampled_from(["x", "XX", "x\n", "x\ny", "yx"])),
    "grade": st.one_of(_INTEGERS, st.sampled_from(["2", "3", "4", "+1", "01"])),
    "rate": st.one_of(_NUMBERS, st.sampled_from(["0", "-0", "0.50", "5e-1", "0.51"])),
    "size": st.one_of(_TEXTS, st.sampled_from(["M", "it's", "s"])),
    "label": _BOOLEANS,
}


@dataclass(frozen=True, kw_only=True)
class WrittenCsv:
    """A source and how it is written.

    Attributes:
        content: In UTF-8.
        delimiter: Between fields.
        starts: Position of the first byte of each record.
    """

    content: bytes
    delimiter: str
    starts: list[int]


Damage = Callable[[bytes, bytes], bytes]
"""Takes a sound line without its end, and the delimiter."""

DAMAGES: dict[str, Damage] = {
    "a field too many": lambda line, delimiter: line + delimiter + b"more",
    "a field too few": lambda line, delimiter: line[: line.rindex(delimiter)],
    "one field": lambda _line, _: b"7",
    "white space": lambda _line, _: b"  ",
    "text after a quote": lambda line, delimiter: line + delimiter + b'"quoted"text',
    "text after the last quote": lambda line, delimiter: line[: line.rindex(delimiter) + 1] + b'"0"0',
    "not UTF-8": lambda line, delimiter: line[: line.rindex(delimiter) + 1] + b"\xff",
    "half a character": lambda line, delimiter: line[: line.rindex(delimiter) + 1] + b"\xc3",
}


@st.composite
def texts_in_csv(draw: st.DrawFn, names: Sequence[str], encoding: str = "utf-8") -> WrittenCsv:
    """Draw a well-formed source: `record` is its first column, the others are any text."""
    columns = ["record", *names]
    count = draw(st.integers(0, 8))
    alphabet = "ab1 é,;|\t\"'\n\r" + ("" if encoding == "latin-1" else "€\U0001f600\0")
    texts = st.text(alphabet, max_size=8) | st.sampled_from(["", "NA", "?"]) | _WIDE
    rows = [[str(number), *(draw(texts) for _ in names)] for number in range(count)]
    return draw(_written([columns, *rows], {}))


@st.composite
def records_in_csv(draw: st.DrawFn, largest_count: int = 40) -> WrittenCsv:
    """Draw a source for CONTRACT: records with up to two odd values, and some that are damaged.

    Where something odd stands is left to chance: what Hypothesis draws is mostly alike.
    """
    chance = random.Random(draw(st.integers(0, 2**64 - 1)))  # noqa: S311 - nothing secret about it
    rows, damages = [], {}
    for number in range(draw(st.integers(0, largest_count))):
        values = {}
        for name in chance.sample(list(ODD), chance.choice([0, 1, 1, 2])):
            is_near = name in NEAR_BOUNDS and chance.random() < 0.4
            values[name] = chance.choice(NEAR_BOUNDS[name]) if is_near else draw(ODD[name] | _MISSING)
        rows.append(record(number, values))
        if chance.random() < 0.1:
            damages[number] = chance.choice(list(DAMAGES.values()))
    return draw(_written([["record", "id", *SOUND], *rows], damages))


def record(number: int, values: Mapping[str, str]) -> list[str]:
    """Return the fields of a record of CONTRACT that is sound but for these values."""
    return list({"record": str(number), "id": f"i{number}", **SOUND, **values}.values())


def records_near_bounds(delimiter: str) -> WrittenCsv:
    """Return a source with a record for every value in NEAR_BOUNDS."""
    values = [{name: value} for name, near in NEAR_BOUNDS.items() for value in near]
    rows = [record(number, one) for number, one in enumerate(values)]
    lines = [delimiter.join(row).encode() + b"\n" for row in [["record", "id", *SOUND], *rows]]
    starts = [sum(map(len, lines[:number])) for number in range(1, len(lines))]
    return WrittenCsv(content=b"".join(lines), delimiter=delimiter, starts=starts)


@st.composite
def _written(draw: st.DrawFn, rows: list[list[str]], damages: dict[int, Damage]) -> WrittenCsv:
    """Write rows, the header first; line ends are of one kind, as DuckDB needs it."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    line_end = draw(st.sampled_from([b"\n", b"\r\n"]))
    content, starts = b"", []
    chance = random.Random(draw(st.integers(0, 2**64 - 1)))  # noqa: S311 - nothing secret about it
    for number, row in enumerate(rows, start=-1):
        quoted_share = chance.choice([0, 0, 1, 2])
        texts = [
            _field(text, delimiter, is_quoted=quoted_share > 0 and (index + number) % quoted_share == 0)
            for index, text in enumerate(row)
        ]
        line = delimiter.join(texts).encode()
        line = damages[number](line, delimiter.encode()) if number in damages else line
        content += line_end * chance.choice([0, 0, 0, 1, 2]) if number >= 0 else b""
        starts += [len(content)] if number >= 0 else []
        content += line + line_end
    is_ended = draw(st.booleans())
    return WrittenCsv(
        content=content if is_ended else content.removesuffix(line_end), delimiter=delimiter, starts=starts
    )


def _field(text: str, delimiter: str, *, is_quoted: bool) -> str:
    """Return a field as it is written: in quotes if it must be, or shall be."""
    must_be_quoted = text.lstrip(" ").startswith('"') or any(
        character in text for character in (delimiter, "\r", "\n")
    )
    return '"' + text.replace('"', '""') + '"' if is_quoted or must_be_quoted else text
