"""Cut a RecordIO object into payloads at the ends of records, whatever the records hold.

MultiRecord fills a payload with as many records as fit, framed as they stand. SingleRecord sends one record,
without the padding at its end [doc: TransformInput]. The documentation does not say whether the frame's
header counts as padding; here it stays, so that a container reads both kinds of payload in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from contracts.errors import CallerError
from contracts.recordio import HEADER_BYTES, Blockage, FrameScan, scan_frames, without_padding
from emulator.transform_request import Batching, RecordTooLargeError


def recordio_payloads(stream: IO[bytes], batching: Batching) -> Iterator[bytes]:
    """Yield the payloads of an object, in order.

    Raises:
        RecordTooLargeError: A record is over the limit.
        CallerError: The object is damaged.
    """
    limit = batching.max_payload_bytes
    content, byte_offset, is_last = b"", 0, False
    while not is_last or content:
        # A record is known to be whole when the next one's header is seen.
        wanted_byte_count = limit + HEADER_BYTES - len(content)
        following = stream.read(wanted_byte_count)
        content, is_last = content + following, len(following) < wanted_byte_count
        scan = scan_frames(content, is_last=is_last, max_record_bytes=limit)
        _check(scan, byte_offset, limit)
        records = zip(scan.starts.tolist(), scan.ends.tolist(), strict=True)
        if batching.takes_many_records:
            used_byte_count = max((end for _, end in records if end <= limit), default=0)
            payloads = [content[:used_byte_count]] if used_byte_count else []
        else:
            used_byte_count = scan.consumed_byte_count
            payloads = [without_padding(content[start:end]) for start, end in records]
        yield from payloads
        content, byte_offset = content[used_byte_count:], byte_offset + used_byte_count


def _check(scan: FrameScan, byte_offset: int, limit: int) -> None:
    if scan.faults or scan.blockage is Blockage.DAMAGE:
        index = min(scan.faults, default=None)
        start = scan.consumed_byte_count if index is None else int(scan.starts[index])
        message = scan.blockage_message if index is None else scan.faults[index]
        raise CallerError(
            f"the object cannot be split into RecordIO records: {message}, at byte {byte_offset + start}"
        )
    if scan.blockage is not None:
        raise RecordTooLargeError(f"a record is over the payload limit of {limit} bytes")
