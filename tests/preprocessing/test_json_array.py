"""Every element of a JSON array ends up in a shard or in quarantine, with its place and its bytes."""

from __future__ import annotations

import gzip
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
from preprocessing.json_array_scan import ArrayScan

GOOD = b'{"id": "9", "n": 1,\n "x": 0.5, "flag": true, "note": "a"}'
ELEMENTS = [
    GOOD,
    GOOD,
    b'{"id":"a,b"}',
    b'{"id":"]}"}',
    b'{"id":"\\""}',
    b'{"id":"\\\\"}',
    b'{"id":"\\\\\\"],"}',
    b'{"id":1,"other":[1,{"id":2},"]"]}',
    b'{"id":"\xff"}',
    b'{"id":"\xc3\xa9"}',
    b'{"id":"b","n":"1"}',
    b'{"id":"c","n":NaN}',
    b'{"id":"d","x":12}',
    b'{"n":1}',
    b"1",
    b"null",
    b'"text"',
    b"[1, 2]",
    b"{}",
    b"{} {}",
    b"{}{}",
    b"",
    b"{'id':1}",
    b'{"id":1,"id":2}',
    b'{"id":"e"]',
    b'{"id":"f\ng"}',
    b'{"id":"\\ud83d"}',
    b'{"id":"' + b"z" * 70 + b'"}',
    b'{"id":"h"' + b" " * 70 + b"}",
]
BLANKS = [b"", b"", b" ", b"\n", b"\r\n\t", b" " * 100]


def expected(
    elements: list[bytes], places: list[int], content: bytes, max_record_bytes: int
) -> tuple[Any, Any]:
    """Read element by element."""
    valid, held_back = [], []
    for raw, place in zip(elements, places, strict=True):
        line = 1 + content[:place].count(b"\n")
        reason, values = expected_outcome(raw)
        reason = "record_too_large" if len(raw) > max_record_bytes else reason
        if reason == "valid":
            valid.append(values)
        else:
            held_back.append((line, reason, raw))
    return valid, held_back


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    elements=st.lists(st.sampled_from(ELEMENTS), max_size=12),
    blanks=st.lists(st.sampled_from(BLANKS), min_size=3, max_size=6),
    max_record_bytes=st.sampled_from([60, 90, 100_000]),
    block_bytes=st.sampled_from([1, 3, 17, 64, 300, 1 << 20]),
)
def test_every_element_is_what_pythons_parser_makes_of_it_whatever_the_block_size(
    mark: bytes, elements: list[bytes], blanks: list[bytes], max_record_bytes: int, block_bytes: int
) -> None:
    """Valid with exactly the same values, in order, or held back with the right reason, line and bytes."""
    elements = [GOOD, *elements]
    content, places = mark + blanks[0] + b"[", []
    for number, element in enumerate(elements):
        before, after = blanks[number % len(blanks)], blanks[(number + 1) % len(blanks)]
        places.append(len(content) + len(before) + (0 if element else len(after)))
        content += before + element + after + (b"," if number < len(elements) - 1 else b"]")
    content += blanks[0]
    valid, held_back = read_source(
        content, "json", max_record_bytes=max_record_bytes, block_bytes=block_bytes
    )
    expected_valid, expected_held_back = expected(elements, places, content, max_record_bytes)
    assert [repr(record) for record in valid] == [repr(record) for record in expected_valid]
    assert reasons(held_back) == expected_held_back
    for record in held_back:
        start = record.place.byte_offset or 0
        assert content[start : start + record.place.raw_byte_count] == record.place.raw


@given(content=st.text(alphabet='[]{},"\\a', max_size=40), cuts=st.lists(st.integers(0, 40), max_size=4))
@example(content='"\\\\\\"",]', cuts=[2, 3, 4])
def test_where_elements_end_does_not_depend_on_how_the_bytes_come(content: str, cuts: list[int]) -> None:
    """A walk from byte to byte finds the same ends."""
    scan, found, position = ArrayScan(), [], 0
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(content)], strict=True):
        bounds = scan.feed(content[start:stop].encode())
        found += [min(start, len(content)) + int(end) for end in bounds.ends]
        position = stop
        if bounds.is_closed:
            break
    assert found == _walked(content[:position])


def _walked(content: str) -> list[int]:
    ends, depth, is_inside, is_escaped = [], 1, False, False
    for position, character in enumerate(content):
        if character == '"' and not is_escaped:
            is_inside = not is_inside
        is_escaped = character == "\\" and not is_escaped
        if not is_inside:
            depth += (character in "[{") - (character in "]}")
            if depth == 0 or (character == "," and depth == 1):
                ends.append(position)
        if depth == 0:
            break
    return ends


@pytest.mark.parametrize("block_bytes", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    "last", [b'{"id": "1", "x"', b'{"id": "1', b"{", b'{"id": "1", "other": [1', b'"te', b"tru"]
)
def test_an_array_that_breaks_off_within_an_element_is_refused(last: bytes, block_bytes: int) -> None:
    """Nobody knows how many records are missing: to score the first half would lose the other unsaid."""
    with pytest.raises(CallerError, match="records may be missing; deliver it again"):
        read_source(b"[" + GOOD + b",\n " + last, "json", block_bytes=block_bytes)


@pytest.mark.parametrize("block_bytes", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"[", "line 1: the array has no `]` at its end: it is cut off"),
        (b"[\n" + GOOD, "line 3: the array has no `]`"),
        (b"[\n" + GOOD + b",\n", "line 4: the array has no `]`"),
        (b"[" + GOOD + b"]\n,{}", "line 3, byte 60: ',"),
        (b"[" + GOOD + b"]\n[{}]", "follows the end of the array"),
        (b"[" + GOOD + b"}, " + GOOD + b"]", "follows the end of the array"),
        (b'"text"', "begins with '\""),
        (b"id,n,x\n", "expected a JSON array of objects"),
        (b'[{"ID": 1}]', "lacks the field 'id'; did you mean 'ID'?"),
        (b"\xff\xfe[\0]\0", "UTF-16"),
    ],
)
def test_what_no_record_would_tell_of_ends_the_run(content: bytes, part: str, block_bytes: int) -> None:
    """Nothing is lost unsaid: an error names the place and what to do."""
    with pytest.raises(CallerError) as caught:
        read_source(content, "json", block_bytes=block_bytes)
    assert part in str(caught.value)


@pytest.mark.parametrize("block_bytes", [1, 2, 1 << 20])
@pytest.mark.parametrize("content", [b"", b" \n", b"[]", b"\xef\xbb\xbf [ \n ] \n", b"\xef\xbb\xbf"])
def test_an_array_without_elements_has_no_records(content: bytes, block_bytes: int) -> None:
    assert read_source(content, "json", block_bytes=block_bytes) == ([], [])


@pytest.mark.parametrize("block_bytes", [1, 64, 1 << 20])
def test_elements_on_one_line_keep_their_order_and_blanks_of_any_length_are_passed_over(
    block_bytes: int,
) -> None:
    blanks = b" " * 300 + b"\n" * 300
    content = b"[" + GOOD + blanks + b"," + blanks + b'{"n":1},{"n":2}' + blanks + b"]" + blanks
    valid, held_back = read_source(content, "json", max_record_bytes=70, block_bytes=block_bytes)
    assert len(valid) == 1
    assert reasons(held_back) == [
        (602, "missing_required", b'{"n":1}'),
        (602, "missing_required", b'{"n":2}'),
    ]


@pytest.mark.functional
def test_a_huge_element_costs_no_other_record(tmp_path: Path) -> None:
    """Twenty megabytes: longer than a block and than the payload limit."""
    good = b'{"id":"9","x":1,"kind":"a"}'
    huge = b'{"id":"' + b"x," * (10 * 1024 * 1024) + b'"}'
    bad = b'{"id":"2","x":"bad","kind":"a"}'
    last = good.replace(b"9", b"8")
    content = b"[\n" + b",\n".join([good, huge, bad, last]) + b"\n]\n"
    done = run_prepare(tmp_path, {"a.json": content})
    first, second = done.quarantine()
    assert (first["reason_code"], first["line_number"]) == ("record_too_large", 3)
    assert (first["raw"], first["raw_byte_count"]) == (huge[:MAX_RAW_BYTES], len(huge))
    assert (second["line_number"], second["byte_offset"]) == (4, content.index(bad))
    assert done.ids() == ["9", "8"]


@pytest.mark.functional
def test_arrays_are_read_compressed_and_beside_other_formats(tmp_path: Path) -> None:
    """Two elements held back on one line come in their order."""
    array = b'[{"id": "1", "x": 2}, {"x": 1}, {"id": "2", "x": "bad"}, {"id": "3", "x": 1}]'
    sources = {"a.json.gz": gzip.compress(array), "b.csv": b"id,x,kind\n4,1,a\n", "c.json": b"[]"}
    done = run_prepare(tmp_path, sources)
    assert done.ids() == ["1", "3", "4"]
    assert [row["reason_code"] for row in done.quarantine()] == ["missing_required", "wrong_type"]
    assert [source.record_count for source in done.manifest.sources] == [4, 1, 0]


@pytest.mark.parametrize("separator", [b",", b", ", b",\n", b"\n,\n"])
@pytest.mark.parametrize("element", [b'{"id":%d,"n":%d}', b'{\n  "id": %d,\n  "n": %d\n}'])
def test_sound_elements_are_not_read_one_by_one(
    element: bytes, separator: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they stand on one line, on one each, or on several; some are looked at before."""
    read: list[bytes] = []
    careful = json_parse.read_json_record
    monkeypatch.setattr(
        json_parse, "read_json_record", lambda raw, *rest: [read.append(raw), careful(raw, *rest)][1]
    )
    valid, _ = read_source(b"[" + separator.join(element % (n, n) for n in range(1000)) + b"]", "json")
    assert [record["n"] for record in valid] == list(range(1000))
    assert len(read) == json_parse.SAMPLE_RECORDS + 1
