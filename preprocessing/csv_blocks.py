"""Read one CSV source object as a stream of blocks, each cut at the end of a record.

Goes in: a binary stream of CSV, written as the contract's `dialect` says or the source itself shows. Comes
out: blocks of about `BLOCK_BYTES`, in order. Memory is bounded by the block size and twice the largest record
allowed, whatever the size of the source; a longer record is skipped and quarantined with its first bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contracts.dataset import AUTO_DELIMITER, DELIMITERS, DatasetContract
from contracts.quarantine import MAX_RAW_BYTES
from preprocessing.csv_header import (
    FirstRecord,
    HeaderRules,
    choose_delimiter,
    header_layout,
    headerless_layout,
)
from preprocessing.csv_parse import CsvBlock, CsvLayout, without_line_end
from preprocessing.csv_scan import RecordScan, decisive_byte_count, scan_records
from preprocessing.csv_text import open_text
from preprocessing.missing_fields import needed_fields
from preprocessing.records import BLOCK_BYTES, OpenSource, too_large

MAX_BLOCK_RECORDS = 131_072
"""Bounds memory where records are tiny and all of them wrong: each of those is an object of its own."""

KEPT_BYTES = MAX_RAW_BYTES * 3 // 2
"""Kept of a record that is skipped: so many bytes of UTF-8, at most, were MAX_RAW_BYTES of UTF-16."""


def read_csv_blocks(
    source: OpenSource, contract: DatasetContract, *, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[CsvBlock]:
    """Yield the blocks of one source object; none if it is empty or has a header only.

    Raises:
        CallerError: The header is unreadable, names a field twice, or lacks a field that the run needs; or
            the text is of an encoding that cannot be read, or is UTF-16 and ends inside a character.
    """
    pieces = _Pieces(source, contract, max_record_bytes, block_bytes)
    layout: CsvLayout | None = None
    for piece in pieces:
        first_record = 0
        if layout is None:
            if not len(piece.scan.starts):
                continue
            layout, first_record = _layout(piece, pieces.rules, pieces.delimiter)
        for first in range(first_record, len(piece.scan.starts), MAX_BLOCK_RECORDS):
            yield _block(piece, layout, first, source)


def _layout(piece: _Piece, rules: HeaderRules, delimiter: str) -> tuple[CsvLayout, int]:
    """Return how to read the source that begins with `piece`, and the index of its first data record."""
    if not rules.contract.dialect.has_header:
        return headerless_layout(rules, delimiter), 0
    fault = piece.scan.faults.get(0)
    content = piece.content[int(piece.scan.starts[0]) : int(piece.scan.ends[0])]
    record = FirstRecord(content=content, fault=fault.message if fault else None)
    return header_layout(record, rules, delimiter), 1


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Scanned bytes and where they stand.

    Attributes:
        content: The bytes, as scanned.
        scan: The records in them.
        byte_offset: Of `content` in what is scanned.
        line_number: Of its first line.
        raw_byte_count: Length in the source of the only record, where `content` holds its first bytes only.
    """

    content: bytes
    scan: RecordScan
    byte_offset: int
    line_number: int
    raw_byte_count: int | None = None


class _Pieces:
    """Cut a stream into scanned pieces, keeping count of bytes and lines.

    Which records come out does not depend on where one read ends and the next begins.

    Attributes:
        rules: What the source is expected to begin with.
        delimiter: Between its fields; known when the first piece is.
    """

    def __init__(
        self, source: OpenSource, contract: DatasetContract, max_record_bytes: int, block_bytes: int
    ) -> None:
        text = open_text(source.stream, contract.dialect.encoding, source.source_key, block_bytes)
        self.rules = HeaderRules(
            source_key=source.source_key,
            contract=contract,
            needed=tuple(field.name for field in needed_fields(contract)),
            encoding=text.encoding,
            max_record_bytes=max_record_bytes,
        )
        declared = contract.dialect.delimiter
        self.delimiter = "" if declared == AUTO_DELIMITER else declared
        self._read_on = text.read_on
        self._max_record_bytes = max_record_bytes
        self._decisive_byte_count = decisive_byte_count(max_record_bytes)
        self._byte_offset = text.mark_byte_count
        self._line_number = 1

    def __iter__(self) -> Iterator[_Piece]:
        content, wanted_byte_count, is_last = b"", 0, False
        while not is_last:
            known_byte_count = len(content)
            content = self._read_on(content)
            is_last = len(content) == known_byte_count
            if not is_last and len(content) < wanted_byte_count:
                continue  # so that a long record is scanned a few times, and not once for every read
            scan = self._scan(content, is_last=is_last)
            if scan.consumed_byte_count:
                yield self._piece(content, scan)
                content = content[scan.consumed_byte_count :]
            if len(content) >= self._decisive_byte_count:
                self.delimiter = self.delimiter or DELIMITERS[0]
                piece, content = self._skip_record(content)
                yield piece
            wanted_byte_count = min(2 * len(content), self._decisive_byte_count)

    def _scan(self, content: bytes, *, is_last: bool) -> RecordScan:
        """Scan for records; for none but blank lines while the delimiter cannot be known."""
        scan = self._scan_with(self.delimiter or DELIMITERS[0], content, is_last)
        if self.delimiter or not len(scan.starts):
            return scan
        is_all = is_last or len(content) >= self._decisive_byte_count
        self.delimiter = choose_delimiter(content, self.rules, is_last=is_last, is_all=is_all) or ""
        if not self.delimiter:
            none = scan.starts[:0]
            return dataclasses.replace(scan, starts=none, ends=none, faults={}, consumed_byte_count=0)
        return scan if self.delimiter == DELIMITERS[0] else self._scan_with(self.delimiter, content, is_last)

    def _scan_with(self, delimiter: str, content: bytes, is_last: bool) -> RecordScan:
        return scan_records(
            content,
            is_last=is_last,
            max_record_bytes=self._max_record_bytes,
            delimiter=delimiter.encode(),
        )

    def _piece(self, content: bytes, scan: RecordScan) -> _Piece:
        piece = _Piece(
            content=content, scan=scan, byte_offset=self._byte_offset, line_number=self._line_number
        )
        self._byte_offset += scan.consumed_byte_count
        self._line_number += int(np.searchsorted(scan.line_feeds, scan.consumed_byte_count))
        return piece

    def _skip_record(self, started: bytes) -> tuple[_Piece, bytes]:
        """Skip the record that begins with `started`, up to the next line feed.

        Returns:
            A piece with the record's first bytes, and the bytes after the record.
        """
        encoding = self.rules.encoding
        kept, tail, rest = started[:KEPT_BYTES], started[-2:], b""
        byte_count, line_feed_count = len(started), started.count(b"\n")
        raw_byte_count = encoding.raw_byte_count(started)
        while following := self._read_on(b""):
            end = following.find(b"\n") + 1
            skipped = following[: end or len(following)]
            byte_count += len(skipped)
            raw_byte_count += encoding.raw_byte_count(skipped)
            kept += skipped[: KEPT_BYTES - len(kept)]
            tail = (tail + skipped[-2:])[-2:]
            if end:
                line_feed_count += 1
                rest = following[end:]
                break
        line_end_byte_count = len(tail) - len(without_line_end(tail))
        kept = kept[: byte_count - line_end_byte_count]
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
            raw_byte_count=raw_byte_count - line_end_byte_count * encoding.unit_bytes,
        )
        self._byte_offset += byte_count
        self._line_number += line_feed_count
        return piece, rest


def _block(piece: _Piece, layout: CsvLayout, first_record: int, source: OpenSource) -> CsvBlock:
    end_record = first_record + MAX_BLOCK_RECORDS
    return CsvBlock(
        content=piece.content,
        starts=piece.scan.starts[first_record:end_record],
        ends=piece.scan.ends[first_record:end_record],
        line_feeds=piece.scan.line_feeds,
        faults={
            index - first_record: fault
            for index, fault in piece.scan.faults.items()
            if first_record <= index < end_record
        },
        byte_offset=piece.byte_offset,
        line_number=piece.line_number,
        layout=layout,
        raw_byte_count=piece.raw_byte_count,
        source_bytes_done=source.bytes_done(),
    )
