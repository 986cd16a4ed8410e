"""Cut a TFRecord object into payloads at the ends of records, whatever the records hold.

A record is the length of its data (64 bits, little endian), the length's checksum, the data and the data's
checksum; checksums are masked CRC-32C [doc: "TFRecord and tf.train.Example", TensorFlow]. The length's is
verified here, as everything behind a wrong length would be cut wrongly; the data's is left to the container.

The format has no padding that SingleRecord could remove, so both strategies send records as they stand.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

from contracts.errors import CallerError
from emulator.transform_request import Batching, RecordTooLargeError

_HEADER = struct.Struct("<QI")
_CHECKSUM_BYTES = 4
_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8


def tfrecord_payloads(stream: IO[bytes], batching: Batching) -> Iterator[bytes]:
    """Yield the payloads of an object, in order.

    Raises:
        RecordTooLargeError: A record is over the limit.
        CallerError: The object is damaged.
    """
    pending: list[bytes] = []
    byte_count = 0
    for record in _records(stream, batching.max_payload_bytes):
        is_full = not batching.takes_many_records or byte_count + len(record) > batching.max_payload_bytes
        if pending and is_full:
            yield b"".join(pending)
            pending, byte_count = [], 0
        pending.append(record)
        byte_count += len(record)
    if pending:
        yield b"".join(pending)


def _records(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    byte_offset = 0
    while header := stream.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise _damage("the object ends within a record's length", byte_offset)
        length, checksum = _HEADER.unpack(header)
        if checksum != masked_checksum(header[:8]):
            raise _damage("the checksum of a record's length is wrong", byte_offset)
        rest_byte_count = length + _CHECKSUM_BYTES
        if _HEADER.size + rest_byte_count > limit:
            raise RecordTooLargeError(f"a record is over the payload limit of {limit} bytes")
        rest = stream.read(rest_byte_count)
        if len(rest) < rest_byte_count:
            raise _damage("the object ends within a record", byte_offset)
        yield header + rest
        byte_offset += _HEADER.size + rest_byte_count


def _damage(fault: str, byte_offset: int) -> CallerError:
    return CallerError(f"the object cannot be split into TFRecord records: {fault}, at byte {byte_offset}")


def masked_checksum(content: bytes) -> int:
    """Return the checksum that a TFRecord writer puts behind `content`."""
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = _TABLE[(checksum ^ byte) & 0xFF] ^ (checksum >> 8)
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_table_entry, range(256)))
