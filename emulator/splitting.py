"""Cut one object into payloads.

`None`: the whole object is one payload. `Line`: records end at a newline, whatever quotes say (CSV with
embedded newlines is not supported by the service). `RecordIO`: records are frames, the parts of a record
together; what is in them does not matter. `TFRecord`: see `emulator.tfrecord_splitting`. A payload takes as
many records as fit, or one: then its padding is left out [doc: TransformInput]. Payloads never cross objects,
and their order is that of the object [doc: "Use Batch Transform"].
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from contracts.errors import CallerError
from emulator.tfrecord_splitting import tfrecord_payloads
from emulator.transform_request import Batching, RecordTooLargeError

_BLOCK_BYTES = 1024 * 1024

Blocks = Callable[[], Iterator[bytes]]
"""Returns the blocks of a payload, from its beginning at every call."""


def payloads(
    path: Path, split_type: str, batching: Batching, *, compression: str = "None"
) -> Iterator[bytes]:
    """Yield the payloads of the object at `path`, in order; sizes are those of the decompressed object.

    Raises:
        RecordTooLargeError: The object or one of its records is over the limit.
        CallerError: The object cannot be decompressed, or be split into binary records.
    """
    limit = batching.max_payload_bytes
    with _opened(path, compression) as stream:
        if split_type == "None":
            yield _whole(stream, limit)
        elif split_type == "RecordIO":
            from emulator.recordio_splitting import recordio_payloads  # noqa: PLC0415 - numpy is slow to load

            yield from recordio_payloads(stream, batching)
        elif split_type == "TFRecord":
            yield from tfrecord_payloads(stream, batching)
        elif batching.takes_many_records:
            yield from _filled_payloads(stream, limit)
        else:
            yield from _single_lines(stream, limit)


def blocks(path: Path, *, compression: str = "None") -> Iterator[bytes]:
    """Yield the object at `path` in blocks of at most 1 MiB, for a payload that has no limit.

    Raises:
        CallerError: The object cannot be decompressed.
    """
    with _opened(path, compression) as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block


@contextmanager
def _opened(path: Path, compression: str) -> Iterator[IO[bytes]]:
    try:
        with cast(IO[bytes], gzip.open(path)) if compression == "Gzip" else path.open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CallerError(
            f"the object cannot be decompressed as Gzip: {error}; compress it, or leave CompressionType out"
        ) from error


def _whole(stream: IO[bytes], limit: int) -> bytes:
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise RecordTooLargeError(f"the object is not split and is over the payload limit of {limit} bytes")
    return content


def _filled_payloads(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    rest = b""
    while True:
        block = rest + stream.read(limit + 1 - len(rest))
        if len(block) <= limit:
            if block:
                yield block
            return
        end = block.rfind(b"\n", 0, limit) + 1
        if end == 0:
            raise RecordTooLargeError(f"a record is over the payload limit of {limit} bytes")
        yield block[:end]
        rest = block[end:]


def _single_lines(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    while line := stream.readline(limit + 1):
        if len(line) > limit:
            raise RecordTooLargeError(f"a record is over the payload limit of {limit} bytes")
        yield line
