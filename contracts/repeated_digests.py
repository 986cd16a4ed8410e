"""Find the digests that occur more than once among any number of them, in bounded memory.

Goes in: uint64 digests whose bits are evenly spread, batch by batch. They wait in PART_COUNT parts, dealt out
by their highest bits; a part that grows is moved to a file. Comes out: the sorted values that occur twice or
more. A part is looked through in memory, in several goes if it has more than IN_MEMORY_COUNT digests: less
than 300 MB, however many there are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

PARTS_AT_ONCE = 2
"""Looked through side by side."""

IN_MEMORY_COUNT = 4 * 1024 * 1024
"""Digests of a part that are compared at once: 32 MB, beside a table of at most 64 MB and some positions."""

PART_COUNT = 64
_PART_BITS = 6
_MAX_UNFILED_BYTES = 256 * 1024
"""Of one part, kept in memory: 16 MB for all of them."""

_GOAL_SHIFT = 40
"""Bits from here up, below those that choose the part, choose the goal; lower ones a place in a table."""
_DIGEST_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class DigestBatch:
    """Digests in the order of their parts.

    Attributes:
        digests: All of them.
        bounds: Where the digests of each part but the first begin.
    """

    digests: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.digests)


def dealt_out(digests: np.ndarray) -> DigestBatch:
    """Arrange digests by the part that they go to; may run on any thread."""
    numbers = (digests >> np.uint64(64 - _PART_BITS)).astype(np.uint8)
    order = np.argsort(numbers, kind="stable")  # a radix sort, for numbers of 8 bits
    bounds = np.cumsum(np.bincount(numbers, minlength=PART_COUNT))[:-1]
    return DigestBatch(digests=digests[order], bounds=bounds)


class DigestSpill:
    """Digests of one run; use as a context manager, which removes them whatever happens."""

    def __init__(self, folder: Path) -> None:
        """Put the files, which have no names, below `folder`; it is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            self._parts = [
                opened.enter_context(
                    tempfile.SpooledTemporaryFile(max_size=_MAX_UNFILED_BYTES, dir=str(folder))
                )
                for _ in range(PART_COUNT)
            ]
            self._cleanup = opened.pop_all()

    def __enter__(self) -> DigestSpill:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def append(self, batch: DigestBatch) -> None:
        """Take more digests."""
        for part, digests in zip(self._parts, np.split(batch.digests, batch.bounds), strict=True):
            part.write(digests.data)

    def repeated(self, limit: int) -> np.ndarray:
        """Return the sorted values that occur more than once; stop looking when there are over `limit`."""
        executor = ThreadPoolExecutor(max_workers=PARTS_AT_ONCE)
        try:
            return np.sort(
                _joined_up_to(limit, executor.map(partial(_repeated_of, limit=limit), self._parts))
            )
        finally:
            executor.shutdown(cancel_futures=True)


@dataclass(frozen=True, kw_only=True)
class _Goal:
    """The digests whose bits under `mask` are `value` are looked at in one go."""

    mask: np.uint64
    value: np.uint64


def _goals(count: int) -> Iterator[_Goal]:
    goal_count = 1 << (2 * count // IN_MEMORY_COUNT).bit_length() if count > IN_MEMORY_COUNT else 1
    for value in range(goal_count):
        yield _Goal(mask=np.uint64((goal_count - 1) << _GOAL_SHIFT), value=np.uint64(value << _GOAL_SHIFT))


def _repeated_of(part: IO[bytes], limit: int) -> np.ndarray:
    """Return the repeated values of a part, or so many of them that they are over the limit."""
    goals = _goals(part.tell() // _DIGEST_BYTES)
    return _joined_up_to(limit, (_repeated_in(part, goal) for goal in goals))


def _joined_up_to(limit: int, pieces: Iterable[np.ndarray]) -> np.ndarray:
    """Return the pieces as one, without those that come after there are over `limit` values."""
    found, count = [np.empty(0, dtype=np.uint64)], 0
    for piece in pieces:
        found.append(piece)
        count += len(piece)
        if count > limit:
            break
    return np.concatenate(found)


def _repeated_in(part: IO[bytes], goal: _Goal) -> np.ndarray:
    """Return the repeated values of one goal; one that is repeated a billion times takes no more memory."""
    waiting, found = np.empty(0, dtype=np.uint64), []
    for batch in _batches(part):
        chosen = batch if goal.mask == 0 else batch[(batch & goal.mask) == goal.value]
        if len(waiting) + len(chosen) > IN_MEMORY_COUNT:
            found.append(_repeated(waiting))
            waiting = np.unique(waiting)
        waiting = np.concatenate((waiting, chosen))
    return np.unique(np.concatenate([*found, _repeated(waiting)]))


def _batches(part: IO[bytes]) -> Iterator[np.ndarray]:
    """Yield the digests of a part; afterwards it stands at its end again."""
    part.seek(0)
    while content := part.read(_DIGEST_BYTES * max(1, IN_MEMORY_COUNT // 2)):
        yield np.frombuffer(content, dtype=np.uint64)


def _repeated(digests: np.ndarray) -> np.ndarray:
    """Return the repeated values, not sorted.

    Several times faster than sorting. Each digest writes its position to the place in a table that its lowest
    bits name, and the last writer wins. Equal ones share a place, so a repeated value is found by the first
    winner that has it, and is then gone as a whole; the few others that lost go into the next round.
    """
    found = [digests[:0]]
    while len(digests):
        place_bits = (2 * len(digests)).bit_length()
        places = (digests & np.uint64((1 << place_bits) - 1)).view(np.int64)
        positions = np.arange(len(digests), dtype=np.int32)
        table = np.empty(1 << place_bits, dtype=np.int32)
        table[places] = positions
        winners = table[places]
        losers = np.flatnonzero(winners != positions)
        is_equal = digests[losers] == digests[winners[losers]]
        found.append(np.unique(digests[losers[is_equal]]))
        digests = digests[losers[~is_equal]]
    return np.concatenate(found)
