"""Read one JSON source object, an array of objects, as a stream of blocks, each cut between two elements.

Goes in: a binary stream of UTF-8, `[{…}, {…}]` with any white space, or JSON Lines, which many tools name
`.json` too: what the first byte says is believed. Comes out: blocks of about `BLOCK_BYTES`, in order; a
record's place is the first byte of its element. Memory is bounded by the block size and twice the largest
record allowed; a longer element is skipped over and quarantined with its first bytes.

An array without an end and text after its end are errors: nobody knows how many records are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

import numpy as np

from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES, SourceForm
from preprocessing.csv_text import UTF8_MARK
from preprocessing.json_array_scan import ArrayScan
from preprocessing.json_lines_blocks import LINE_FEED, read_json_lines_blocks, reads_without_mark
from preprocessing.json_parse import JsonBlock, JsonLayout
from preprocessing.records import BLOCK_BYTES, OpenSource, StructureFault, malformed, too_large

MAX_BLANK_BYTES = 1024 * 1024
"""After so many blanks, objects without an array around them are not expected any more."""

WHITE_SPACE = b" \t\r\n"
MAX_TRIM_STEPS = 64
"""Blanks around elements that are taken off for all elements at once; what has more is looked at alone."""

_IS_BLANK = np.zeros(256, dtype=bool)
_IS_BLANK[list(WHITE_SPACE)] = True

NO_ELEMENT = "nothing stands where an element should: a comma too many"


def read_json_blocks(
    source: OpenSource, contract: DatasetContract, *, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[JsonBlock]:
    """Yield the blocks of one source object; none if it is empty or an empty array.

    Raises:
        CallerError: It is neither an array nor objects, has no end, or has text after its end.
    """
    head = _head(source, block_bytes)
    source = replace(source, stream=cast("BinaryIO", _Rejoined(head, source.stream)))
    if head.removeprefix(UTF8_MARK).lstrip(WHITE_SPACE).startswith(b"{"):
        yield from read_json_lines_blocks(
            source, contract, max_record_bytes=max_record_bytes, block_bytes=block_bytes
        )
        return
    form = SourceForm(format="json")
    layout = JsonLayout(source_key=source.source_key, source_form=form, contract=contract)
    yield from _Elements(source, layout, max_record_bytes).blocks(block_bytes)


def _head(source: OpenSource, block_bytes: int) -> bytes:
    """Return the first bytes, with the first that is not blank among them unless it comes late."""
    head = b""
    while len(head) < MAX_BLANK_BYTES and not head.strip(UTF8_MARK + WHITE_SPACE):
        following = source.stream.read(block_bytes)
        if not following:
            break
        head += following
    return head


class _Rejoined:
    """A stream of which the first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def read(self, byte_count: int) -> bytes:
        if not self._head:
            return self._stream.read(byte_count)
        head, self._head = self._head[:byte_count], self._head[byte_count:]
        return head


class _LongElement:
    """An element that is longer than what is read at once, of which only the first bytes are kept."""

    def __init__(self, started: bytes, max_kept_bytes: int) -> None:
        self._max_kept_bytes = max_kept_bytes
        self.kept = b""
        self.byte_count = 0
        self.length = 0
        self.line_feed_count = 0
        self.add(started)

    def add(self, content: bytes) -> None:
        """Take what follows."""
        self.kept += content[: self._max_kept_bytes - len(self.kept)]
        solid = content.rstrip(WHITE_SPACE)
        self.length = self.byte_count + len(solid) if solid else self.length
        self.byte_count += len(content)
        self.line_feed_count += content.count(b"\n")


class _Elements:
    """Cut a stream into blocks of whole elements, keeping count of bytes and lines."""

    def __init__(self, source: OpenSource, layout: JsonLayout, max_record_bytes: int) -> None:
        self._source = source
        self._layout = layout
        self._max_record_bytes = max_record_bytes
        self._scan = ArrayScan()
        self._long: _LongElement | None = None
        self._byte_offset = 0
        self._line_number = 1
        self._record_count = 0
        self._is_first = True
        self._is_open = False

    def blocks(self, block_bytes: int) -> Iterator[JsonBlock]:
        """Yield the blocks."""
        self._byte_offset, reads = reads_without_mark(self._source, block_bytes)
        content = b""
        for following in self._after_bracket(reads):
            bounds = self._scan.feed(following)
            ends = bounds.ends
            if self._long is None:
                content, ends = content + following, ends + len(content)
            else:
                stop = int(ends[0]) if len(ends) else len(following)
                self._long.add(following[:stop])
                if not len(ends):
                    continue
                yield self._long_block(self._long, None)
                self._advance(b",")
                content, ends = following[stop + 1 :], ends[1:] - (stop + 1)
            if len(ends):
                consumed = int(ends[-1]) + 1
                yield from self._block(content[:consumed], ends, bounds.is_closed)
                content = content[consumed:]
            if bounds.is_closed:
                return self._check_rest(content, reads)
            content = self._begun(content)
        self._check_end(content)
        return None

    def _after_bracket(self, reads: Iterator[bytes]) -> Iterator[bytes]:
        """Yield what follows the opening bracket; nothing if there is nothing but white space.

        Raises:
            CallerError: It begins with something else.
        """
        for following in reads:
            rest = following.lstrip(WHITE_SPACE)
            self._advance(following[: len(following) - len(rest)])
            if not rest:
                continue
            if not rest.startswith(b"["):
                begin = rest[:20].decode(errors="backslashreplace")
                raise CallerError(
                    f"{self._layout.source_key}: begins with {begin!r}; expected a JSON array of objects, "
                    "`[{…}, {…}]`, or one object a line; if it is something else, set InputFormat"
                )
            self._advance(b"[")
            self._is_open = True
            yield rest[1:]
            yield from reads

    def _begun(self, content: bytes) -> bytes:
        """Return the first bytes of an element without the blanks before it; none if it gets too long."""
        begun = content.lstrip(WHITE_SPACE)
        self._advance(content[: len(content) - len(begun)])
        if len(begun) <= self._max_record_bytes:
            return begun
        self._long = _LongElement(begun, max(self._max_record_bytes, MAX_RAW_BYTES))
        return b""

    def _block(self, content: bytes, ends: np.ndarray, is_closed: bool) -> Iterator[JsonBlock]:
        """Yield the elements that end at `ends`, if any: nothing is one only beside others."""
        values = np.frombuffer(content, dtype=np.uint8).copy()
        starts = np.concatenate(([0], ends[:-1] + 1))
        values[ends] = WHITE_SPACE[0]
        starts, stops = _trimmed(content, values, starts, ends)
        lengths = stops - starts
        is_nothing = is_closed and len(ends) == 1 and not lengths[0] and not self._record_count
        if not is_nothing:
            faults = {index: malformed(NO_ELEMENT) for index in np.flatnonzero(lengths == 0).tolist()}
            for index in np.flatnonzero(lengths > self._max_record_bytes).tolist():
                faults[index] = too_large(int(lengths[index]), self._max_record_bytes)
            yield self._made(values.tobytes(), starts, stops, faults)
        self._advance(content)

    def _long_block(self, long: _LongElement, fault: StructureFault | None) -> JsonBlock:
        self._long = None
        faults = {} if fault is None else {0: fault}
        if long.length > self._max_record_bytes:
            faults.setdefault(0, too_large(long.length, self._max_record_bytes))
        kept = long.kept[: long.length]
        block = self._made(kept, np.array([0]), np.array([len(kept)]), faults, raw_byte_count=long.length)
        self._byte_offset += long.byte_count
        self._line_number += long.line_feed_count
        return block

    def _check_end(self, content: bytes) -> None:
        """Raise a CallerError if the array has no end."""
        if not self._is_open:
            return
        long = self._long or _LongElement(content, MAX_RAW_BYTES)
        raise CallerError(
            f"{self._layout.source_key}: line {self._line_number + long.line_feed_count}: the array has "
            "no `]` at its end: it is cut off, or a quote or brace in it is not closed, and records may be "
            "missing; deliver it again"
        )

    def _check_rest(self, content: bytes, reads: Iterator[bytes]) -> None:
        """Raise a CallerError if anything but white space stands behind the array."""
        for following in (content, *reads):
            rest = following.lstrip(WHITE_SPACE)
            self._advance(following[: len(following) - len(rest)])
            if rest:
                begin = rest[:20].decode(errors="backslashreplace")
                raise CallerError(
                    f"{self._layout.source_key}: line {self._line_number}, byte {self._byte_offset}: "
                    f"{begin!r} follows the end of the array; expected nothing: remove a bracket too many, "
                    "or deliver several arrays as one source object each"
                )

    def _advance(self, content: bytes) -> None:
        self._byte_offset += len(content)
        self._line_number += content.count(b"\n")

    def _made(
        self,
        content: bytes,
        starts: np.ndarray,
        ends: np.ndarray,
        faults: dict[int, StructureFault],
        raw_byte_count: int | None = None,
    ) -> JsonBlock:
        self._record_count += len(starts)
        is_first, self._is_first = self._is_first, self._is_first and len(faults) == len(starts)
        return JsonBlock(
            content=content,
            starts=starts,
            ends=ends,
            line_feeds=np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == LINE_FEED),
            faults=faults,
            byte_offset=self._byte_offset,
            line_number=self._line_number,
            layout=self._layout,
            raw_byte_count=raw_byte_count,
            source_bytes_done=self._source.bytes_done(),
            is_first=is_first,
        )


def _trimmed(
    content: bytes, values: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the elements begin and end without the blanks around them; what is blank, at its end."""
    starts, ends, given_ends = starts.copy(), ends.copy(), ends
    pending = np.arange(len(starts))
    for _ in range(MAX_TRIM_STEPS):
        pending = pending[(starts[pending] < ends[pending])]
        is_blank = _IS_BLANK[values[starts[pending]]]
        is_blank_end = _IS_BLANK[values[ends[pending] - 1]]
        starts[pending] += is_blank
        ends[pending] -= is_blank_end & (starts[pending] < ends[pending])
        pending = pending[is_blank | is_blank_end]
        if not len(pending):
            break
    for index in pending.tolist():
        element = content[int(starts[index]) : int(ends[index])]
        starts[index] += len(element) - len(element.lstrip(WHITE_SPACE))
        ends[index] = starts[index] + len(element.strip(WHITE_SPACE))
    is_nothing = starts >= ends
    return np.where(is_nothing, given_ends, starts), np.where(is_nothing, given_ends, ends)
