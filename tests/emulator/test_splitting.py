"""Payloads are cut as Batch Transform cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import CallerError
from contracts.recordio import FIRST, LAST, MIDDLE, frame
from emulator.splitting import RecordTooLargeError, payloads
from emulator.transform_request import Batching

pytestmark = pytest.mark.functional


def cut(path: Path, content: bytes, limit: int, *, split: str = "Line", many: bool = True) -> list[bytes]:
    path.write_bytes(content)
    batching = Batching(takes_many_records=many, max_concurrent=1, max_payload_bytes=limit)
    return list(payloads(path, split, batching))


def test_a_payload_takes_as_many_lines_as_fit(tmp_path: Path) -> None:
    """[doc] MultiRecord fits as many records as it can within MaxPayloadInMB."""
    assert cut(tmp_path / "x", b"aa\nbb\ncc\ndd", 6) == [b"aa\nbb\n", b"cc\ndd"]


def test_a_payload_may_fill_the_limit_exactly(tmp_path: Path) -> None:
    assert cut(tmp_path / "x", b"aa\nbb\n", 6) == [b"aa\nbb\n"]


def test_single_record_sends_one_line_at_a_time(tmp_path: Path) -> None:
    """[doc] SingleRecord uses one record for each invocation."""
    assert cut(tmp_path / "x", b"aa\nbb\ncc", 100, many=False) == [b"aa\n", b"bb\n", b"cc"]


def test_without_a_split_the_object_is_the_payload(tmp_path: Path) -> None:
    """[doc] SplitType None: the whole object is one request."""
    assert cut(tmp_path / "x", b"aa\nbb\n", 100, split="None") == [b"aa\nbb\n"]


def test_an_empty_object_has_no_line_to_send(tmp_path: Path) -> None:
    assert cut(tmp_path / "x", b"", 100) == []


@pytest.mark.parametrize(("split", "many"), [("None", True), ("Line", True), ("Line", False)])
def test_what_is_over_the_limit_fails(tmp_path: Path, split: str, many: bool) -> None:
    """[doc] A record or an unsplittable object over the limit is an error for that object."""
    with pytest.raises(RecordTooLargeError, match="payload limit"):
        cut(tmp_path / "x", b"a" * 20 + b"\n", 10, split=split, many=many)


@given(lines=st.lists(st.binary(max_size=8).filter(lambda line: b"\n" not in line)), limit=st.integers(9, 30))
def test_nothing_is_lost_and_no_line_is_torn(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], limit: int
) -> None:
    content = b"".join(line + b"\n" for line in lines)

    pieces = cut(tmp_path_factory.getbasetemp() / "split", content, limit)

    assert b"".join(pieces) == content
    assert all(len(piece) <= limit and piece.endswith(b"\n") for piece in pieces)


def test_recordio_payloads_are_filled_with_whole_frames(tmp_path: Path) -> None:
    """[doc] MultiRecord keeps the padding."""
    frames = [frame(b"a"), frame(b"bb"), frame(b"")]

    found = cut(tmp_path / "x", b"".join(frames), 24, split="RecordIO")
    assert found == [frames[0] + frames[1], frames[2]]


def test_a_single_recordio_record_has_no_padding(tmp_path: Path) -> None:
    """[doc] SingleRecord removes it."""
    content = frame(b"a") + frame(b"bbbb") + frame(b"c" * 8, FIRST) + frame(b"d", LAST)

    assert cut(tmp_path / "x", content, 100, split="RecordIO", many=False) == [
        frame(b"a")[:-3],
        frame(b"bbbb"),
        (frame(b"c" * 8, FIRST) + frame(b"d", LAST))[:-3],
    ]


@pytest.mark.parametrize("many", [True, False])
def test_the_parts_of_a_recordio_record_stay_together(tmp_path: Path, many: bool) -> None:
    parts = frame(b"aaaa", FIRST) + frame(b"bbbb", MIDDLE) + frame(b"cccc", LAST)

    found = cut(tmp_path / "x", frame(b"zzzz") + parts + frame(b"yyyy"), 40, split="RecordIO", many=many)
    assert found == [frame(b"zzzz"), parts, frame(b"yyyy")]


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize(
    "record", [frame(b"a" * 40), frame(b"aaaa", FIRST) + frame(b"b" * 16, MIDDLE) + frame(b"c", LAST)]
)
def test_a_recordio_record_over_the_limit_fails(tmp_path: Path, record: bytes, many: bool) -> None:
    with pytest.raises(RecordTooLargeError, match="payload limit of 40"):
        cut(tmp_path / "x", frame(b"a") + record + frame(b"b"), 40, split="RecordIO", many=many)


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("damage", [b"x", b"junk" * 50, frame(b"abcd")[:-1], frame(b"a", LAST)])
def test_a_damaged_recordio_object_fails(tmp_path: Path, damage: bytes, many: bool) -> None:
    """Nobody could say where its records are; the message says where the damage begins."""
    with pytest.raises(CallerError, match=r"cannot be split into RecordIO records: .* at byte 24"):
        cut(tmp_path / "x", frame(b"a") + frame(b"b") + damage, 16, split="RecordIO", many=many)


@given(sizes=st.lists(st.integers(0, 9)), limit=st.integers(20, 60))
def test_no_recordio_record_is_torn_or_left_out(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], limit: int
) -> None:
    """Every payload is as full as it can be."""
    frames = [frame(bytes([65 + size]) * size) for size in sizes]

    pieces = cut(tmp_path_factory.getbasetemp() / "frames", b"".join(frames), limit, split="RecordIO")

    expected: list[bytes] = []
    for one in frames:
        if expected and len(expected[-1]) + len(one) <= limit:
            expected[-1] += one
        else:
            expected.append(one)
    assert pieces == expected
