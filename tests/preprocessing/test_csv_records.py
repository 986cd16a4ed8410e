"""Every record of a CSV source ends up in a shard or in quarantine, with its place and its bytes."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preparation import run_prepare

from contracts.contract_file import parse_contract
from contracts.quarantine import MAX_RAW_BYTES
from preprocessing.csv_blocks import read_csv_blocks
from preprocessing.records import OpenSource
from preprocessing.validation import validate

pytestmark = pytest.mark.functional

HEADER = b"id,x,kind,label\n"
GOOD = b"9,1,a,0\n"

CASES = {
    "ragged short": (b"1,2,a\n", [(2, "wrong_field_count", b"1,2,a")], ["9"]),
    "ragged long": (b"1,2,a,0,5\n", [(2, "wrong_field_count", b"1,2,a,0,5")], ["9"]),
    "white space only": (b"  \n", [(2, "wrong_field_count", b"  ")], ["9"]),
    "blank lines": (b"\n\r\n\n1,2,a,0\n\n", [], ["1", "9"]),
    "quoted line feed in the id": (b'"1\n2",2,a,0\n', [], ["1\n2", "9"]),
    "quoted CR LF": (b'"1\r\n2",2,a,0\r\n', [], ["1\r\n2", "9"]),
    "quoted lone CR": (b'"1\r2",2,a,0\r\n', [], ["1\r2", "9"]),
    "doubled quotes": (b'"1""2",2,a,0\n"""",2,a,0\n', [], ['1"2', '"', "9"]),
    "stray quotes": (b'1"2,2,a,0\n3"",2,a,0\n', [], ['1"2', '3""', "9"]),
    "quote after a space": (b' "1",2,a,0\n', [], [' "1"', "9"]),
    "text after a closing quote": (b'"1"2,2,a,0\n', [(2, "malformed_record", b'"1"2,2,a,0')], ["9"]),
    "lone CR": (b"1,2,a\r,0\n", [(2, "malformed_record", b"1,2,a\r,0")], ["9"]),
    "unclosed quote": (b'1,2,"a,0\n2,2,b,1\n', [(2, "malformed_record", b'1,2,"a,0')], ["2", "9"]),
    "unclosed quote before a quoted field": (
        b'1,2,"a,0\n2,2,"b",1\n',
        [(2, "malformed_record", b'1,2,"a,0')],
        ["2", "9"],
    ),
    "unclosed quote after a quoted line feed": (
        b'"1\n1",2,"a,0\n2,2,b,1\n',
        [(2, "malformed_record", b'"1\n1",2,"a,0')],
        ["2", "9"],
    ),
    "NUL in a number": (b"1,2\x00,a,0\n", [(2, "wrong_type", b"1,2\x00,a,0")], ["9"]),
    "NUL in an id": (b"1\x002,2,a,0\n", [], ["1\x002", "9"]),
    "invalid UTF-8": (
        b"1,2,a,0\n2,2,\xff,0\n\xc3(,2,a,0\n",
        [(3, "invalid_encoding", b"2,2,\xff,0"), (4, "invalid_encoding", b"\xc3(,2,a,0")],
        ["1", "9"],
    ),
    "UTF-8": ("é,2,a,0\n".encode(), [], ["é", "9"]),
    "wrong type after a quoted line feed": (
        b'"1\n2",2,a,0\n3,ten,a,0\n',
        [(4, "wrong_type", b"3,ten,a,0")],
        ["1\n2", "9"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_oddity_of_csv_costs_no_more_than_its_own_record(case: str, tmp_path: Path) -> None:
    """Line numbers are 1-based, the header is line 1, and raw bytes are the record as it stands."""
    body, held_back, ids = CASES[case]
    done = run_prepare(tmp_path, {"a.csv": HEADER + body + GOOD})
    assert (done.exit_code, done.held_back(), done.ids()) == (0, held_back, ids)
    assert done.plan.record_count == len(held_back) + len(ids)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
def test_the_last_record_needs_no_line_end(end: bytes, tmp_path: Path) -> None:
    assert run_prepare(tmp_path, {"a.csv": HEADER + b"1,2,a,0" + end}).ids() == ["1"]


def test_a_last_record_with_an_unclosed_quote_is_quarantined(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": HEADER + GOOD + b'1,2,"a,0'})
    assert done.held_back() == [(3, "malformed_record", b'1,2,"a,0')]


def test_a_byte_order_mark_and_crlf_are_read_and_byte_offsets_count_them(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfid,x,kind,label\r\n1,2,a,0\r\n2,bad,a,0\r\n"
    done = run_prepare(tmp_path, {"a.csv": text})
    (record,) = done.quarantine()
    assert done.ids() == ["1"]
    assert (record["byte_offset"], record["line_number"]) == (text.index(b"2,bad"), 3)


def test_empty_and_header_only_files_are_counted(tmp_path: Path) -> None:
    """None of them is fatal beside a file with records."""
    sources = {
        "a.csv": b"",
        "b.csv": HEADER,
        "c.csv": HEADER[:-1],
        "d/e.csv": HEADER + GOOD,
        "f.csv": b"\n\n",
    }
    done = run_prepare(tmp_path, sources)
    counts = [(source.source_key, source.record_count) for source in done.manifest.sources]
    assert counts == [("a.csv", 0), ("b.csv", 0), ("c.csv", 0), ("d/e.csv", 1), ("f.csv", 0)]


def test_a_source_without_any_record_makes_an_empty_plan(tmp_path: Path) -> None:
    plan = run_prepare(tmp_path, {"a.csv": b""}).plan
    assert (plan.record_count, plan.shard_count, plan.transform_instance_count) == (0, 0, 1)


def test_source_objects_are_read_in_the_order_of_their_keys(tmp_path: Path) -> None:
    """S3 orders by bytes: `a-1.csv`, `a/1.csv`, `a0.csv`; columns may come in any order."""
    sources = {
        "a0.csv": b"kind,label,x,id\na,0,1,third\n",
        "a/1.csv": b"x,other,id,kind\n1,?,second,a\n",
        "a-1.csv": HEADER + b"first,1,a,0\n",
    }
    assert run_prepare(tmp_path, sources).ids() == ["first", "second", "third"]


@pytest.mark.parametrize("source_key", ["a.csv.gz", "a.csv.GZ", "A.CSV.Gz"])
def test_gzip_is_read_and_placed_by_its_uncompressed_bytes(source_key: str, tmp_path: Path) -> None:
    content = HEADER + GOOD + b"1,bad,a,0\n"
    done = run_prepare(tmp_path, {source_key: gzip.compress(content)})
    assert done.ids() == ["9"]
    assert done.quarantine()[0]["byte_offset"] == content.index(b"1,bad")


def test_a_huge_record_is_quarantined_with_its_first_bytes_and_its_length(tmp_path: Path) -> None:
    """Twelve megabytes without a line feed: longer than a block and than the payload limit."""
    huge = b"1," + b"x" * (12 * 1024 * 1024) + b",a,0"
    done = run_prepare(tmp_path, {"a.csv": HEADER + GOOD + huge + b"\n2,bad,a,0\n8,1,a,0\n"})
    first, second = done.quarantine()
    assert (first["reason_code"], first["line_number"]) == ("record_too_large", 3)
    assert (first["raw"], first["raw_byte_count"]) == (huge[:MAX_RAW_BYTES], len(huge))
    assert (second["line_number"], second["byte_offset"]) == (4, len(HEADER + GOOD + huge) + 1)
    assert done.ids() == ["9", "8"]


def test_an_unclosed_quote_swallows_one_line_of_a_large_file(tmp_path: Path) -> None:
    lines = b"".join(b"%d,2,a,0\n" % number for number in range(300_000))
    done = run_prepare(tmp_path, {"a.csv": HEADER + b'bad,2,"a,0\n' + lines})
    assert done.held_back() == [(2, "malformed_record", b'bad,2,"a,0')]
    assert done.plan.valid_count == 300_000


FIELDS = st.text(alphabet='ab1 é,"\n\r', max_size=4)  # no NUL: Python 3.10's csv module cannot read one
BLOCK_CONTRACT = parse_contract(
    b"{fields: [{name: id}, {name: note}, {name: x, type: integer}], primaryKey: id,"
    b" missingValues: ['none'], scoring: {features: [x]}}",
    name="test",
)
DAMAGE = {
    "wrong_field_count": b"a,b\n",
    "malformed_record": b'"a"b,,1\n',
    "invalid_encoding": b"\xfe,,1\n",
    "wrong_type": b"a,,1x\n",
}


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=st.lists(st.one_of(st.tuples(FIELDS, FIELDS), st.sampled_from(list(DAMAGE))), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block_bytes=st.sampled_from([1, 7, 64, 4096]),
)
def test_reading_agrees_with_pythons_csv_module_and_finds_what_was_planted(
    records: list[tuple[str, str] | str], quoting: int, line_end: str, block_bytes: int
) -> None:
    """For any block size: ids exact and in order, damage with the right reason on the right line."""
    content, ids, damage = b"id,note,x\n", [], []
    for record in records:
        if isinstance(record, str):
            damage.append((1 + content.count(b"\n"), record))
            content += DAMAGE[record]
        else:
            ids.append(record[0])
            content += _line((*record, "1"), quoting, line_end)
    found_ids, found_damage = _read(content, block_bytes)
    assert (found_ids, found_damage) == (ids, damage)


def _line(fields: tuple[str, ...], quoting: int, line_end: str) -> bytes:
    """Write one record with the csv module, as a reader of the csv module would give it back."""
    text = io.StringIO()
    has_return = any("\r" in field or "\n" in field for field in fields)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if has_return else quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(fields)
    assert next(csv.reader(io.StringIO(text.getvalue(), newline=""))) == list(fields)
    return text.getvalue().encode()


def _read(content: bytes, block_bytes: int) -> tuple[list[str], list[tuple[int, str]]]:
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content), bytes_done=lambda: 0)
    ids: list[str] = []
    damage: list[tuple[int, str]] = []
    for block in read_csv_blocks(source, BLOCK_CONTRACT, max_record_bytes=1000, block_bytes=block_bytes):
        parsed = block.parse()
        validation = validate(parsed.columns, BLOCK_CONTRACT, "parquet")
        ids += validation.valid.column("id").to_pylist()
        found = [(fault.place.line_number, fault.reason.value) for fault in parsed.structure_faults]
        found += [(parsed.place(fault.row).line_number, fault.reason.value) for fault in validation.faults]
        damage += sorted(found)
        assert parsed.record_count == validation.valid.num_rows + len(found)
    return ids, damage
