"""Read and write many RecordIO-protobuf messages at once.

Messages of one length that differ in nothing but their values form a group: the first of them is read with
care (`recordio_message`), the others are compared with it byte by byte outside its values, and the values of
all come out as one array. A message that is like no other is a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contracts.recordio import HEADER_BYTES, frame
from contracts.recordio_message import (
    VALUES_NAME,
    DamagedMessageError,
    MessageLayout,
    Slot,
    Span,
    read_layout,
)

_MAX_LAYOUTS = 16
"""Of one length: beyond that, messages are taken one by one instead of comparing each with all."""

_SHORT = np.iinfo(np.uint16).max
"""Lengths up to here are sorted by counting, which takes a tenth of the time."""

_MAX_VARINT_BYTES = 10
_FLOAT_TYPES = {"float32": "<f4", "float64": "<f8"}


@dataclass(frozen=True, kw_only=True)
class MessageGroup:
    """Some messages with one layout.

    Attributes:
        layout: Where their values stand.
        rows: Which of the messages given they are, ascending.
        messages: Their bytes, shape (rows, message length); a view where they lie at equal distances.
    """

    layout: MessageLayout
    rows: np.ndarray
    messages: np.ndarray

    def numbers(self, slot: Slot) -> np.ndarray:
        """Return the values of a tensor, shape (rows, slot.count), in its own type."""
        if slot.kind in _FLOAT_TYPES:
            content = _columns(self.messages, slot.spans)
            return content.view(_FLOAT_TYPES[slot.kind])
        parts = [_varints(self.messages[:, span.start : span.end]) for span in slot.spans]
        values = [part.reshape(len(self.rows), -1) for part in parts]
        nothing = np.empty((len(self.rows), 0), dtype=np.int32)
        return np.concatenate([nothing, *values], axis=1)

    def texts(self, span: Span) -> np.ndarray:
        """Return the bytes of one span, shape (rows, length)."""
        return self.messages[:, span.start : span.end]


def group_messages(
    content: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> tuple[list[MessageGroup], dict[int, str]]:
    """Read some messages.

    Args:
        content: Bytes that hold them.
        starts: Position of each message.
        lengths: Of each message.

    Returns:
        Groups, and what is wrong with the messages that are in none, by row.
    """
    groups: list[MessageGroup] = []
    faults: dict[int, str] = {}
    is_short = not len(lengths) or lengths.max() <= _SHORT
    order = np.argsort(lengths.astype(np.uint16) if is_short else lengths, kind="stable")
    bounds = np.flatnonzero(np.diff(lengths[order])) + 1
    for rows in np.split(order, bounds) if len(order) else []:
        messages = _stacked(content, starts[rows], int(lengths[rows[0]]))
        for group in _groups(messages, rows, faults):
            groups.append(group)
    return groups, faults


def encode_vectors(vectors: np.ndarray) -> bytes:
    """Return one frame for each vector: a dense float32 tensor `values`, without uid.

    Args:
        vectors: float32 of shape (records, features), at least one feature.
    """
    count, width = vectors.shape
    head = _message_head(4 * width)
    model = frame(head + bytes(4 * width))
    frames = np.empty((count, len(model)), dtype=np.uint8)
    frames[:] = np.frombuffer(model, dtype=np.uint8)
    start = HEADER_BYTES + len(head)
    numbers = np.ascontiguousarray(vectors, dtype="<f4")
    frames[:, start : start + 4 * width] = numbers.view(np.uint8).reshape(count, 4 * width)
    return frames.tobytes()


def _message_head(byte_count: int) -> bytes:
    """Return all that stands before `byte_count` bytes of packed float32 values."""
    head, size = b"", byte_count
    name = b"\x0a" + bytes([len(VALUES_NAME)]) + VALUES_NAME.encode()
    # From the inside: Float32Tensor.values, Value.float32_tensor, the entry's value, Record.features.
    for tag, before in ((b"\x0a", b""), (b"\x12", b""), (b"\x12", name), (b"\x0a", b"")):
        lead = before + tag + _varint_bytes(size)
        head, size = lead + head, size + len(lead)
    return head


def _varint_bytes(value: int) -> bytes:
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _stacked(content: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Return messages of one length as rows, without a copy where they lie at equal distances."""
    distances = np.diff(starts)
    if length and (not len(distances) or (distances[0] > 0 and (distances == distances[0]).all())):
        stride = int(distances[0]) if len(distances) else length
        shape, first = (len(starts), length), content[int(starts[0]) :]
        return np.lib.stride_tricks.as_strided(first, shape, (stride, 1), writeable=False)
    return np.lib.stride_tricks.sliding_window_view(content, length)[starts] if length else _empty(starts)


def _empty(starts: np.ndarray) -> np.ndarray:
    return np.empty((len(starts), 0), dtype=np.uint8)


def _groups(messages: np.ndarray, rows: np.ndarray, faults: dict[int, str]) -> Iterator[MessageGroup]:
    """Yield the groups of messages of one length."""
    layout_count = 0
    while len(rows):
        try:
            layout = read_layout(messages[0].tobytes())
        except DamagedMessageError as error:
            faults[int(rows[0])] = str(error)
            messages, rows = messages[1:], rows[1:]
            continue
        layout_count += 1
        if layout_count > _MAX_LAYOUTS:
            yield MessageGroup(layout=layout, rows=rows[:1], messages=messages[:1])
            messages, rows = messages[1:], rows[1:]
            continue
        is_alike = _are_alike(messages, layout)
        if is_alike.all():
            yield MessageGroup(layout=layout, rows=rows, messages=messages)
            return
        yield MessageGroup(layout=layout, rows=rows[is_alike], messages=messages[is_alike])
        messages, rows = messages[~is_alike], rows[~is_alike]


def _are_alike(messages: np.ndarray, layout: MessageLayout) -> np.ndarray:
    """Say which messages have the layout of the first."""
    spans = [span for slot in layout.slots for span in slot.spans]
    spans += [*layout.ignored] + ([layout.uid] if layout.uid else [])
    is_alike = np.ones(len(messages), dtype=bool)
    position = 0
    end = Span(start=messages.shape[1], end=messages.shape[1], count=0)
    for span in [*sorted(spans, key=lambda span: span.start), end]:
        for start, width in _pieces(position, span.start):
            piece = messages[:, start : start + width].view(f"<u{width}")[:, 0]
            is_alike &= piece == piece[0]
        position = span.end
    for slot in layout.slots:
        for span in slot.spans if slot.kind == "int32" else ():
            is_alike &= _have_varints(messages[:, span.start : span.end], span.count)
    return is_alike


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a range into pieces that are compared as one number."""
    for width in (8, 4, 2, 1):
        while end - start >= width:
            yield start, width
            start += width


def _have_varints(content: np.ndarray, count: int) -> np.ndarray:
    """Say which rows hold exactly `count` whole numbers of at most ten bytes."""
    is_end = content < 0x80
    is_sound: np.ndarray = is_end[:, -1] & (is_end.sum(axis=1) == count)
    if content.shape[1] > _MAX_VARINT_BYTES:
        windows = np.lib.stride_tricks.sliding_window_view(is_end, _MAX_VARINT_BYTES, axis=1)
        is_sound &= np.all(np.any(windows, axis=2), axis=1)
    return is_sound


def _varints(content: np.ndarray) -> np.ndarray:
    """Return the 32-bit numbers in rows of whole varints, one after the other."""
    flat = np.ascontiguousarray(content).reshape(-1)
    ends = np.flatnonzero(flat < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    values = np.zeros(len(ends), dtype=np.uint32)
    for offset in range(5):  # what lies beyond 32 bits is sign only
        positions = np.minimum(starts + offset, ends)
        bits = (flat[positions] & 0x7F).astype(np.uint32) << np.uint32(7 * offset)
        values |= np.where(starts + offset <= ends, bits, np.uint32(0))
    return values.view(np.int32)


def _columns(messages: np.ndarray, spans: tuple[Span, ...]) -> np.ndarray:
    if len(spans) == 1:
        return messages[:, spans[0].start : spans[0].end]
    pieces = [messages[:, span.start : span.end] for span in spans]
    return np.concatenate([_empty(messages), *pieces], axis=1)
