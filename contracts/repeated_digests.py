"""Find the digests that occur more than once among any number of them, in bounded memory.

Goes in: uint64 digests whose bits are evenly spread, batch by batch; they wait in a file. Comes out: the
sorted values that occur twice or more. Up to IN_MEMORY_COUNT they are sorted at once; more are first dealt
out to files by their highest bits. Never more than about 256 MB of memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

IN_MEMORY_COUNT = 16 * 1024 * 1024
"""Digests that are sorted at once: 128 MB."""

_DIGEST_BYTES = 8
_PARTS_IN_MEMORY = 4
"""A partition has at most a quarter of IN_MEMORY_COUNT different digests, so that merging fits beside it."""


class DigestSpill:
    """Digests of one run on disk; use as a context manager, which removes them whatever happens."""

    def __init__(self, folder: Path) -> None:
        """Put the files below `folder`, which is made, and must not be one that is uploaded."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=folder, prefix="digests-")
        self._path = Path(self._folder.name) / "all"
        self._stream: BinaryIO = self._path.open("wb")
        self._count = 0

    def __enter__(self) -> DigestSpill:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._folder.cleanup()

    def append(self, digests: np.ndarray) -> None:
        """Take more digests."""
        self._stream.write(np.ascontiguousarray(digests).data)
        self._count += len(digests)

    def repeated(self, limit: int) -> np.ndarray:
        """Return the sorted values that occur more than once; stop looking when there are over `limit`."""
        self._stream.flush()
        if self._count <= IN_MEMORY_COUNT:
            return _repeated_in(self._path)
        found: list[np.ndarray] = []
        for path in self._dealt_out():
            found.append(_repeated_in(path))
            path.unlink()
            if sum(map(len, found)) > limit:
                break
        return np.concatenate(found)

    def _dealt_out(self) -> list[Path]:
        """Deal the digests out to files by their highest bits, and return the files in ascending order."""
        bit_count = max(1, (_PARTS_IN_MEMORY * self._count // IN_MEMORY_COUNT).bit_length())
        paths = [self._path.with_name(f"part-{number}") for number in range(2**bit_count)]
        for batch in _batches(self._path):
            batch.sort()
            bounds = np.arange(1, len(paths), dtype=np.uint64) << np.uint64(64 - bit_count)
            for path, part in zip(paths, np.split(batch, np.searchsorted(batch, bounds)), strict=True):
                with path.open("ab") as stream:
                    stream.write(part.data)
        return paths


def _batches(path: Path) -> Iterator[np.ndarray]:
    with path.open("rb") as stream:
        while content := stream.read(_DIGEST_BYTES * max(1, IN_MEMORY_COUNT // _PARTS_IN_MEMORY)):
            yield np.frombuffer(bytearray(content), dtype=np.uint64)


def _repeated_in(path: Path) -> np.ndarray:
    """Return the repeated values of one file, in memory that grows with its different values only."""
    distinct = repeated = np.empty(0, dtype=np.uint64)
    for batch in _batches(path):
        together = np.concatenate((distinct, batch))
        together.sort()
        is_again = np.concatenate(([False], together[1:] == together[:-1]))
        if is_again.any():
            repeated = np.union1d(repeated, together[is_again])
        distinct = together[~is_again]
    return repeated
