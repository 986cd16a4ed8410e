"""What comes out of a CSV source does not depend on how many bytes are read at once."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.contract_file import parse_contract
from contracts.quarantine import MAX_RAW_BYTES
from preprocessing.csv_blocks import read_csv_blocks
from preprocessing.csv_parse import CsvBlock
from preprocessing.csv_text import TextEncoding
from preprocessing.records import OpenSource, RecordPlace

HEADER = b"id,x\n"
CONTRACT = parse_contract(
    b"{fields: [{name: id}, {name: x, categories: [a]}], primaryKey: id,"
    b" scoring: {features: [x], unseenCategory: missing}}",
    name="test",
)
ATOMS = [b"a", b"a", b'"', b'"', b'""', b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"\xc3\xa9", b"\xff"]
ATOMS += [b"\xef\xbb\xbf", b'z"z', b'"q,q"', b'"n\nn"', b'"z\r\n', b"z" * 11, b"z" * 40, b"a,a\n", b"\x00"]

Outcome = tuple[RecordPlace, str | None, str]
"""Place, reason if it is held back, and its two fields or the message."""


def blocks(content: bytes, max_record_bytes: int, block_bytes: int) -> list[CsvBlock]:
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content), bytes_done=lambda: 0)
    return list(read_csv_blocks(source, CONTRACT, max_record_bytes=max_record_bytes, block_bytes=block_bytes))


def outcomes(content: bytes, max_record_bytes: int, block_bytes: int = 1 << 20) -> list[Outcome]:
    """Return every record in the order of the source, valid in structure or not."""
    found: list[Outcome] = []
    for block in blocks(content, max_record_bytes, block_bytes):
        parsed = block.parse()
        found += [(fault.place, fault.reason.value, fault.message) for fault in parsed.structure_faults]
        for row, fields in enumerate(zip(*parsed.columns.values(), strict=True)):
            found.append((parsed.place(row), None, str([field.as_py() for field in fields])))
        assert len(parsed.rows) + len(parsed.structure_faults) == parsed.record_count
    return sorted(found, key=lambda outcome: outcome[0].byte_offset or 0)


def held_back(found: list[Outcome]) -> list[tuple[int, str | None, int]]:
    """Return line, reason and length of those that are held back."""
    return [(place.line_number, reason, place.raw_byte_count) for place, reason, _ in found if reason]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    body=st.lists(st.sampled_from(ATOMS), max_size=30).map(b"".join),
    max_record_bytes=st.integers(8, 40),
    block_bytes=st.lists(st.integers(1, 120), min_size=2, max_size=2),
)
def test_the_outcome_is_the_same_for_every_block_size_and_no_byte_is_lost(
    mark: bytes, body: bytes, max_record_bytes: int, block_bytes: list[int]
) -> None:
    """Between records stand line ends and nothing else; places count from the file's first byte."""
    content = mark + HEADER + body
    found = outcomes(content, max_record_bytes)
    assert [outcomes(content, max_record_bytes, count) for count in block_bytes] == [found, found]
    position = len(mark + HEADER)
    for place, _, _ in found:
        assert place.byte_offset is not None
        assert content[position : place.byte_offset].strip(b"\r\n") == b""
        position = place.byte_offset + place.raw_byte_count
        assert place.raw == content[place.byte_offset : position]
        assert place.line_number == 1 + content[: place.byte_offset].count(b"\n")
    assert content[position:].strip(b"\r\n") == b""


@pytest.mark.parametrize("block_bytes", [64, 100, 120, 4096])
def test_the_lines_of_a_quoted_record_that_is_too_large_are_no_records(block_bytes: int) -> None:
    """Wherever a read ends: its closing quote is in a later one for the small sizes."""
    large = b'"' + b"line\nphantom,a\n" * 10 + b'",a'
    found = outcomes(HEADER + b"a,a\n" * 10 + large + b"\nb,a\n", 100, block_bytes)
    assert held_back(found) == [(12, "record_too_large", len(large))]
    assert [fields for _, reason, fields in found if reason is None] == ["['a', 'a']"] * 10 + ["['b', 'a']"]


@pytest.mark.parametrize("block_bytes", [1, 26, 4096])
def test_an_unclosed_quote_takes_no_following_line_with_it(block_bytes: int) -> None:
    """Also where a read ends just after a quote, so that the quotes at hand look balanced."""
    content = b'id,x\n,\n,a\n,b,\n",\n\n, \na\n,a""'
    assert held_back(outcomes(content, 11, block_bytes)) == [
        (4, "wrong_field_count", 3),
        (5, "malformed_record", 2),
        (8, "wrong_field_count", 1),
    ]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"", b"\r"])
def test_the_length_of_a_skipped_record_leaves_its_line_end_out(end: bytes) -> None:
    """For every read size, so that the CR is the last byte of a read, and the LF the first of the next."""
    for block_bytes in range(1, 120):
        assert held_back(outcomes(HEADER + b"z" * 100 + end, 20, block_bytes)) == [
            (2, "record_too_large", 100)
        ]


def test_a_skipped_record_keeps_as_many_first_bytes_as_any_other() -> None:
    """A carriage return at the end of what is kept is one of them."""
    record = b"z" * (MAX_RAW_BYTES - 1) + b"\r" + b"z" * 100_000
    for block_bytes in (1000, 1 << 20):
        ((place, reason, _),) = outcomes(HEADER + record + b"\n", 20, block_bytes)
        assert (place.raw, reason) == (record[:MAX_RAW_BYTES], "record_too_large")


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 4])
def test_a_byte_order_mark_is_found_whatever_the_first_read_holds(block_bytes: int) -> None:
    ((place, reason, fields),) = outcomes(b"\xef\xbb\xbf" + HEADER + b"b,a\n", 1000, block_bytes)
    assert (place.byte_offset, reason, fields) == (8, None, "['b', 'a']")


@pytest.mark.parametrize("block_bytes", [4, 4096])
def test_a_byte_order_mark_that_begins_a_record_is_part_of_its_first_field(block_bytes: int) -> None:
    found = outcomes(HEADER + b"\xef\xbb\xbfa,a\n\xef\xbb\xbfb,a\n\xef\xbb\xbf", 1000, block_bytes)
    assert [(reason, fields) for _, reason, fields in found[:2]] == [
        (None, "['\\ufeffa', 'a']"),
        (None, "['\\ufeffb', 'a']"),
    ]
    assert held_back(found) == [(4, "wrong_field_count", 3)]


def test_no_byte_is_decoded_more_than_twice_however_many_records_are_not_utf8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once with the whole block, once with its record."""
    decoded: list[int] = []
    decode = TextEncoding.fault

    def counted(encoding: TextEncoding, content: bytes | memoryview) -> str | None:
        decoded.append(len(content))
        return decode(encoding, content)

    monkeypatch.setattr(TextEncoding, "fault", counted)
    body = b"".join(b"r%d\xe9,a\n\xc3\xa9%d,a\nb,a\n" % (n, n) for n in range(500))
    found = outcomes(HEADER + body, 1000)
    assert len(found) == 1500
    assert {reason for _, reason, _ in found[::3]} == {"invalid_encoding"}
    assert {reason for _, reason, _ in found[1::3] + found[2::3]} == {None}
    assert sum(decoded) <= len(HEADER) + 2 * len(body)
