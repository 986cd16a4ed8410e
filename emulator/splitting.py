"""Cut one object into payloads.

`None`: the whole object is one payload. `Line`: records end at a newline, whatever quotes say (CSV with
embedded newlines is not supported by the service). `RecordIO`: records are frames, the parts of a record
together; what is in them does not matter. A payload takes as many records as fit, or one: then its padding is
left out [doc: TransformInput]. Payloads never cross objects, and their order is that of the object [doc: "Use
Batch Transform"].
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emulator.recordio_splitting import recordio_payloads
from emulator.transform_request import Batching, RecordTooLargeError


def payloads(path: Path, split_type: str, batching: Batching) -> Iterator[bytes]:
    """Yield the payloads of the object at `path`, in order.

    Raises:
        RecordTooLargeError: The object or one of its records is over the limit.
        CallerError: The object is to be split into RecordIO records and is damaged.
    """
    limit = batching.max_payload_bytes
    if split_type == "None":
        size = path.stat().st_size
        if size > limit:
            raise RecordTooLargeError(f"the object has {size} bytes, the payload limit is {limit} bytes")
        yield path.read_bytes()
    elif split_type == "RecordIO":
        yield from recordio_payloads(path, batching)
    elif batching.takes_many_records:
        yield from _filled_payloads(path, limit)
    else:
        yield from _single_lines(path, limit)


def _filled_payloads(path: Path, limit: int) -> Iterator[bytes]:
    rest = b""
    with path.open("rb") as stream:
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


def _single_lines(path: Path, limit: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while line := stream.readline(limit + 1):
            if len(line) > limit:
                raise RecordTooLargeError(f"a record is over the payload limit of {limit} bytes")
            yield line
