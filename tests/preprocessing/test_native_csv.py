"""The native reader and the library path give the same records and the same faults, whatever the bytes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from preparation import run_prepare

from contracts.contract_file import parse_contract, whole_value_pattern
from contracts.dataset import DatasetContract
from contracts.repeated_digests import dealt_out
from preprocessing import csv_engine
from preprocessing.checked_block import CheckedBlock, check_block
from preprocessing.csv_blocks import read_csv_blocks
from preprocessing.csv_fast import read_plain_records
from preprocessing.csv_parse import CsvBlock
from preprocessing.csv_scan import scan_natively, scan_with_library
from preprocessing.csv_text import open_text
from preprocessing.id_watch import IdWatch
from preprocessing.pattern_states import BYTE_COUNT, pattern_states
from preprocessing.records import OpenSource
from preprocessing.typed_values import typed_values

pytestmark = pytest.mark.skipif(not csv_engine.is_native(), reason="the native CSV reader was not built")

CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true, minLength: 2, maxLength: 6}}
  - {name: kind, type: string, categories: [a, b, "a longer text than 16 bytes", "é"]}
  - {name: answer, type: string, categories: ["No", "Yes", "12345678"]}
  - {name: line, type: string, categories: ["DSL", "sixteen letters!", "seventeen", "no internet"]}
  - {name: count, type: integer, constraints: {minimum: -5, maximum: 99}}
  - {name: amount, type: number, constraints: {required: true, maximum: 1000.5}}
  - {name: flag, type: boolean}
  - {name: day, type: date, constraints: {minimum: 2000-01-01}}
  - {name: moment, type: datetime, constraints: {maximum: "2030-01-01T00:00:00Z"}}
  - {name: code, type: string, constraints: {pattern: "[A-Z]+-?[0-9]{2,3}"}}
  - {name: grade, type: integer, constraints: {enum: [1, 2, 3]}}
  - {name: hard, type: string, constraints: {pattern: "(?i)x+$"}}
  - {name: label, type: boolean, constraints: {required: true}}
primaryKey: id
missingValues: ["", "NA", "?"]
scoring: {features: [kind, answer, line, count, amount, flag, grade], label: label}
"""

VALUES = {
    "id": ["id1", "ünï", "x", "toolong1", 'a"b', "a,b", "a\nb", "a\r\nb", "NA"],
    "kind": ["a", "a longer text than 16 bytes", "a longer word than 16 bytes", "é", "A", "", "?"],
    "answer": ["No", "12345678", "Yes", "N", "Yes\0", "123456789", "12345678901234567", "no", "", "NA"],
    "line": [
        "DSL",
        "sixteen letters!",
        "sixteen letters?",
        "seventeen",
        "seventee",
        "DSL\0",
        "no internet",
        "",
    ],
    "count": ["0", "-5", "-6", "99", "100", "+7", "007", "1.0", " 1", "12345678901234567890", "-0", ""],
    "amount": [
        "1",
        "1.5",
        "-.5",
        "5.",
        ".",
        "-.",
        "1.2.3",
        "12345.67",
        "1234.567",
        "99.99x",
        "1e2",
        "1E-7",
        "1000.5",
        "1000.6",
        "1e39",
        "NaN",
        "inf",
        "",
        "+1",
        "0x1",
    ],
    "flag": ["true", "True", "TRUE", "1", "false", "False", "FALSE", "0", "yes", "truE", ""],
    "day": ["2000-01-01", "1999-12-31", "2024-02-29", "2023-02-29", "0000-01-01", "2024-1-1", ""],
    "moment": [
        "2024-01-01T00:00:00",
        "2029-12-31T23:59:59.999999Z",
        "2030-01-01T01:00:00+01:00",
        "2030-01-02T00:00:00Z",
    ],
    "code": ["AB-12", "A123", "a12", "AB-1", "A1234", ""],
    "grade": ["1", "3", "4", ""],
    "hard": ["x", "XX", "y", ""],
    "label": ["true", "0", "", "maybe"],
}

BYTES = st.lists(
    st.sampled_from([b"a", b"1", b",", b'"', b"\r", b"\n", b"\r\n", b'""', b'","', b"\xc3\xa9", b"\xff"])
)


@settings(max_examples=settings().max_examples * 10)
@given(pieces=BYTES, is_last=st.booleans(), max_record_bytes=st.integers(1, 12))
def test_both_scans_find_the_same_records_and_faults(
    pieces: list[bytes], is_last: bool, max_record_bytes: int
) -> None:
    """If more may come, one may know a record's end earlier than the other; none knows a different one."""
    content = b"".join(pieces)
    arguments: dict[str, Any] = {
        "is_last": is_last,
        "max_record_bytes": max_record_bytes,
        "delimiter": b",",
    }
    native, library = scan_natively(content, **arguments), scan_with_library(content, **arguments)
    count = min(len(native.starts), len(library.starts))
    assert native.starts[:count].tolist() == library.starts[:count].tolist()
    assert native.ends[:count].tolist() == library.ends[:count].tolist()
    for index in range(count):
        assert native.faults.get(index) == library.faults.get(index)
    line_feeds = [index for index, value in enumerate(content[: native.consumed_byte_count]) if value == 10]
    assert native.line_feeds.tolist() == line_feeds
    if is_last:
        assert len(native.starts) == len(library.starts)
        assert native.consumed_byte_count == library.consumed_byte_count


@settings(max_examples=settings().max_examples * 3)
@given(pieces=BYTES, block_bytes=st.integers(1, 40))
def test_no_record_depends_on_where_a_read_ends(pieces: list[bytes], block_bytes: int) -> None:
    """Both scans, fed with few bytes at a time, give the records of the whole."""
    contract = parse_contract(HEADERLESS, name="contract.yaml")
    content = b"".join(pieces)
    whole = records(content, contract, block_bytes=len(content) + 1)
    assert records(content, contract, block_bytes=block_bytes) == whole
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_engine, "native_csv", None)
        assert records(content, contract, block_bytes=block_bytes) == whole


HEADERLESS = b"""
fields: [{name: a, type: string}, {name: b, type: string, categories: [a]}]
primaryKey: a
dialect: {header: false, delimiter: ","}
scoring: {features: [b]}
"""


def records(content: bytes, contract: DatasetContract, *, block_bytes: int) -> list[tuple[Any, ...]]:
    """Return place and fault of every record."""
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content), bytes_done=lambda: 0)
    return [
        (block.place(index), block.faults.get(index))
        for block in read_csv_blocks(source, contract, max_record_bytes=12, block_bytes=block_bytes)
        for index in range(block.record_count)
    ]


@st.composite
def written_records(draw: st.DrawFn) -> bytes:
    """CSV below the contract's header: records with up to two odd values, some with a byte too many."""
    names = list(VALUES)
    lines = [",".join(names).encode() + b"\n"]
    for _ in range(draw(st.integers(0, 150))):
        values = {name: options[0] for name, options in VALUES.items()}
        for name in draw(st.lists(st.sampled_from(names), max_size=2)):
            values[name] = draw(st.sampled_from(VALUES[name]))
        sink = io.StringIO()
        quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        line_end = draw(st.sampled_from(["\n", "\r\n"]))
        csv.writer(sink, quoting=quoting, lineterminator=line_end).writerow(values.values())
        line = sink.getvalue().encode()
        if draw(st.integers(0, 3)) == 0:
            at, more = draw(st.integers(0, len(line))), draw(MORE)
            line = line[:at] + more + line[at:]
        lines.append(line)
    return b"".join(lines)


LONG_BYTES = st.lists(
    st.sampled_from(
        [b"x" * 70, b"y" * 63 + b"\n", b"1,2\r\n", b",", b'"', b"\r", b"\n", b"\n\r\n", b'","', b"\xff"]
    ),
    max_size=40,
)


@settings(max_examples=settings().max_examples * 3)
@given(pieces=LONG_BYTES, max_record_bytes=st.sampled_from([64, 70, 1000]))
def test_both_scans_agree_where_lines_are_longer_than_what_is_marked_at_once(
    pieces: list[bytes], max_record_bytes: int
) -> None:
    """Plain lines are passed by without a look at each; what is odd among them must not be."""
    arguments: dict[str, Any] = {
        "is_last": True,
        "max_record_bytes": max_record_bytes,
        "delimiter": b",",
    }
    native, library = (scan(b"".join(pieces), **arguments) for scan in (scan_natively, scan_with_library))
    assert native.starts.tolist() == library.starts.tolist()
    assert native.ends.tolist() == library.ends.tolist()
    assert native.line_feeds.tolist() == library.line_feeds.tolist()
    assert native.faults == library.faults


MORE = st.sampled_from([b",", b'"', b"\r", b"\n", b"\xff", b"\xc3", b"\0", b"a", b"0", b"\xc3\xa9"])


@settings(max_examples=settings().max_examples * 2)
@given(content=written_records(), wire_name=st.sampled_from(["parquet", "csv"]))
def test_both_ways_judge_every_record_alike(content: bytes, wire_name: str) -> None:
    """Values, null counts, order, reasons, messages and places."""
    contract = parse_contract(CONTRACT.encode(), name="contract.yaml")
    for block in blocks(content, contract):
        native = check_block(block, contract, wire_name, ("hard",))
        assert facts(native) == facts(checked_with_library(block, contract, wire_name, ("hard",)))
        native.valid.validate(full=True)


def blocks(content: bytes, contract: DatasetContract) -> list[CsvBlock]:
    """Scan CSV as it is scanned in a preparation."""
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content), bytes_done=lambda: 0)
    return list(read_csv_blocks(source, contract, max_record_bytes=1000))


def checked_with_library(
    block: CsvBlock, contract: DatasetContract, wire_name: str, kept_names: tuple[str, ...]
) -> CheckedBlock:
    """Judge a block as it is done where the extension was not built."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_engine, "native_csv", None)
        return check_block(block, contract, wire_name, kept_names)


def facts(checked: CheckedBlock) -> tuple[Any, ...]:
    """All that is known of a block's records, comparable."""
    schema = [(entry.name, entry.type, entry.nullable) for entry in checked.valid.schema]
    return schema, checked.valid.to_pylist(), checked.valid_indices.tolist(), checked.quarantined


def one_field(kind: str, rules: str = "") -> DatasetContract:
    """Return a contract in which the field `v` of that type has these rules and is always a value."""
    content = f"""
fields: [{{name: id, type: string}}, {{name: f, type: boolean}}, {{name: v, type: {kind}{rules}}}]
primaryKey: id
missingValues: []
scoring: {{features: [f]}}
"""
    return parse_contract(content.encode(), name="contract.yaml")


def read_texts(texts: list[str], kind: str) -> tuple[list[Any], list[int]]:
    """Return the values that the native reader accepts in a column of texts, and the rows it leaves."""
    contract = one_field(kind)
    content = "id,f,v\n" + "".join(f"i,1,{text}\n" for text in texts)
    found, left = [], []
    for block in blocks(content.encode(), contract):
        plain = read_plain_records(block, contract, "parquet", ("v",))
        assert plain is not None
        found += plain.columns["v"].to_pylist()
        left += plain.others.tolist()
    return found, left


KNOWN = st.text("abé\0 ", max_size=18)


@settings(max_examples=settings().max_examples * 3)
@given(known=st.lists(KNOWN, min_size=1, max_size=200, unique=True), others=st.lists(KNOWN, max_size=80))
def test_a_text_is_found_among_those_that_are_known_and_no_other_is(
    known: list[str], others: list[str]
) -> None:
    """Whatever their sizes, the empty text and texts that end in NUL among them; as positions in the list."""
    contract = one_field("string", f", constraints: {{enum: {json.dumps(known)}}}")
    lines = [f"i,1,{text}\n" for text in [*known, *others]]
    (block,) = blocks(("id,f,v\n" + "".join(lines)).encode(), contract)
    plain = read_plain_records(block, contract, "arrow", ("v",))
    assert plain is not None
    assert plain.columns["v"].type.index_type == (pa.int8() if len(known) <= 128 else pa.int16())
    assert plain.columns["v"].to_pylist() == known + [text for text in others if text in known]


@pytest.mark.parametrize("size", [1, 100, 700, 40_000])
def test_records_of_every_size_are_split_alike(size: int) -> None:
    """Separators are looked for in some kilobytes at once: many records lie there, one, or a part of one."""
    contract = one_field("string", ", constraints: {pattern: '[a-z]*'}")
    texts = ["v" * (size + number % 3) for number in range(130)]
    texts[50:50] = ["W", f'"{"q" * size}"', f"{'é' * size}"]
    lines = [f"i,{number % 2},{text}" for number, text in enumerate(texts)]
    content = "id,f,v\n" + "".join(line + ("\r\n" if len(line) % 3 else "\n\n") for line in lines)
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content.encode()), bytes_done=lambda: 0)
    (block,) = read_csv_blocks(source, contract, max_record_bytes=10**6)
    plain = read_plain_records(block, contract, "parquet", ("v",))
    assert plain is not None
    assert plain.others.tolist() == [50, 52]
    assert plain.columns["v"].to_pylist() == [
        text.strip('"') for number, text in enumerate(texts) if number not in (50, 52)
    ]
    assert plain.columns["f"].to_pylist() == [
        number % 2 == 1 for number in range(len(texts)) if number not in (50, 52)
    ]


def check_against_typed_values(texts: list[str], kind: str) -> list[int]:
    """Check that accepted texts have the careful way's values; return the rows of the others."""
    found, left = read_texts(texts, kind)
    accepted = [text for row, text in enumerate(texts) if row not in left]
    expected = typed_values(pa.array(accepted, type=pa.string()), kind).to_pylist()
    assert [repr(value) for value in found] == [repr(value) for value in expected]  # -0.0 is not 0.0
    return left


@settings(max_examples=settings().max_examples * 3)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_as_python_writes_it_is_read_to_the_last_bit(numbers: list[float]) -> None:
    assert check_against_typed_values([repr(number) for number in numbers], "number") == []


@settings(max_examples=settings().max_examples * 5)
@given(texts=st.lists(st.from_regex(r"\A[+-]?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{0,4})?\Z"), min_size=1))
def test_numbers_in_any_form_have_the_value_of_the_careful_way(texts: list[str]) -> None:
    check_against_typed_values([text for text in texts if text], "number")


@given(numbers=st.lists(st.integers(-(10**18) + 1, 10**18 - 1), min_size=1))
def test_integers_of_up_to_eighteen_digits_are_plain(numbers: list[int]) -> None:
    assert check_against_typed_values([str(number) for number in numbers], "integer") == []


@given(texts=st.lists(st.text("0123456789+-. e", min_size=1, max_size=22), min_size=1))
def test_near_integers_have_the_value_of_the_careful_way(texts: list[str]) -> None:
    check_against_typed_values(texts, "integer")


@given(days=st.lists(st.dates(), min_size=1))
def test_every_date_is_plain(days: list[dt.date]) -> None:
    assert check_against_typed_values([day.isoformat() for day in days], "date") == []


@settings(max_examples=settings().max_examples * 3)
@given(texts=st.lists(st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z"), min_size=1))
def test_near_dates_have_the_value_of_the_careful_way(texts: list[str]) -> None:
    check_against_typed_values(texts, "date")


ZONES = st.sampled_from([None, dt.timezone.utc, dt.timezone(dt.timedelta(hours=-5, minutes=-30))])
MOMENTS = st.builds(
    lambda moment, zone: moment.replace(tzinfo=zone),
    st.datetimes().filter(lambda moment: 1 < moment.year < 9999),
    ZONES,
)


@given(moments=st.lists(MOMENTS, min_size=1))
def test_every_moment_is_plain(moments: list[dt.datetime]) -> None:
    assert check_against_typed_values([moment.isoformat() for moment in moments], "datetime") == []


MOMENT_TEXTS = st.from_regex(
    r"\A(0001|2024|9999)-(01|12)-(01|31)T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,7})?(Z|[+-][0-2][0-9]:[0-6][0-9])?\Z"
)


@settings(max_examples=settings().max_examples * 5)
@given(texts=st.lists(MOMENT_TEXTS, min_size=1))
def test_near_moments_have_the_value_of_the_careful_way(texts: list[str]) -> None:
    check_against_typed_values(texts, "datetime")


SHORT_TEXT = st.text(max_size=100)
"""Two of them fit into the largest record that `blocks` allows."""


@given(texts=st.lists(st.tuples(SHORT_TEXT, SHORT_TEXT), min_size=1))
def test_quoted_text_comes_out_as_the_csv_module_wrote_it(texts: list[tuple[str, str]]) -> None:
    """Any text but surrogates, with quotes, delimiters and line ends in it."""
    contract = one_field("string")
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [["id", "f", "v"], *([first, "1", second] for first, second in texts)]
    )
    rows = []
    for block in blocks(sink.getvalue().encode(), contract):
        plain = read_plain_records(block, contract, "parquet", ("v",))
        assert plain is not None
        assert not len(plain.others)
        rows += pa.table(plain.columns).select(["id", "v"]).to_pylist()
    assert rows == [{"id": first, "v": second} for first, second in texts]


ATOMS = st.sampled_from(["a", "b", "-", r"\.", ".", "[ab]", "[^a]", "[a-c-]", r"\d", r"\w", r"[\d_]", r"\W"])
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{0}", "{1,3}", "{2,}", "{0,2}"])
PATTERNS = st.recursive(
    st.builds(str.__add__, ATOMS, REPEATS),
    lambda inner: st.one_of(
        st.builds(str.__add__, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, REPEATS),
    ),
    max_leaves=6,
)


@settings(max_examples=settings().max_examples * 5)
@given(pattern=PATTERNS, texts=st.lists(st.text("ab-.c1_\n\0 ", max_size=8), min_size=1, max_size=30))
def test_the_states_of_a_pattern_accept_what_re2_matches(pattern: str, texts: list[str]) -> None:
    states = pattern_states(pattern)
    assert states is not None
    matches = pc.match_substring_regex(pa.array(texts), whole_value_pattern(pattern)).to_pylist()
    assert [accepts(states.following, states.accepting, text) for text in texts] == matches


def accepts(following: bytes, accepting: bytes, text: str) -> bool:
    """Follow the states of a pattern."""
    state = 1
    for byte in text.encode():
        state = following[state * BYTE_COUNT + byte]
    return bool(accepting[state])


@pytest.mark.parametrize(
    "pattern",
    ["^a$", "(?i)a", "é", r"\pL", "[[:alpha:]]", "a*?", r"\bx", "x{2,1}", "(a{50}){50}", "[b-a]", "("],
)
def test_what_is_not_simple_is_left_to_re2(pattern: str) -> None:
    assert pattern_states(pattern) is None


PLAN = (0, 0, True, True, 0, 0, 0.0, 0.0, 0, 10, False, b"", b"", ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({0: 1}, "outside the record"),
        ({1: 7}, "unknown kind"),
        ({11: b"\0" * 256}, "not of one number"),
        ({11: b"\2" * 256, 12: b"\0\1"}, "a state that is none"),
    ],
)
def test_a_plan_that_would_lead_out_of_bounds_is_refused(changes: dict[int, Any], message: str) -> None:
    fields = tuple(changes.get(index, value) for index, value in enumerate(PLAN))
    with pytest.raises(ValueError, match=message):
        csv_engine.native_csv.plan((fields,), 1, ord(","), True, ())


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 5)])
def test_records_outside_the_content_are_refused(start: int, end: int) -> None:
    plan = csv_engine.native_csv.plan((PLAN,), 1, ord(","), True, ())
    starts, ends = np.array([start]), np.array([end])
    with pytest.raises(ValueError, match="outside the content"):
        csv_engine.native_csv.read(plan, b"abcd", starts.data, ends.data, bytes(1))


@given(
    texts=st.lists(st.text("aé\0", max_size=40) | st.just("i" * 600), max_size=300), start=st.integers(0, 9)
)
def test_ids_are_dealt_out_as_by_the_library(texts: list[str], start: int) -> None:
    """The same digests in the same order of the same parts; those of ids in a slice too."""
    ids = pa.chunked_array([pa.array(texts, pa.string()).slice(start)])
    with tempfile.TemporaryDirectory() as folder, IdWatch(Path(folder)) as watch:
        native, library = watch.digests(ids), dealt_out(watch.digester.quick(ids))
    assert native.digests.tolist() == library.digests.tolist()
    assert native.bounds.tolist() == library.bounds.tolist()


@pytest.mark.parametrize("offsets", [[], [0, 5], [-1, 2], [2, 1], [0, 9, 4]])
def test_texts_outside_their_bytes_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"offsets|text"):
        csv_engine.native_csv.deal_out(b"abcd", np.array(offsets, dtype=np.int32).data, 1)


def test_a_delimiter_at_the_end_of_a_record_is_followed_by_one_more_field() -> None:
    plan = csv_engine.native_csv.plan((PLAN,), 2, ord(","), True, ())
    content, starts, ends = b"a,b,c\n" + b"d,e\n" * 9, np.array([0, 6]), np.array([4, 10])
    count, rejected, _ = csv_engine.native_csv.read(plan, content, starts.data, ends.data, bytes(2))
    assert (count, np.frombuffer(rejected, dtype=np.int64).tolist()) == (1, [0])


def test_records_that_overlap_are_refused() -> None:
    plan = csv_engine.native_csv.plan((PLAN,), 1, ord(","), True, ())
    starts, ends = np.array([0, 2]), np.array([3, 4])
    with pytest.raises(ValueError, match="before the one before it ends"):
        csv_engine.native_csv.read(plan, b"a\nb\n", starts.data, ends.data, bytes(2))


@pytest.mark.parametrize("delimiter", ['"', "\r", "\n", "\0"])
def test_what_ends_records_or_quotes_fields_is_no_delimiter(delimiter: str) -> None:
    with pytest.raises(ValueError, match="may stand between fields"):
        csv_engine.native_csv.plan((PLAN,), 1, ord(delimiter), True, ())


@pytest.mark.functional
def test_a_file_is_read_on_behind_the_rest_of_what_was_read(tmp_path: Path) -> None:
    """Until nothing more comes: then the rest is all there is."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"abcdefg")
    with path.open("rb", buffering=0) as stream:
        reads = [csv_engine.native_csv.read_on(rest, stream.fileno(), 4) for rest in (b"", b"rest", b"rest")]
    assert reads == [b"abcd", b"restefg", b"rest"]


@pytest.mark.functional
def test_a_file_that_cannot_be_read_is_an_error_of_the_operating_system(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(IsADirectoryError):
            csv_engine.native_csv.read_on(b"", folder, 4)
    finally:
        os.close(folder)


@pytest.mark.functional
def test_what_comes_through_a_pipe_is_read_as_it_comes() -> None:
    """A read that brings less than was asked for is not the end."""
    receiver, sender = os.pipe()
    with os.fdopen(receiver, "rb", buffering=0) as stream, os.fdopen(sender, "wb", buffering=0) as writer:
        text = open_text(stream_after(writer, stream, b"id,a"), "utf-8", "a.csv", 1000)
        found = text.read_on(b"")
        writer.write(b"mount\n")
        found = text.read_on(found)
        writer.close()
        assert (found, text.read_on(found)) == (b"id,amount\n", b"id,amount\n")


def stream_after(writer: Any, stream: Any, content: bytes) -> Any:
    """Return the stream after that content was written."""
    writer.write(content)
    return stream


@pytest.mark.functional
@pytest.mark.parametrize("count", [1, 63, 64, 65, 128, 200])
def test_every_seventh_record_is_held_back_and_the_others_keep_their_order(count: int, tmp_path: Any) -> None:
    """Batches of 64 with gaps, bits that begin inside a byte, missing values among them."""
    rows = [(f"i{n:03}", n % 7 != 0, n % 3 == 0, n % 5) for n in range(count)]
    lines = [
        f"{name},{grade if is_right else 'x'},{'true' if flag else 'false'}\n"
        for name, is_right, flag, grade in rows
    ]
    contract = """
fields:
  - {name: id, type: string}
  - {name: n, type: integer}
  - {name: flag, type: boolean}
primaryKey: id
missingValues: ["0"]
scoring: {features: [n, flag]}
"""
    done = run_prepare(tmp_path, {"a.csv": ("id,n,flag\n" + "".join(lines)).encode()}, contract=contract)
    expected = [
        {"id": name, "n": grade or None, "flag": flag} for name, is_right, flag, grade in rows if is_right
    ]
    assert done.shard_rows() == expected
    assert done.plan.quarantined_count == count - len(expected)


def test_where_the_extension_was_not_built_the_job_says_so(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(csv_engine, "native_csv", None)
    done = run_prepare(tmp_path, {"a.csv": b"id,x,kind,label\n1,2,a,0\n"})
    assert done.ids() == ["1"]
    assert "the native CSV reader was not built" in capsys.readouterr().err


def test_the_extremes_of_a_float_are_read() -> None:
    texts = ["1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "9007199254740993", "0.1", "-0"]
    texts[:0] = [f"{digits}e{exponent}" for digits in (1, 3, 9007199254740991) for exponent in range(-30, 31)]
    texts[:0] = ["12345678901234567890", "0.00000000000000000000012345", "1" * 40, "0." + "3" * 40]
    found, left = read_texts(texts, "number")
    assert (found, left) == ([float(text) for text in texts], [])
    assert math.copysign(1, found[-1]) == -1


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "date", "datetime"])
def test_nothing_of_the_memory_that_columns_are_written_to_is_left_in_them(kind: str) -> None:
    """Arrow writes buffers up to a full line of 64 bytes: what was there before would end up in shards."""
    texts = {"string": "ab", "boolean": "true", "date": "2026-11-23", "datetime": "2026-11-23T04:00:00Z"}
    content = f"id,f,v\ni,1,{texts.get(kind, '7')}\n" + "i,1,wrong,\n" * 40
    (block,) = blocks(content.encode(), one_field(kind))
    dirty = [bytes([0xFF]) * size for size in range(16, 700, 4) for _ in range(3)]
    del dirty  # what is taken next is likely to be one of these

    plain = read_plain_records(block, one_field(kind), "arrow", ["v"])

    assert plain is not None
    column = plain.columns["v"]
    used = (len(column) + 1) * 4 if kind == "string" else -(-len(column) * column.type.bit_width // 8)
    values = column.buffers()[1]
    assert values is not None
    rest = values.to_pybytes()[used:]
    assert len(column) == 1
    assert len(rest) > 0
    assert not any(rest)
