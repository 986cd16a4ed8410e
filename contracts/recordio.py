"""RecordIO framing: where the records of a byte stream begin and end, and which bytes are damaged.

A frame is the magic number, a 32-bit word (little endian) with a flag in its upper three bits and the
payload's length in the others, the payload, and zeros up to a multiple of four. A record is one frame, or the
frames of its parts: a first, any middle ones and a last. Writers cut a payload at a magic number and leave
that out, so parts are joined with a magic number between them [dmlc-core src/recordio.cc]. The last frame of
a stream may lack its padding. What a payload means is for `recordio_message` to say.

Reading follows the lengths. Where they lead astray, the damaged bytes become one fault, and reading goes on
at the next header: a magic number with a flag that exists and a length within the limit. Every byte belongs
to exactly one record or fault, and which one does not depend on where a stream is cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

MAGIC = 0xCED7230A
MAGIC_BYTES = MAGIC.to_bytes(4, "little")
HEADER_BYTES = 8
MAX_PAYLOAD_BYTES = 2**29 - 1
_LENGTH_BITS = 29

WHOLE, FIRST, MIDDLE, LAST = range(4)


class Blockage(Enum):
    """Why a scan cannot go on within the bytes at hand, though there is something to be said about them."""

    DAMAGE = "damage"
    TOO_LARGE = "too_large"
    TOO_MANY_PARTS = "too_many_parts"


@dataclass(frozen=True, kw_only=True)
class FrameScan:
    """The records of some bytes; each begins where the one before it ends.

    Attributes:
        starts: Position of each record's first byte, its header's.
        ends: Position after each record, its padding included.
        faults: What is wrong, by index of a record that is no sound sequence of frames.
        parted: Indices of the records that have more than one frame.
        consumed_byte_count: Where the first record begins that is not decided yet.
        blockage: What stands there, if it cannot be decided with a few more bytes.
        blockage_message: What is wrong there, for Blockage.DAMAGE.
    """

    starts: np.ndarray
    ends: np.ndarray
    faults: dict[int, str]
    parted: tuple[int, ...]
    consumed_byte_count: int
    blockage: Blockage | None
    blockage_message: str = ""


def frame(payload: bytes, flag: int = WHOLE) -> bytes:
    """Return a frame with that payload of at most MAX_PAYLOAD_BYTES."""
    word = (flag << _LENGTH_BITS) | len(payload)
    return MAGIC_BYTES + word.to_bytes(4, "little") + payload + bytes(-len(payload) % 4)


def payload_lengths(content: bytes | np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the payload's length in each frame that begins at `starts`."""
    return _words(_as_bytes(content), starts + 4) & MAX_PAYLOAD_BYTES


def payload_of(record: bytes) -> bytes:
    """Return the payload of one sound record, its parts joined."""
    return MAGIC_BYTES.join(record[start:end] for start, end in _payload_ranges(record))


def without_padding(record: bytes) -> bytes:
    """Return one sound record without the zeros at its end."""
    return record[: max(end for _, end in _payload_ranges(record))]


def _payload_ranges(record: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while position < len(record):
        word = int.from_bytes(record[position + 4 : position + HEADER_BYTES], "little")
        start = position + HEADER_BYTES
        end = start + (word & MAX_PAYLOAD_BYTES)
        yield start, end
        position = end + -(end - start) % 4


def whole_messages(
    content: bytes, starts: np.ndarray, ends: np.ndarray, parted: Iterable[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bytes that hold every record's payload in one piece, where each begins, and how long it is.

    Args:
        content: Bytes that hold the records.
        starts: Of sound records.
        ends: Of the same records.
        parted: Which of them have more than one frame.
    """
    array = _as_bytes(content)
    lengths, positions = payload_lengths(array, starts), starts + HEADER_BYTES
    pieces, byte_count = [array], len(array)
    for index in parted:
        payload = payload_of(content[int(starts[index]) : int(ends[index])])
        positions[index], lengths[index] = byte_count, len(payload)
        pieces.append(_as_bytes(payload))
        byte_count += len(payload)
    return np.concatenate(pieces) if len(pieces) > 1 else array, positions, lengths


def next_header(content: bytes, start: int, max_record_bytes: int) -> int:
    """Return the position of the first header at or after `start`, or -1."""
    position = content.find(MAGIC_BYTES, start)
    while position >= 0 and position + HEADER_BYTES <= len(content):
        flag, byte_count = header_at(content, position)
        if flag <= LAST and byte_count <= max_record_bytes:
            return position
        position = content.find(MAGIC_BYTES, position + 1)
    return -1


def header_at(content: bytes, position: int) -> tuple[int, int]:
    """Return the flag of the frame at `position` and its size with header and padding."""
    word = int.from_bytes(content[position + 4 : position + HEADER_BYTES], "little")
    length = payload_length_at(content, position)
    return word >> _LENGTH_BITS, HEADER_BYTES + length + -length % 4


def payload_length_at(content: bytes, position: int) -> int:
    """Return how long the payload of the frame at `position` says it is, without header and padding."""
    return int.from_bytes(content[position + 4 : position + HEADER_BYTES], "little") & MAX_PAYLOAD_BYTES


def scan_frames(content: bytes, *, is_last: bool, max_record_bytes: int) -> FrameScan:
    """Find the records in `content`, which begins at a record.

    Args:
        content: Bytes of a stream.
        is_last: Whether the stream ends with them.
        max_record_bytes: A record's largest size, headers and padding included; a larger one is a blockage.
    """
    scan = _Scan(content, is_last, max_record_bytes)
    while scan.blockage is None and scan.step():
        pass
    return scan.result()


def _as_bytes(content: bytes | np.ndarray) -> np.ndarray:
    return content if isinstance(content, np.ndarray) else np.frombuffer(content, dtype=np.uint8)


def _words(content: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the 32-bit numbers at some positions, as int64."""
    words = np.zeros(len(positions), dtype=np.int64)
    for number in range(4):
        words |= content[positions + number].astype(np.int64) << (8 * number)
    return words


def _magic_positions(content: np.ndarray) -> np.ndarray:
    """Return where magic numbers begin that have a whole header, wherever they stand."""
    found = np.flatnonzero(content[: max(0, len(content) - HEADER_BYTES + 1)] == MAGIC_BYTES[0])
    for number in range(1, 4):
        found = found[content[found + number] == MAGIC_BYTES[number]]
    return found


class _Scan:
    """The state of one scan.

    Runs of whole frames, each followed by the next magic number, are taken at once; everything else is looked
    at frame by frame.
    """

    def __init__(self, content: bytes, is_last: bool, max_record_bytes: int) -> None:
        self._content = content
        self._size = len(content)
        self._is_last = is_last
        self._max_record_bytes = max_record_bytes
        array = _as_bytes(content)
        self._magics = _magic_positions(array)
        words = _words(array, self._magics + 4)
        lengths = words & MAX_PAYLOAD_BYTES
        self._flags = words >> _LENGTH_BITS
        self._frame_ends = self._magics + HEADER_BYTES + lengths + -lengths % 4
        is_header = (self._flags <= LAST) & (self._frame_ends - self._magics <= max_record_bytes)
        self._headers = self._magics[is_header]
        is_linked = is_header & (self._flags == WHOLE)
        is_linked[:-1] &= self._frame_ends[:-1] == self._magics[1:]
        is_linked[-1:] = False
        self._breaks = np.flatnonzero(~is_linked)
        self._position = 0
        self._starts: list[np.ndarray] = []
        self._ends: list[np.ndarray] = []
        self._count = 0
        self._faults: dict[int, str] = {}
        self._parted: list[int] = []
        self.blockage: Blockage | None = None
        self._blockage_message = ""

    def result(self) -> FrameScan:
        """Return what was found."""
        nothing = np.empty(0, dtype=np.int64)
        return FrameScan(
            starts=np.concatenate([nothing, *self._starts]),
            ends=np.concatenate([nothing, *self._ends]),
            faults=self._faults,
            parted=tuple(self._parted),
            consumed_byte_count=self._position,
            blockage=self.blockage,
            blockage_message=self._blockage_message,
        )

    def step(self) -> bool:
        """Take what begins at the position, and say whether there may be more."""
        at = int(self._magics.searchsorted(self._position))
        if at < len(self._magics) and self._magics[at] == self._position:
            last = int(self._breaks[self._breaks.searchsorted(at)])
            if last > at:
                self._add(self._magics[at:last], self._frame_ends[at:last])
                return True
        if self._size - self._position < HEADER_BYTES:
            return self._end_of_bytes()
        if at == len(self._magics) or self._magics[at] != self._position:
            return self._damage(self._position + 1, self._size, "no frame begins with the magic number here")
        if self._flags[at] > LAST:
            return self._damage(self._position + 1, self._size, f"flag {self._flags[at]} does not exist")
        return self._frame(at)

    def _frame(self, at: int) -> bool:
        """Take the record whose first header is the magic number of index `at`."""
        end = int(self._frame_ends[at])
        if end - self._position > self._max_record_bytes:
            self.blockage = Blockage.TOO_LARGE
            return False
        if end + HEADER_BYTES > self._size and not self._is_last:
            return False
        if self._is_cut(at):
            message = f"the frame says {self._length(at)} bytes, which is beyond the end of the source object"
            return self._damage(self._position + 1, self._size, message)
        end = min(end, self._size)
        is_followed = end == self._size or self._content[end : end + 4] == MAGIC_BYTES
        if not is_followed and self._next_header(self._position + 1, end) is not None:
            message = "the length of the frame leads to no other frame, though one begins before"
            return self._damage(self._position + 1, end, message)
        if self._flags[at] == FIRST:
            return self._parts(end)
        if self._flags[at] != WHOLE:
            self._fault(end, "the frame is a part of a record whose first part is missing")
        else:
            self._add(np.array([self._position]), np.array([end]))
        return True

    def _length(self, at: int) -> int:
        start = int(self._magics[at])
        return int.from_bytes(self._content[start + 4 : start + HEADER_BYTES], "little") & MAX_PAYLOAD_BYTES

    def _is_cut(self, at: int) -> bool:
        """Say whether the payload of a frame goes beyond the end of the bytes."""
        return int(self._magics[at]) + HEADER_BYTES + self._length(at) > self._size

    def _parts(self, end: int) -> bool:
        """Take the record whose first part ends at `end`."""
        while end + HEADER_BYTES <= self._size or self._is_last:
            at = int(self._magics.searchsorted(end))
            is_part = at < len(self._magics) and self._magics[at] == end
            if not is_part or self._flags[at] not in (MIDDLE, LAST):
                self._fault(end, "the record's last part is missing")
                return True
            part_end = int(self._frame_ends[at])
            if part_end - self._position > self._max_record_bytes:
                self.blockage = Blockage.TOO_MANY_PARTS
                return False
            if part_end > self._size and not self._is_last:
                return False
            if self._is_cut(at):
                message = "a part of the record is beyond the end of the source object"
                return self._damage(end + 1, self._size, message)
            end = min(part_end, self._size)
            if self._flags[at] == LAST:
                self._parted.append(self._count)
                self._add(np.array([self._position]), np.array([end]))
                return True
        return False

    def _end_of_bytes(self) -> bool:
        if self._is_last and self._position < self._size:
            self._fault(self._size, "the source object ends within a frame")
        return False

    def _damage(self, start: int, end: int, message: str) -> bool:
        """Note a fault up to the next header in a range, or to the end of the stream."""
        header = self._next_header(start, end)
        if header is None and not self._is_last:
            self.blockage, self._blockage_message = Blockage.DAMAGE, message
            return False
        self._fault(self._size if header is None else header, message)
        return True

    def _next_header(self, start: int, end: int) -> int | None:
        at = int(self._headers.searchsorted(start))
        return int(self._headers[at]) if at < len(self._headers) and self._headers[at] < end else None

    def _fault(self, end: int, message: str) -> None:
        self._faults[self._count] = message
        self._add(np.array([self._position]), np.array([end]))

    def _add(self, starts: np.ndarray, ends: np.ndarray) -> None:
        self._starts.append(starts)
        self._ends.append(ends)
        self._count += len(starts)
        self._position = int(ends[-1])
