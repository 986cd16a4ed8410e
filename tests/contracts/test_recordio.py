"""What is read and written is what Google's protobuf library and the SDK's framing say it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from record_messages import Record, UnpackedRecord, framed, part_frames, tensor_record

from contracts.recordio import (
    MAGIC_BYTES,
    Blockage,
    FrameScan,
    frame,
    payload_of,
    scan_frames,
    whole_messages,
    without_padding,
)
from contracts.recordio_groups import MessageGroup, encode_vectors, group_messages
from contracts.recordio_message import DamagedMessageError, read_layout, vector_slot

FLOATS = st.floats(width=32)
NAMES = st.text(max_size=5)


def groups_of(messages: list[bytes]) -> tuple[list[MessageGroup], dict[int, str]]:
    content = np.frombuffer(b"".join(messages), dtype=np.uint8)
    lengths = np.array([len(message) for message in messages], dtype=np.int64)
    return group_messages(content, np.cumsum(lengths) - lengths, lengths)


def whole_scan(content: bytes) -> FrameScan:
    return scan_frames(content, is_last=True, max_record_bytes=max(1, len(content)))


def records_of(scan: FrameScan, content: bytes) -> list[bytes]:
    return [content[start:end] for start, end in zip(scan.starts, scan.ends, strict=True)]


@pytest.mark.parametrize("width", [1, 2, 20, 31, 32, 33, 5000])
def test_vectors_are_written_as_the_sdk_writes_them(width: int) -> None:
    """Byte for byte, whatever the length of the lengths; NaN included."""
    vectors = np.arange(3 * width, dtype=np.float32).reshape(3, width)
    vectors[1, 0] = np.nan

    assert encode_vectors(vectors) == b"".join(framed(tensor_record(vector)) for vector in vectors)


@given(vectors=hnp.arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(1, 40))))
def test_vectors_come_back_bit_for_bit(vectors: np.ndarray) -> None:
    content = encode_vectors(vectors)
    scan = whole_scan(content)
    groups, faults = group_messages(*whole_messages(content, scan.starts, scan.ends, scan.parted))

    assert (scan.faults, scan.consumed_byte_count, faults) == ({}, len(content), {})
    assert len(groups) == bool(len(vectors))
    for group in groups:
        found = group.numbers(vector_slot(group.layout, vectors.shape[1]))
        assert found.tobytes() == vectors.tobytes()


def _filled(kind: Any, entries: dict[str, Any], labels: dict[str, Any], texts: list[str | None]) -> Any:
    record = kind()
    for target, given_entries in ((record.features, entries), (record.label, labels)):
        for name, (tensor, values) in given_entries.items():
            if tensor == "bytes":
                target[name].bytes.value.extend(values)
            else:
                getattr(target[name], tensor).values.extend(values)
                getattr(target[name], tensor).shape.append(len(values))
    for name, text in zip(("uid", "metadata", "configuration"), texts, strict=True):
        if text is not None:
            setattr(record, name, text)
    return record


VALUES = st.one_of(
    st.tuples(st.just("float32_tensor"), st.lists(FLOATS, max_size=4)),
    st.tuples(st.just("float64_tensor"), st.lists(st.floats(), max_size=4)),
    st.tuples(st.just("int32_tensor"), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4)),
    st.tuples(st.just("bytes"), st.lists(st.binary(max_size=4), max_size=2)),
)
RECORDS = st.builds(
    _filled,
    st.sampled_from([Record, UnpackedRecord]),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.dictionaries(NAMES, VALUES, max_size=2),
    st.lists(st.none() | st.text(max_size=6), min_size=3, max_size=3),
)


def _read_back(group: MessageGroup, row: int) -> dict[str, Any]:
    def value(slot: Any) -> Any:
        if slot.kind == "bytes":
            return [group.texts(span)[row].tobytes() for span in slot.spans]
        return group.numbers(slot)[row].tolist() if slot.kind != "nothing" else None

    layout = group.layout
    return {
        "features": {name: value(slot) for name, slot in sorted(layout.features.items())},
        "label": {name: value(slot) for name, slot in sorted(layout.label.items())},
        "uid": group.texts(layout.uid)[row].tobytes().decode(errors="replace") if layout.uid else None,
    }


def _by_protobuf(message: bytes) -> dict[str, Any]:
    record = Record.FromString(message)

    def value(entry: Any) -> Any:
        kind = entry.WhichOneof("value")
        if kind is None:
            return None
        return list(entry.bytes.value) if kind == "bytes" else list(getattr(entry, kind).values)

    return {
        "features": {name: value(entry) for name, entry in sorted(record.features.items())},
        "label": {name: value(entry) for name, entry in sorted(record.label.items())},
        "uid": record.uid if record.HasField("uid") else None,
    }


@given(records=st.lists(RECORDS, max_size=8))
def test_every_message_is_read_as_protobuf_reads_it(records: list[Any]) -> None:
    """Packed or not, several kinds, several lengths, several of one length."""
    messages = [record.SerializeToString() for record in records]
    groups, faults = groups_of(messages)

    assert faults == {}
    assert sorted(int(row) for group in groups for row in group.rows) == list(range(len(messages)))
    for group in groups:
        for position, row in enumerate(group.rows):
            assert repr(_read_back(group, position)) == repr(_by_protobuf(messages[row]))


@given(
    vectors=st.lists(
        st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 300), min_size=3, max_size=3), max_size=30
    )
)
def test_varints_of_any_length_are_told_apart(vectors: list[list[int]]) -> None:
    groups, faults = groups_of([tensor_record(vector, kind="int32") for vector in vectors])

    assert faults == {}
    for group in groups:
        found = group.numbers(vector_slot(group.layout, 3))
        assert found.tolist() == [vectors[row] for row in group.rows]


def test_messages_that_are_all_different_are_read_one_by_one() -> None:
    """As many layouts of one length as there are messages."""
    messages = []
    for number in range(60):
        record = Record()
        record.features[f"n{number:02d}"].float32_tensor.values.append(number)
        messages.append(record.SerializeToString())
    groups, faults = groups_of(messages)

    found = {int(group.rows[0]): group.numbers(next(iter(group.layout.slots)))[0, 0] for group in groups}
    assert (faults, found) == ({}, {number: float(number) for number in range(60)})


MESSAGES = RECORDS.map(lambda record: bytes(record.SerializeToString()))


@given(
    message=MESSAGES,
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=4)), max_size=3),
)
@example(message=b"\x0b" * 500, edits=[])
@example(message=b"\x80" * 11, edits=[])
@example(message=b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", edits=[])
def test_hostile_bytes_give_values_or_one_error(message: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    """Nothing else is ever raised, neither by the layout nor by the values."""
    for position, removed, inserted in edits:
        at = position % (len(message) + 1)
        message = message[:at] + inserted + message[at + removed :]
    try:
        layout = read_layout(message)
    except DamagedMessageError:
        return
    content = np.frombuffer(message, np.uint8).reshape(1, len(message))
    found = _read_back(MessageGroup(layout=layout, rows=np.arange(1), messages=content), 0)
    assert set(found) == {"features", "label", "uid"}


@given(content=st.binary(max_size=200))
def test_any_bytes_are_scanned_to_their_end(content: bytes) -> None:
    scan = whole_scan(content)

    assert b"".join(records_of(scan, content)) == content[: scan.consumed_byte_count]
    assert scan.blockage is not None or scan.consumed_byte_count == len(content)


@given(payloads=st.lists(st.binary(max_size=9) | st.lists(st.just(MAGIC_BYTES)).map(b"".join), max_size=6))
def test_records_in_parts_are_joined_as_they_were(payloads: list[bytes]) -> None:
    """Cut by the rule of dmlc's writer."""
    content = b"".join(part_frames(payload) for payload in payloads)
    scan = whole_scan(content)

    assert scan.faults == {}
    assert [payload_of(record) for record in records_of(scan, content)] == payloads
    array, starts, lengths = whole_messages(content, scan.starts, scan.ends, scan.parted)
    found = [array[start : start + length].tobytes() for start, length in zip(starts, lengths, strict=True)]
    assert found == payloads


def test_a_magic_number_within_a_payload_is_no_frame() -> None:
    """The SDK's writer does not avoid it; the lengths are followed."""
    content = framed(b"1234" + framed(b"inner") + b"5678") + framed(b"next")

    assert [payload_of(record) for record in records_of(whole_scan(content), content)] == [
        b"1234" + framed(b"inner") + b"5678",
        b"next",
    ]


def test_the_last_frame_may_lack_its_padding() -> None:
    content = frame(b"ab") + without_padding(frame(b"c"))

    scan = whole_scan(content)
    assert (scan.faults, scan.ends.tolist()) == ({}, [12, 21])


@pytest.mark.parametrize(
    ("content", "blockage"),
    [
        (b"junk" * 9, Blockage.DAMAGE),
        (frame(b"x" * 200), Blockage.TOO_LARGE),
        (frame(b"x" * 60, 1) + frame(b"y" * 60, 2), Blockage.TOO_MANY_PARTS),
        (frame(b"x")[:9], None),
    ],
)
def test_a_scan_says_what_stops_it(content: bytes, blockage: Blockage | None) -> None:
    """Before the end of the stream, what is undecided is left where it is."""
    scan = scan_frames(frame(b"ok") + content, is_last=False, max_record_bytes=100)

    assert (scan.blockage, scan.consumed_byte_count) == (blockage, 12 if len(content) >= 8 else 0)
