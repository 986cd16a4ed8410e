"""Read one CSV source object as a stream of blocks, each cut at the end of a record.

Goes in: a binary stream of UTF-8 CSV with a header, comma as delimiter. Comes out: blocks of about
`BLOCK_BYTES`, in order. Memory is bounded by the block size and twice the largest record allowed, whatever
the size of the source; a longer record is skipped over and quarantined with its first bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from contracts.dataset import DatasetContract, Field
from contracts.errors import CallerError, bounded, near_matches
from contracts.quarantine import MAX_RAW_BYTES, SourceForm
from preprocessing.csv_parse import UTF8_MARK, CsvBlock, CsvLayout, without_line_end
from preprocessing.csv_scan import RecordScan, decisive_byte_count, scan_records, too_large

MAX_HEADER_CHARS = 400
"""Of a header quoted in a message."""

BLOCK_BYTES = 8 * 1024 * 1024
"""Read at once: large enough that calls cost nothing, small enough that a few blocks fit in memory."""

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True)
class CsvSource:
    """One CSV source object, opened.

    Attributes:
        source_key: Its path below the input, for messages and the quarantine.
        stream: Uncompressed bytes.
        bytes_done: Returns how many bytes as delivered have been read from the source object.
    """

    source_key: str
    stream: BinaryIO
    bytes_done: Callable[[], int]


def needed_fields(contract: DatasetContract) -> list[Field]:
    """Return the fields that every source must have: the id, the features, and what is `required`.

    The label is left out: what is to be scored need not have an outcome yet.
    """
    needed = {contract.id_field, *contract.features}
    return [
        field
        for field in contract.fields
        if field.name in needed or (field.constraints.required and field.name != contract.label)
    ]


def read_csv_blocks(
    source: CsvSource, contract: DatasetContract, *, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[CsvBlock]:
    """Yield the blocks of one source object; none if it is empty or has a header only.

    Raises:
        CallerError: The header is unreadable, names a field twice, or lacks a field that the run needs.
    """
    pieces = _Pieces(source, max_record_bytes, block_bytes)
    layout: CsvLayout | None = None
    for piece in pieces:
        first_record = 0
        if layout is None:
            if not len(piece.scan.starts):
                continue
            layout = _layout(source.source_key, piece, contract)
            first_record = 1
        if len(piece.scan.starts) > first_record:
            yield _block(piece, layout, first_record, source)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Scanned bytes and where they stand."""

    content: bytes
    scan: RecordScan
    byte_offset: int
    line_number: int
    raw_byte_count: int | None = None


class _Pieces:
    """Cut a stream into scanned pieces, keeping count of bytes and lines.

    Which records come out does not depend on where one read ends and the next begins.
    """

    def __init__(self, source: CsvSource, max_record_bytes: int, block_bytes: int) -> None:
        self._source = source
        self._max_record_bytes = max_record_bytes
        self._decisive_byte_count = decisive_byte_count(max_record_bytes)
        self._block_bytes = block_bytes
        self._byte_offset = 0
        self._line_number = 1

    def __iter__(self) -> Iterator[_Piece]:
        reads = self._reads()
        content, wanted_byte_count = b"", 0
        for following in reads:
            content += following
            if following and len(content) < wanted_byte_count:
                continue  # so that a long record is scanned a few times, and not once for every read
            scan = scan_records(content, is_last=not following, max_record_bytes=self._max_record_bytes)
            if scan.consumed_byte_count:
                yield self._piece(content, scan)
                content = content[scan.consumed_byte_count :]
            if len(content) >= self._decisive_byte_count:
                piece, content = self._skip_record(content, reads)
                yield piece
            wanted_byte_count = min(2 * len(content), self._decisive_byte_count)

    def _reads(self) -> Iterator[bytes]:
        """Yield the source without its byte order mark, read by read, and nothing (`b""`) at its end."""
        head = b""
        while len(head) < len(UTF8_MARK) and (following := self._source.stream.read(self._block_bytes)):
            head += following
        if head.startswith(UTF16_MARKS):
            raise CallerError(f"{self._source.source_key}: is UTF-16; expected UTF-8: convert it first")
        if head.startswith(UTF8_MARK):
            self._byte_offset = len(UTF8_MARK)
            head = head[len(UTF8_MARK) :]
        if head:
            yield head
        while following := self._source.stream.read(self._block_bytes):
            yield following
        yield b""

    def _piece(self, content: bytes, scan: RecordScan) -> _Piece:
        piece = _Piece(
            content=content, scan=scan, byte_offset=self._byte_offset, line_number=self._line_number
        )
        self._byte_offset += scan.consumed_byte_count
        self._line_number += int(np.searchsorted(scan.line_feeds, scan.consumed_byte_count))
        return piece

    def _skip_record(self, started: bytes, reads: Iterator[bytes]) -> tuple[_Piece, bytes]:
        """Skip the record that begins with `started`, up to the next line feed.

        Returns:
            A piece with the record's first bytes, and the bytes after the record.
        """
        kept, tail, rest = started[:MAX_RAW_BYTES], started[-2:], b""
        byte_count, line_feed_count = len(started), started.count(b"\n")
        for following in reads:
            end = following.find(b"\n") + 1
            skipped = following[: end or len(following)]
            byte_count += len(skipped)
            kept += skipped[: MAX_RAW_BYTES - len(kept)]
            tail = (tail + skipped[-2:])[-2:]
            if end:
                line_feed_count += 1
                rest = following[end:]
                break
        raw_byte_count = byte_count - len(tail) + len(without_line_end(tail))
        kept = kept[:raw_byte_count]
        scan = RecordScan(
            starts=np.array([0]),
            ends=np.array([len(kept)]),
            line_feeds=np.array([], dtype=np.int64),
            faults={0: too_large(byte_count, self._max_record_bytes)},
            consumed_byte_count=len(kept),
        )
        piece = _Piece(
            content=kept,
            scan=scan,
            byte_offset=self._byte_offset,
            line_number=self._line_number,
            raw_byte_count=raw_byte_count,
        )
        self._byte_offset += byte_count
        self._line_number += line_feed_count
        return piece, rest


def _block(piece: _Piece, layout: CsvLayout, first_record: int, source: CsvSource) -> CsvBlock:
    return CsvBlock(
        content=piece.content,
        starts=piece.scan.starts[first_record:],
        ends=piece.scan.ends[first_record:],
        line_feeds=piece.scan.line_feeds,
        faults={index - first_record: fault for index, fault in piece.scan.faults.items()},
        byte_offset=piece.byte_offset,
        line_number=piece.line_number,
        layout=layout,
        raw_byte_count=piece.raw_byte_count,
        source_bytes_done=source.bytes_done(),
    )


def _near(name: str, header: list[str]) -> str:
    near = near_matches(name, header)
    return f"; {near}" if near.startswith("did you mean") else ""


def _layout(source_key: str, piece: _Piece, contract: DatasetContract) -> CsvLayout:
    """Read the header and find the contract's fields in it."""
    if 0 in piece.scan.faults:
        raise CallerError(f"{source_key}: the header is unreadable: {piece.scan.faults[0].message}")
    raw = piece.content[int(piece.scan.starts[0]) : int(piece.scan.ends[0])]
    try:
        header = next(csv.reader([raw.decode().rstrip("\r\n")], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CallerError(f"{source_key}: the header is unreadable: {error}; expected UTF-8 CSV") from error
    faults = [
        f"the header names {name!r} twice"
        for name in dict.fromkeys(header)
        if name and header.count(name) > 1
    ]
    missing = [field.name for field in needed_fields(contract) if field.name not in header]
    faults += [f"the header lacks the field {name!r}{_near(name, header)}" for name in missing]
    if missing:
        faults.append("the header is " + bounded(", ".join(header), MAX_HEADER_CHARS))
    if missing and len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        faults.append("it looks as if another character than `,` separates the fields")
    if faults:
        raise CallerError(f"{source_key}: " + "; ".join(faults))
    fields = tuple(field for field in contract.fields if field.name in header)
    return CsvLayout(
        source_key=source_key,
        source_form=SourceForm(format="csv", header=without_line_end(raw)),
        column_count=len(header),
        fields=fields,
        positions=tuple(header.index(field.name) for field in fields),
        missing_values=contract.missing_values,
    )
