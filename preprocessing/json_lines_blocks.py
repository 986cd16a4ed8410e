"""Read one JSON Lines source object as a stream of blocks, each cut at the end of a line.

Goes in: a binary stream of UTF-8, one JSON object a line; lines end with LF or CR LF, a line of nothing but
white space is no record, and a byte order mark is skipped. Comes out: blocks of about `BLOCK_BYTES`, in
order. Memory is bounded by the block size and twice the largest record allowed; a longer line is skipped
over and quarantined with its first bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES, SourceForm
from preprocessing.csv_text import UTF8_MARK, UTF16_MARKS
from preprocessing.json_parse import JsonBlock, JsonLayout
from preprocessing.records import BLOCK_BYTES, OpenSource, StructureFault, too_large

LINE_FEED, CARRIAGE_RETURN, SPACE, TAB = b"\n\r \t"


def read_json_lines_blocks(
    source: OpenSource, contract: DatasetContract, *, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[JsonBlock]:
    """Yield the blocks of one source object; none if it has no record.

    Raises:
        CallerError: It is UTF-16.
    """
    form = SourceForm(format="jsonlines")
    layout = JsonLayout(source_key=source.source_key, source_form=form, contract=contract)
    yield from _Lines(source, layout, max_record_bytes).blocks(block_bytes)


def reads_without_mark(source: OpenSource, block_bytes: int) -> tuple[int, Iterator[bytes]]:
    """Return how long the byte order mark is, and the reads after it.

    Raises:
        CallerError: The source object is UTF-16.
    """
    head = b""
    while len(head) < len(UTF8_MARK) and (following := source.stream.read(block_bytes)):
        head += following
    if head.startswith(UTF16_MARKS):
        raise CallerError(f"{source.source_key}: is UTF-16; expected UTF-8: convert it first")
    mark_byte_count = len(UTF8_MARK) if head.startswith(UTF8_MARK) else 0
    return mark_byte_count, _reads(head[mark_byte_count:], source, block_bytes)


def _reads(head: bytes, source: OpenSource, block_bytes: int) -> Iterator[bytes]:
    if head:
        yield head
    while following := source.stream.read(block_bytes):
        yield following


class _Lines:
    """Cut a stream into blocks of whole lines, keeping count of bytes and lines."""

    def __init__(self, source: OpenSource, layout: JsonLayout, max_record_bytes: int) -> None:
        self._source = source
        self._layout = layout
        self._max_record_bytes = max_record_bytes
        self._byte_offset = 0
        self._line_number = 1
        self._is_first = True

    def blocks(self, block_bytes: int) -> Iterator[JsonBlock]:
        """Yield the blocks that have a record."""
        self._byte_offset, reads = reads_without_mark(self._source, block_bytes)
        content = b""
        for read in reads:
            following = read
            while following:
                end = following.rfind(b"\n") + 1
                if end:
                    yield from self._block(content + following[:end])
                    content = b""
                content, following = content + following[end:], b""
                if len(content) > self._max_record_bytes + 1:  # one more may be the CR of a CR LF
                    block, following = self._skip(content, reads)
                    yield block
                    content = b""
        if content:
            yield from self._block(content)

    def _block(self, content: bytes) -> Iterator[JsonBlock]:
        values = np.frombuffer(content, dtype=np.uint8)
        line_feeds = np.flatnonzero(values == LINE_FEED)
        ends = line_feeds if content.endswith(b"\n") else np.append(line_feeds, len(content))
        starts = np.concatenate(([0], ends[:-1] + 1))
        ends = ends - ((ends > starts) & (values[np.maximum(ends - 1, 0)] == CARRIAGE_RETURN))
        is_record = ~_is_blank(content, values, starts, ends) | (ends - starts > self._max_record_bytes)
        starts, ends = starts[is_record], ends[is_record]
        if len(starts):
            too_long = np.flatnonzero(ends - starts > self._max_record_bytes).tolist()
            faults = {index: self._too_large(int(ends[index] - starts[index])) for index in too_long}
            yield self._made(content, starts, ends, line_feeds, faults)
        self._byte_offset += len(content)
        self._line_number += len(line_feeds)

    def _skip(self, started: bytes, reads: Iterator[bytes]) -> tuple[JsonBlock, bytes]:
        """Skip the line that begins with `started`; return a block with its first bytes, and what follows."""
        kept, last = started[:MAX_RAW_BYTES], started[-1:]
        byte_count, end, rest = len(started), 0, b""
        for following in reads:
            end = following.find(b"\n") + 1
            line = following[: end - 1] if end else following
            kept += line[: MAX_RAW_BYTES - len(kept)]
            byte_count += len(line)
            last = line[-1:] or last
            if end:
                rest = following[end:]
                break
        length = byte_count - (last == b"\r")
        bounds = np.array([0]), np.array([min(len(kept), length)])
        nothing = np.array([], dtype=np.int64)
        block = self._made(kept, *bounds, nothing, {0: self._too_large(length)}, raw_byte_count=length)
        self._byte_offset += byte_count + bool(end)
        self._line_number += bool(end)
        return block, rest

    def _too_large(self, byte_count: int) -> StructureFault:
        return too_large(byte_count, self._max_record_bytes)

    def _made(
        self,
        content: bytes,
        starts: np.ndarray,
        ends: np.ndarray,
        line_feeds: np.ndarray,
        faults: dict[int, StructureFault],
        raw_byte_count: int | None = None,
    ) -> JsonBlock:
        is_first, self._is_first = self._is_first, self._is_first and len(faults) == len(starts)
        return JsonBlock(
            content=content,
            starts=starts,
            ends=ends,
            line_feeds=line_feeds,
            faults=faults,
            byte_offset=self._byte_offset,
            line_number=self._line_number,
            layout=self._layout,
            raw_byte_count=raw_byte_count,
            source_bytes_done=self._source.bytes_done(),
            is_first=is_first,
        )


def _is_blank(content: bytes, values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return which lines hold nothing but white space."""
    is_blank = np.equal(starts, ends)
    firsts = values[np.minimum(starts, len(values) - 1)]
    for index in np.flatnonzero(np.isin(firsts, [SPACE, TAB, CARRIAGE_RETURN]) & ~is_blank).tolist():
        is_blank[index] = not content[int(starts[index]) : int(ends[index])].strip(b" \t\r")
    return np.asarray(is_blank)
