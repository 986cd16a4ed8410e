"""Payloads are cut as Batch Transform cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
