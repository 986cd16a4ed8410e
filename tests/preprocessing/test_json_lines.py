"""Every record of a JSON Lines source ends up in a shard or in quarantine, with its place and its bytes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from json_sources import expected_outcome, read_source, reasons
from preparation import run_prepare

from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES
from preprocessing import json_parse

GOOD = b'{"id":"9","n":1,"x":0.5,"flag":true,"note":"a"}'
VALUES = [
    b"null",
    b"1",
    b"-0",
    b"12.0",
    b"1.5",
    b"1e3",
    b"-1E-2",
    b"1e999",
    b"-1e999",
    b"1e39",
    b"0.1",
    b"01",
    b"+1",
    b"1.",
    b".5",
    b"-",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"Inf",
    b"nan",
    b"true",
    b"false",
    b"tru",
    b'"a"',
    b'"12"',
    b'""',
    b'"none"',
    b'"NaN"',
    b'"Infinity, "',
    b'"\\u00e9"',
    b'"\xc3\xa9"',
    b'"\xff"',
    b'"\\ud83d"',
    b'"\\ud83d\\ude00"',
    b'"\\u0000"',
    b'"\t"',
    b'"\\q"',
    b'"\x00"',
    b'"}{"',
    b'"\\\\"',
    b'"\\""',
    b"[]",
    b"[1,[2]]",
    b"{}",
    b'{"id":1,"id":2}',
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"9007199254740993",
    b"9007199254740992.0",
    b"9007199254740991.0",
    b"123456789012345678901234567890",
    b"9" * 400,
    b"0.30000000000000004",
    b"-0.0",
    b"1.7976931348623157e308",
    b"5e-324",
    b"1e-400",
]
KEYS = [
    b'"id"',
    b'"id"',
    b'"n"',
    b'"x"',
    b'"flag"',
    b'"note"',
    b'"other"',
    b'"\\u0069d"',
    b'"\xc3\xa9"',
    b"id",
]
ODD_LINES = [
    b"{}",
    b"[]",
    b"1",
    b"null",
    b'"a"',
    b"{",
    b"}",
    b"{}{}",
    b"{} {}",
    b"{},",
    b"{}x",
    b"{}null",
    b"x{}",
    b" {} ",
    b"\t" + GOOD,
    GOOD + b" ",
    GOOD + GOOD,
    GOOD + b"," + GOOD,
    b"[" + GOOD + b"]",
    GOOD[:-1],
    GOOD + b"}",
    b"\xef\xbb\xbf" + GOOD,
    b"\x00",
    GOOD + b"\x00",
    b"//",
    b"\r" + GOOD,
    b'{"id":"\xe9}',
    b"",
    b" ",
    b"\t\r",
    GOOD.replace(b"}", b",}"),
    GOOD.replace(b":", b": "),
    b'{"id":"a\r","n":1}',
    b'{"id"\r:"a"}',
]

members = st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)).map(b":".join)
objects = st.lists(members, max_size=6).map(lambda found: b"{" + b",".join(found) + b"}")
plain_objects = st.fixed_dictionaries(
    {"id": st.one_of(st.text(max_size=3), st.integers())},
    optional={
        "n": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none()),
        "x": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        "flag": st.one_of(st.booleans(), st.integers(0, 1)),
        "note": st.text(),
    },
).map(lambda found: json.dumps(found, ensure_ascii=False).encode(errors="surrogatepass"))
lines = st.one_of(st.just(GOOD), st.sampled_from(ODD_LINES), objects, plain_objects)


def expected(
    content: bytes, max_record_bytes: int
) -> tuple[list[dict[str, Any]], list[tuple[int, str, bytes]]]:
    """Read line by line."""
    valid, held_back = [], []
    for number, line in enumerate(content.split(b"\n"), start=1):
        raw = line.removesuffix(b"\r")
        if len(raw) > max_record_bytes:
            held_back.append((number, "record_too_large", raw))
        elif raw.strip(b" \t\r\n"):
            reason, values = expected_outcome(raw)
            if reason == "valid":
                valid.append(values)
            else:
                held_back.append((number, reason, raw))
    return valid, held_back


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(
    found=st.lists(lines, max_size=12),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    ending=st.booleans(),
    max_record_bytes=st.sampled_from([60, 200, 100_000]),
    block_bytes=st.sampled_from([1, 3, 17, 64, 300, 1 << 20]),
)
@example(found=[GOOD + GOOD, b" "], line_end=b"\n", ending=True, max_record_bytes=200, block_bytes=64)
def test_every_line_is_what_pythons_parser_makes_of_it_whatever_the_block_size(
    found: list[bytes], line_end: bytes, ending: bool, max_record_bytes: int, block_bytes: int
) -> None:
    """Valid with exactly the same values, in order, or held back with the right reason, line and bytes."""
    content = line_end.join([GOOD, *found]) + (line_end if ending else b"")
    valid, held_back = read_source(content, max_record_bytes=max_record_bytes, block_bytes=block_bytes)
    expected_valid, expected_held_back = expected(content, max_record_bytes)
    assert [repr(record) for record in valid] == [repr(record) for record in expected_valid]
    assert reasons(held_back) == expected_held_back
    for record in held_back:
        start = record.place.byte_offset or 0
        assert content[start : start + record.place.raw_byte_count] == record.place.raw


def test_a_file_of_any_size_gives_the_same_records_where_some_are_read_apart() -> None:
    """Enough records that those in question are found by dividing, and kept in order."""
    lines = [b'{"id":%d,"n":%d}' % (number, number) for number in range(3000)]
    lines[100], lines[2000], lines[2001] = b"{", b'{"id":"2000","n":12.0}', b'{"id":2001,"n":"1"}'
    valid, held_back = read_source(b"\n".join(lines))
    assert [record["id"] for record in valid] == [str(n) for n in range(3000) if n not in (100, 2001)]
    assert valid[1999]["n"] == 12
    assert reasons(held_back) == [(101, "malformed_record", b"{"), (2002, "wrong_type", lines[2001])]


def test_sound_records_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not where integers are written as `12.0`, and ids as numbers.

    Only a few are looked at, to see as what numbers are written, and the first for its keys.
    """
    read: list[bytes] = []
    careful = json_parse.read_json_record
    monkeypatch.setattr(
        json_parse, "read_json_record", lambda raw, *rest: [read.append(raw), careful(raw, *rest)][1]
    )
    valid, _ = read_source(b"".join(b'{"id":%d,"n":%d.0}\n' % (n, n) for n in range(1000)))
    assert (len(valid), valid[-1]["id"], valid[-1]["n"]) == (1000, "999", 999)
    assert len(read) == json_parse.SAMPLE_RECORDS + 1


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b'{"id":"1","n":"12"}', 'n: "12" is not an integer'),
        (b'{"id":"1","n":12.5}', "n: 12.5 is not an integer"),
        (b'{"id":"1","x":1e999}', "x: 1e999 is not a finite number"),
        (b'{"id":"1","flag":1}', "flag: 1 is not a boolean"),
        (b'{"id":"1","flag":"true"}', 'flag: "true" is not a boolean'),
        (b'{"id":["1"]}', "id: [\u2026] is not text"),
        (b'{"id":"1","note":{"a":1},"n":[]}', "n: [\u2026] is not an integer"),
        (b'{"id":"1","x":NaN}', "NaN is no JSON value; write null"),
        (b'{"id":"1","id":"2"}', "names the field 'id' twice"),
        (b'{"id":"\xff"}', "is not UTF-8: byte 0xff"),
        (b'{"id":"1",}', "is not JSON: "),
        (b"[1]", "is JSON, but no object"),
        (b'{"id":"1","other":' + b"[" * 100_000 + b"}", "is nested too deeply"),
    ],
)
def test_the_message_shows_the_value_and_says_what_is_wrong(line: bytes, part: str) -> None:
    _, (record,) = read_source(GOOD + b"\n" + line + b"\n", max_record_bytes=1 << 20)
    assert part in record.message


def test_a_source_of_which_no_record_has_a_needed_field_is_the_wrong_one() -> None:
    """As with a header of CSV: the run ends, with near matches; damaged lines beside it do not matter."""
    with pytest.raises(CallerError, match=r"lacks the field 'id'; did you mean 'ID'\?.*keys are ID, y"):
        read_source(b'{\n{"ID": 1, "y": 2}\n{"z": 1}\n')


@pytest.mark.parametrize("content", [b"{\n}\n", b'{"id": null}\n', b'{"other": 1}\n{"n": null}\n'])
def test_damaged_records_and_missing_values_do_not_make_a_source_the_wrong_one(content: bytes) -> None:
    """A key that is there with a null is there."""
    valid, held_back = read_source(content)
    assert (len(valid), len(held_back)) == (0, content.count(b"\n"))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
def test_a_line_that_is_too_large_is_held_back_with_its_first_bytes_and_its_length(end: bytes) -> None:
    """Whatever the read size; kept in memory is no more than the reads that it takes to know."""
    line = b"z" * 100
    for block_bytes in (1, 7, 99, 100, 101, 102, 1 << 20):
        _, (record,) = read_source(GOOD + b"\n" + line + end, max_record_bytes=60, block_bytes=block_bytes)
        assert (record.reason.value, record.place.line_number) == ("record_too_large", 2)
        assert (record.place.raw, record.place.raw_byte_count) == (line, 100)


@pytest.mark.functional
def test_a_huge_line_costs_no_other_record(tmp_path: Path) -> None:
    """Twenty megabytes without a line feed: longer than a block and than the payload limit."""
    good = b'{"id":"9","x":1,"kind":"a"}\n'
    huge = b'{"id":"' + b"x" * (20 * 1024 * 1024) + b'"}'
    bad = b'{"id":"2","x":"bad","kind":"a"}\n'
    done = run_prepare(tmp_path, {"a.jsonl": good + huge + b"\n" + bad + good.replace(b"9", b"8")})
    first, second = done.quarantine()
    assert (first["reason_code"], first["line_number"]) == ("record_too_large", 2)
    assert (first["raw"], first["raw_byte_count"]) == (huge[:MAX_RAW_BYTES], len(huge))
    assert (second["line_number"], second["byte_offset"]) == (3, len(good + huge) + 1)
    assert done.ids() == ["9", "8"]


@pytest.mark.functional
@pytest.mark.parametrize("source_key", ["a.jsonl", "b/a.ndjson", "a.JSONL.gz", "a.json", "a.json.gz"])
def test_every_name_of_json_lines_is_read(source_key: str, tmp_path: Path) -> None:
    """Compressed or not, with a byte order mark, and as `.json`, as many tools call it."""
    content = b'\xef\xbb\xbf{"id": "1", "x": 2, "kind": "a", "label": 1}\r\n\r\n{"id": 2, "x": null}\r\n'
    content = gzip.compress(content) if source_key.lower().endswith(".gz") else content
    done = run_prepare(tmp_path, {source_key: content, "z.jsonl": b"", "z.json": b"\n"})
    assert done.shard_rows() == [
        {"id": "1", "x": 2.0, "kind": "a"},
        {"id": "2", "x": None, "kind": None},
    ]
    assert [source.record_count for source in done.manifest.sources] == [2, 0, 0]


@pytest.mark.functional
def test_a_declared_format_wins_over_the_name(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.txt": b'{"id": "1", "x": 2}'}, input_format="jsonlines")
    assert done.ids() == ["1"]


@pytest.mark.functional
def test_utf16_is_refused(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.jsonl": '{"id": 1}'.encode("utf-16")})
    assert (done.exit_code, "UTF-16" in done.message) == (2, True)
