"""Read one RecordIO-protobuf source object as a stream of blocks of whole records.

Goes in: a binary stream of frames. Comes out: blocks of about `BLOCK_BYTES`, in order. Memory is bounded by
the block size and twice the largest record allowed, whatever the size of the source: a larger record is
skipped over and quarantined with its first bytes. Damaged bytes become one quarantined record, and reading
goes on at the next header that can be one (see `contracts.recordio`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contracts.dataset import LIST_TYPE, DatasetContract
from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES
from contracts.recordio import (
    FIRST,
    HEADER_BYTES,
    LAST,
    MAGIC_BYTES,
    MIDDLE,
    Blockage,
    FrameScan,
    header_at,
    next_header,
    payload_length_at,
    scan_frames,
)
from preprocessing.recordio_parse import RecordioBlock
from preprocessing.records import BLOCK_BYTES, OpenSource, StructureFault, malformed, too_large


def read_recordio_blocks(
    source: OpenSource, contract: DatasetContract, *, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[RecordioBlock]:
    """Yield the blocks of one source object; none if it is empty.

    Raises:
        CallerError: It is cut off within a frame; or the contract has a field that no record can hold.
    """
    lists = [field.name for field in contract.fields if field.type == LIST_TYPE]
    if lists:
        raise CallerError(
            f"{source.source_key}: is RecordIO, whose fields hold one number or text, but the contract has "
            f"lists ({', '.join(map(repr, lists))}); deliver CSV, JSON or Parquet"
        )
    yield from _Blocks(source, contract, max_record_bytes, block_bytes)


class _Skipped:
    """Bytes that are passed over: how many, and the first of them."""

    def __init__(self) -> None:
        self.raw = b""
        self.byte_count = 0

    def add(self, content: bytes) -> None:
        self.raw += content[: MAX_RAW_BYTES - len(self.raw)]
        self.byte_count += len(content)


class _Blocks:
    """Cut a stream into scanned blocks, keeping count of bytes and records."""

    def __init__(
        self, source: OpenSource, contract: DatasetContract, max_record_bytes: int, block_bytes: int
    ) -> None:
        self._source = source
        self._contract = contract
        self._max_record_bytes = max_record_bytes
        self._block_bytes = block_bytes
        self._content = b""
        self._is_last = False
        self._byte_offset = 0
        self._record_number = 1

    def __iter__(self) -> Iterator[RecordioBlock]:
        wanted_byte_count = 1
        while not self._is_last:
            self._fill(wanted_byte_count)
            while True:
                scan = scan_frames(
                    self._content, is_last=self._is_last, max_record_bytes=self._max_record_bytes
                )
                if scan.consumed_byte_count:
                    yield self._block(scan)
                if scan.blockage is None:
                    break
                yield self._skip(scan)
            wanted_byte_count = 2 * len(self._content) or 1  # so that a long record is scanned a few times

    def _fill(self, byte_count: int) -> None:
        """Read on until there are so many bytes, or until the end."""
        parts, have = [self._content], len(self._content)
        while have < byte_count and not self._is_last:
            parts.append(self._source.stream.read(self._block_bytes))
            have += len(parts[-1])
            self._is_last = not parts[-1]
        self._content = b"".join(parts)

    def _block(self, scan: FrameScan) -> RecordioBlock:
        faults = {index: malformed(message) for index, message in scan.faults.items()}
        content, end = self._content, scan.consumed_byte_count
        self._content = content[end:]
        last = len(scan.starts) - 1
        if self._is_at_end and last in scan.faults:
            self._check_not_cut_off(content[int(scan.starts[last]) : end], int(scan.starts[last]))
        block = RecordioBlock(
            content=content[:end],
            starts=scan.starts,
            ends=scan.ends,
            faults=faults,
            parted=scan.parted,
            byte_offset=self._byte_offset,
            record_number=self._record_number,
            contract=self._contract,
            raw_byte_count=None,
            source_bytes_done=self._source.bytes_done(),
        )
        self._byte_offset += end
        self._record_number += len(scan.starts)
        return block

    def _skip(self, scan: FrameScan) -> RecordioBlock:
        """Pass over what is too large or damaged, and return it as a block of its own."""
        skipped = _Skipped()
        fault = malformed(scan.blockage_message)
        if scan.blockage is Blockage.DAMAGE:
            self._skip_to_header(skipped, None)
        elif scan.blockage is Blockage.TOO_LARGE:
            fault = self._skip_large_frame(skipped)
        else:
            self._skip_parts(skipped)
            fault = too_large(skipped.byte_count, self._max_record_bytes)
        if self._is_at_end and scan.blockage is not Blockage.TOO_MANY_PARTS:
            self._check_not_cut_off(skipped.raw, 0, skipped.byte_count)
        block = RecordioBlock(
            content=skipped.raw,
            starts=np.array([0]),
            ends=np.array([len(skipped.raw)]),
            faults={0: fault},
            parted=(),
            byte_offset=self._byte_offset,
            record_number=self._record_number,
            contract=self._contract,
            raw_byte_count=skipped.byte_count,
            source_bytes_done=self._source.bytes_done(),
        )
        self._byte_offset += skipped.byte_count
        self._record_number += 1
        return block

    @property
    def _is_at_end(self) -> bool:
        return self._is_last and not self._content

    def _check_not_cut_off(self, raw: bytes, start: int, byte_count: int | None = None) -> None:
        """Refuse a source object that ends within a frame: nobody knows how many records are missing.

        Args:
            raw: The first bytes of what stands at its end.
            start: Where that begins, from the present byte offset.
            byte_count: How long it is, if that is more than `raw`.

        Raises:
            CallerError: It does.
        """
        if _is_cut_off(raw, len(raw) if byte_count is None else byte_count):
            raise CallerError(
                f"{self._source.source_key}: byte {self._byte_offset + start}: the source object ends within "
                "the frame that begins here: it is cut off, and records may be missing; deliver it again"
            )

    def _skip_large_frame(self, skipped: _Skipped) -> StructureFault:
        """Pass over a frame over the limit, or up to the next that begins within it: its length is wrong.

        Returns:
            What it is.
        """
        flag, byte_count = header_at(self._content, 0)
        if self._skip_to_header(skipped, byte_count):
            message = f"the frame says {byte_count} bytes, though another frame begins before its end"
            return malformed(message)
        if byte_count - skipped.byte_count > 3:  # the last frame may lack its padding
            message = f"the frame says {byte_count} bytes, which is beyond the end of the source object"
            return malformed(message)
        if flag == FIRST:
            self._skip_parts(skipped)
        return too_large(skipped.byte_count, self._max_record_bytes)

    def _skip_to_header(self, skipped: _Skipped, limit: int | None) -> bool:
        """Pass over bytes up to the next header, or up to `limit` bytes or the end; say if it is a header."""
        start = 1
        while True:
            at = next_header(self._content, start, self._max_record_bytes)
            left = len(self._content) if limit is None else limit - skipped.byte_count
            if 0 <= at < left:
                self._take(at, skipped)
                return True
            if self._is_last or (limit is not None and len(self._content) >= left + HEADER_BYTES):
                self._take(left, skipped)
                return False
            known = min(left, len(self._content) - HEADER_BYTES + 1)
            if known > 0:
                self._take(known, skipped)
                start = 0
            self._fill(len(self._content) + 1)

    def _skip_parts(self, skipped: _Skipped) -> None:
        """Pass over the parts of a record up to its last, as long as one follows the other."""
        while True:
            self._fill(HEADER_BYTES)
            flag, byte_count = header_at(self._content, 0)
            is_expected = flag in (MIDDLE, LAST) or (flag == FIRST and not skipped.byte_count)
            is_part = self._content.startswith(MAGIC_BYTES) and is_expected
            if not is_part or byte_count > self._max_record_bytes:
                return
            self._fill(byte_count)
            self._take(byte_count, skipped)
            if flag == LAST:
                return

    def _take(self, byte_count: int, skipped: _Skipped) -> None:
        skipped.add(self._content[:byte_count])
        self._content = self._content[byte_count:]


def _is_cut_off(raw: bytes, byte_count: int) -> bool:
    """Whether the last of the frames that follow each other from the first byte on has no end."""
    position = 0
    while position < byte_count:
        header = raw[position : position + HEADER_BYTES]
        if not header or not MAGIC_BYTES.startswith(header[: len(MAGIC_BYTES)]):
            return False
        if len(header) < HEADER_BYTES:
            return True
        if position + HEADER_BYTES + payload_length_at(raw, position) > byte_count:
            return True
        position += header_at(raw, position)[1]
    return False
