"""Short numbers that stand for ids, so that ids can be compared without holding them in memory.

Goes in: an Arrow column of ids without nulls (text, dictionary of text, or a type of at most 64 bits). Comes
out: uint64, one an id, in order. There are two kinds:

* `quick`, 64 bits: the same for equal ids, and nearly always another for different ones. For types of fixed
  width it is a bijection. Good for finding the few ids that are worth a closer look.
* `exact`, 128 bits: two different ids have the same one with a probability below 2**-100, whatever the ids,
  because the keys are drawn anew for each run.

-0.0 and 0.0 are the same number, and the same id. Never says where an id stands, or which record stays.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONG_ID_BYTES = 512
"""A longer text is hashed by BLAKE2 by itself: vectors over the positions of its bytes would be as long."""

ROWS_AT_ONCE = 16_384
"""Bounds the memory beside a column, and keeps what is worked on in the processor's cache."""

_WORD_BYTES = 8
_MASKS = np.array([(1 << (8 * count)) - 1 for count in range(_WORD_BYTES + 1)], dtype=np.uint64)
_HALF = np.uint64(32)
_ODD = np.uint64(0xD6E8FEB86659FD93)
"""Multiplier of the `rrmxmx`-like mixer by Pelle Evensen; odd, so that multiplying by it is a bijection."""


def _random_words(count: int) -> np.ndarray:
    return np.frombuffer(os.urandom(_WORD_BYTES * count), dtype=np.uint64)


@dataclass(frozen=True, kw_only=True)
class IdDigester:
    """Computes digests under keys of its own; only digests of one digester can be compared.

    Attributes:
        weights: Random uint64 of shape (2, LONG_ID_BYTES), by position of a byte.
        key: Random bytes, for what is hashed otherwise.
    """

    weights: np.ndarray = field(default_factory=lambda: _random_words(2 * LONG_ID_BYTES).reshape(2, -1))
    key: bytes = field(default_factory=lambda: os.urandom(16))

    def quick(self, ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Return the 64-bit digests, shape (ids,)."""
        parts = [self._quick(chunk) for chunk in _chunks(ids)]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)

    def exact(self, ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Return the 128-bit digests, shape (ids, 2)."""
        parts = [self._exact(chunk) for chunk in _chunks(ids)]
        return np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.uint64)

    def _quick(self, ids: pa.Array) -> np.ndarray:
        if not _is_text(ids.type):
            return _mixed(_fixed_width(ids) ^ self.weights[0, 0])
        texts = _Texts(ids)
        # Spread over all bits: as they stand, a length would be undone by the first byte of a text.
        digests: np.ndarray = (texts.lengths.astype(np.uint64) * _ODD) ^ self.weights[0, 0]
        for position in range(0, min(texts.longest, LONG_ID_BYTES), _WORD_BYTES):
            if texts.shortest > position:
                _mix_in(digests, texts.words(position))
            else:
                rows = np.flatnonzero(texts.lengths > position)
                some = digests[rows]
                _mix_in(some, texts.words(position, rows))
                digests[rows] = some
        for row, both in self._long(texts):
            digests[row] = both[0]
        return _mixed(digests)

    def _exact(self, ids: pa.Array) -> np.ndarray:
        digests = np.zeros((len(ids), 2), dtype=np.uint64)
        if not _is_text(ids.type):
            digests[:, 0] = _fixed_width(ids)
            return digests
        texts = _Texts(ids)
        rows = np.flatnonzero((texts.lengths > 0) & (texts.lengths <= LONG_ID_BYTES))
        if len(rows):
            lengths = texts.lengths[rows]
            ends = np.cumsum(lengths)
            positions = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
            values = texts.values[np.repeat(texts.starts[rows], lengths) + positions].astype(np.uint64) + 1
            for which in range(2):
                products = self.weights[which, positions] * values
                digests[rows, which] = np.add.reduceat(products, ends - lengths)
        for row, both in self._long(texts):
            digests[row] = both
        return digests

    def _long(self, texts: _Texts) -> list[tuple[int, np.ndarray]]:
        if texts.longest <= LONG_ID_BYTES:
            return []
        found = []
        for row in np.flatnonzero(texts.lengths > LONG_ID_BYTES).tolist():
            content = texts.values[texts.starts[row] : texts.starts[row] + texts.lengths[row]]
            digest = hashlib.blake2b(content.tobytes(), digest_size=16, key=self.key).digest()
            found.append((row, np.frombuffer(digest, dtype=np.uint64)))
        return found


class _Texts:
    """The bytes of a piece of a text column, and where each text lies in them."""

    def __init__(self, texts: pa.Array) -> None:
        _, offsets_buffer, values_buffer = texts.buffers()
        width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
        offsets = np.frombuffer(offsets_buffer, dtype=width)[texts.offset : texts.offset + len(texts) + 1]
        first, last = int(offsets[0]), int(offsets[-1])
        self.starts = offsets[:-1].astype(np.int64) - first
        self.lengths = np.diff(offsets).astype(np.int64)
        self.shortest, self.longest = int(self.lengths.min()), int(self.lengths.max())
        self.values = np.zeros(last - first + _WORD_BYTES, dtype=np.uint8)  # so that every word can be read
        if values_buffer is not None:
            self.values[: last - first] = np.frombuffer(values_buffer, dtype=np.uint8)[first:last]

    def words(self, position: int, rows: np.ndarray | None = None) -> np.ndarray:
        """Return eight bytes from `position` on, those after the end as zero, of all texts or some; uint64.

        Each of them reaches beyond `position`.
        """
        if rows is None and self.shortest == self.longest:  # as most ids are: no need to look each one up
            row_count, stride = len(self.starts), self.longest
            every = np.ndarray(row_count, np.uint64, self.values, offset=position, strides=(stride,))
            same_length: np.ndarray = every & _MASKS[min(self.longest - position, _WORD_BYTES)]
            return same_length
        chosen = slice(None) if rows is None else rows
        left = self.lengths[chosen] - position
        every = np.ndarray(len(self.values) - _WORD_BYTES + 1, np.uint64, self.values, strides=(1,))
        words: np.ndarray = every[self.starts[chosen] + position]
        if int(left.min()) < _WORD_BYTES:
            words &= _MASKS[np.minimum(left, _WORD_BYTES)]
        return words


def _chunks(ids: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    """Return the ids in pieces that are worked on at once, texts as plain texts."""
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    pieces = [
        chunk.slice(start, ROWS_AT_ONCE) for chunk in chunks for start in range(0, len(chunk), ROWS_AT_ONCE)
    ]
    return [piece.dictionary_decode() if pa.types.is_dictionary(piece.type) else piece for piece in pieces]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _fixed_width(ids: pa.Array) -> np.ndarray:
    """Return the values' own bits as uint64."""
    if pa.types.is_floating(ids.type):
        values = pc.cast(ids, pa.float64()).to_numpy(zero_copy_only=False) + 0.0  # -0.0 + 0.0 is 0.0
        return np.ascontiguousarray(values).view(np.uint64)
    if pa.types.is_date32(ids.type):
        ids = ids.view(pa.int32())
    elif pa.types.is_timestamp(ids.type):
        ids = ids.view(pa.int64())
    numbers: Any = pc.cast(ids, pa.int64()).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers).view(np.uint64)


def _mix_in(digests: np.ndarray, words: np.ndarray) -> None:
    """Change each digest by a word, in place; different words give different digests."""
    digests ^= words
    digests *= _ODD
    digests ^= digests >> _HALF


def _mixed(words: np.ndarray) -> np.ndarray:
    """Return a bijection of `words`, which it overwrites, in which every bit depends on every bit."""
    for _ in range(2):
        words ^= words >> _HALF
        words *= _ODD
    words ^= words >> _HALF
    return words
