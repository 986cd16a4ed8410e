"""Every element of a JSON array ends up in a shard or in quarantine, with its place and its bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from json_sources import expected_outcome, read_source, reasons

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
