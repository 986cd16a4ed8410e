"""An object in S3 as a file that can be read at any place, asking only for the bytes that are read."""

from __future__ import annotations

import io
from typing import Any

from runner.aws.objects import ObjectFact, split_uri


def read_start(s3: Any, fact: ObjectFact, byte_count: int) -> bytes:
    """Return the first bytes of an object, fewer where it has fewer."""
    return _read(s3, fact, 0, min(byte_count, fact.byte_count))


class RangedObject(io.RawIOBase):
    """A file that is read with ranged requests; for readers that seek, such as Parquet's.

    Args:
        s3: S3 client.
        fact: The object, with its size.
    """

    def __init__(self, s3: Any, fact: ObjectFact) -> None:
        super().__init__()
        self._s3 = s3
        self._fact = fact
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place; see `io.IOBase.seek`."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._fact.byte_count}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the object goes; return how many bytes that were."""
        end = min(self._position + len(buffer), self._fact.byte_count)
        content = _read(self._s3, self._fact, self._position, end)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


def _read(s3: Any, fact: ObjectFact, start: int, end: int) -> bytes:
    if start >= end:
        return b""
    bucket, key = split_uri(fact.uri)
    answer = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}")
    content: bytes = answer["Body"].read()
    return content
