"""TFRecord objects are cut at the ends of records, whatever these hold."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import CallerError
from emulator.splitting import RecordTooLargeError, payloads
from emulator.tfrecord_splitting import masked_checksum
from emulator.transform_request import Batching

pytestmark = pytest.mark.functional


def record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    checksums = (masked_checksum(length), masked_checksum(content))
    return length + struct.pack("<I", checksums[0]) + content + struct.pack("<I", checksums[1])


def cut(path: Path, content: bytes, limit: int, *, many: bool = True) -> list[bytes]:
    path.write_bytes(content)
    batching = Batching(takes_many_records=many, max_concurrent=1, max_payload_bytes=limit)
    return list(payloads(path, "TFRecord", batching))


def test_payloads_are_filled_with_whole_records(tmp_path: Path) -> None:
    """[doc] MultiRecord sends as many records as fit; a record of n bytes takes n + 16."""
    records = [record(b"aa"), record(b""), record(b"cccc")]

    assert cut(tmp_path / "x", b"".join(records), 34) == [records[0] + records[1], records[2]]


def test_a_single_record_keeps_its_length_and_checksums(tmp_path: Path) -> None:
    """The format has no padding to remove, so a container reads both kinds of payload in the same way."""
    records = [record(b"aa"), record(b""), record(b"cccc")]

    assert cut(tmp_path / "x", b"".join(records), 1000, many=False) == records


def test_a_checksum_is_that_of_the_format() -> None:
    """The well-known CRC-32C of these digits is 0xE3069283; the mask rotates it by 15 and adds a constant."""
    rotated = (0xE3069283 >> 15 | 0xE3069283 << 17) & 0xFFFFFFFF

    assert masked_checksum(b"123456789") == (rotated + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("many", [True, False])
def test_a_record_over_the_limit_fails(tmp_path: Path, many: bool) -> None:
    """[doc] The length counts with its checksums."""
    content = record(b"a") + record(b"b" * 25)

    with pytest.raises(RecordTooLargeError, match="payload limit of 40 bytes"):
        cut(tmp_path / "x", content, 40, many=many)
    assert cut(tmp_path / "x", content, 41, many=many)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (b"x", "the object ends within a record's length"),
        (b"junk" * 5, "the checksum of a record's length is wrong"),
        (record(b"abcd")[:-1], "the object ends within a record"),
    ],
)
def test_a_damaged_object_fails_where_the_damage_is(tmp_path: Path, damage: bytes, fault: str) -> None:
    with pytest.raises(CallerError, match=rf"into TFRecord records: {fault}, at byte 34$"):
        cut(tmp_path / "x", record(b"a") + record(b"b") + damage, 64)


@given(sizes=st.lists(st.integers(0, 9)), limit=st.integers(25, 90), many=st.booleans())
def test_no_record_is_torn_or_left_out(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit: int, many: bool
) -> None:
    content = b"".join(record(b"x" * size) for size in sizes)

    pieces = cut(tmp_path_factory.getbasetemp() / "tfrecords", content, limit, many=many)

    assert b"".join(pieces) == content
    assert all(len(piece) <= limit for piece in pieces)
    assert len(pieces) == len(sizes) or many
