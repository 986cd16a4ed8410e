"""Say which value is the n-th largest of all shards, and how many are at or above it: exact, space bounded.

Goes in: the values of each shard on disk, and how all of them are distributed. The n-th largest lies in one
bin of that histogram, and only the values in such bins are sorted. Where these are too many to be in memory,
they are counted in finer bins first, if need be down to single numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from contracts.value_histogram import ValueHistogram, keys_of_numbers, numbers_of_keys

MAX_SORTED_VALUES = 512 * 1024
"""Values that are sorted at once: more would take longer than another look at all."""

_FINER_BITS = 12
"""Of a key, by which values are told apart in a further look."""

_SHARDS_AT_ONCE = 8
"""Whose values one worker looks at before it hands on what it has counted."""

_INFINITY_KEY = 0x7FF0_0000_0000_0000
"""Keys above it are of no number, as those below the one of minus infinity, `~_INFINITY_KEY`."""


class HasValues(Protocol):
    """A shard's values on disk."""

    @property
    def values(self) -> np.ndarray:
        """Finite float64 of shape (records,), NaN for none."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """The n-th largest value, and how many records are at or above it: n, or more where values are equal."""

    threshold: float
    record_count: int


@dataclass(frozen=True, kw_only=True)
class _Span:
    """A bin with an n-th largest value: keys from `low` to `end`, exclusive.

    Attributes:
        low: First key.
        end: First key above it.
        inside_count: Values in it.
        above_count: Values above it.
    """

    low: int
    end: int
    inside_count: int
    above_count: int

    @property
    def is_one_number(self) -> bool:
        """Whether all values in it are the same."""
        return self.end == self.low + 1

    @property
    def shift(self) -> int:
        """Bits of a key that a further look leaves out."""
        return max(0, (self.end - self.low).bit_length() - 1 - _FINER_BITS)

    @property
    def bounds(self) -> np.ndarray:
        """The numbers of both keys."""
        keys = [min(max(key, ~_INFINITY_KEY), _INFINITY_KEY) for key in (self.low, self.end)]
        return numbers_of_keys(np.array(keys, dtype=np.int64))


def nth_largest(
    shards: Sequence[HasValues], histogram: ValueHistogram, counts: Iterable[int], workers: Executor
) -> dict[int, Reached]:
    """Return the n-th largest value for each n.

    Args:
        shards: Their values are read once, or a few times.
        histogram: Of all their values.
        counts: Each n, from 1 to the number of values.
        workers: Read shards side by side.
    """
    spans = {count: _span(histogram, count, above_count=0) for count in counts}
    while sum(span.inside_count for span in _wide(spans.values())) > MAX_SORTED_VALUES:
        finer = _finer(_wide(spans.values()), shards, workers)
        spans = {
            count: _span(finer[span], count, span.above_count) if span in finer else span
            for count, span in spans.items()
        }
    values = _sorted_values(_wide(spans.values()), shards, workers)
    return {count: _reached(span, count, values) for count, span in spans.items()}


def _span(histogram: ValueHistogram, count: int, above_count: int) -> _Span:
    """Return the bin with the n-th largest value, of a histogram above which there are more values."""
    totals = np.cumsum(histogram.counts[::-1]) + above_count
    at = int(np.searchsorted(totals, count))
    low, inside = int(histogram.bins[::-1][at]), int(histogram.counts[::-1][at])
    return _Span(
        low=low << histogram.shift,
        end=(low + 1) << histogram.shift,
        inside_count=inside,
        above_count=int(totals[at]) - inside,
    )


def _wide(spans: Collection[_Span]) -> list[_Span]:
    """Return the spans in which values differ, each once, rising."""
    return sorted({span for span in spans if not span.is_one_number}, key=lambda span: span.low)


def _finer(
    spans: Sequence[_Span], shards: Sequence[HasValues], workers: Executor
) -> dict[_Span, ValueHistogram]:
    """Return how the values in each span are distributed, in finer bins."""
    lows, shifts = (np.array(column) for column in zip(*((one.low, one.shift) for one in spans), strict=True))
    bin_count = 2**_FINER_BITS

    def counted(some: Sequence[HasValues]) -> np.ndarray:
        counts = np.zeros(len(spans) * bin_count, dtype=np.int64)
        for shard in some:
            values, numbers = _inside(shard.values, spans)
            bins = (keys_of_numbers(values) - lows[numbers]) >> shifts[numbers]
            counts += np.bincount(numbers * bin_count + bins, minlength=len(counts))
        return counts

    groups = [shards[at : at + _SHARDS_AT_ONCE] for at in range(0, len(shards), _SHARDS_AT_ONCE)]
    counts = np.sum(list(workers.map(counted, groups)), axis=0).reshape(len(spans), bin_count)
    return {span: _histogram(span, of_span) for span, of_span in zip(spans, counts, strict=True)}


def _histogram(span: _Span, counts: np.ndarray) -> ValueHistogram:
    occupied = np.flatnonzero(counts)
    return ValueHistogram(shift=span.shift, bins=occupied + (span.low >> span.shift), counts=counts[occupied])


def _sorted_values(spans: Sequence[_Span], shards: Sequence[HasValues], workers: Executor) -> np.ndarray:
    """Return the values in some spans, rising."""
    if not spans:
        return np.empty(0)
    return np.sort(np.concatenate(list(workers.map(lambda shard: _inside(shard.values, spans)[0], shards))))


def _inside(values: np.ndarray, spans: Sequence[_Span]) -> tuple[np.ndarray, np.ndarray]:
    """Return the values in some spans, which rise, and the number of each one's span."""
    edges = np.concatenate([span.bounds for span in spans])
    values = values[(values >= edges[0]) & (values < edges[-1])]
    if len(spans) == 1:
        return values, np.zeros(len(values), dtype=np.intp)
    positions = np.searchsorted(edges, values, side="right")
    is_inside = positions % 2 == 1
    return values[is_inside], positions[is_inside] // 2


def _reached(span: _Span, count: int, values: np.ndarray) -> Reached:
    low, end = span.bounds
    if span.is_one_number:
        return Reached(threshold=float(low), record_count=span.above_count + span.inside_count)
    first, last = np.searchsorted(values, (low, end))
    own = values[first:last]
    threshold = own[len(own) - (count - span.above_count)]
    at_or_above = len(own) - int(np.searchsorted(own, threshold))
    return Reached(threshold=float(threshold) + 0.0, record_count=span.above_count + at_or_above)
