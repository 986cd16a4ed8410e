"""Count numbers in bins that need no bounds in advance and can always be added up.

The bin of a number is the first bits of its float64: sign, exponent and so much of the mantissa that at most
MAX_BINS bins are occupied. So few different values stay exact, and a narrow distribution far from 0 is
resolved as well as a wide one. Any two histograms are brought to the coarser resolution and added or compared
exactly: the histogram of two sets together is the sum of theirs, whatever the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.errors import CallerError

MAX_BINS = 512

COUNTED_BITS = 16
"""Numbers are first counted in at most two to the power of so many bins."""

FINEST_SHIFT = 20
"""Bits of the float64 that are never looked at: values that differ by less than a millionth are the same."""

COARSEST_SHIFT = 55
"""With which at most MAX_BINS bins exist: sign and eight bits of the exponent."""


@dataclass(frozen=True, kw_only=True)
class ValueHistogram:
    """A histogram of finite numbers.

    Attributes:
        shift: Bits that are left out of each number, FINEST_SHIFT to COARSEST_SHIFT.
        bins: int64 of shape (bins,), rising: the numbers' first bits in an order that is theirs.
        counts: int64 of the same shape, at least 1.
    """

    shift: int
    bins: np.ndarray
    counts: np.ndarray

    @property
    def record_count(self) -> int:
        """All numbers."""
        return int(self.counts.sum())

    def coarsened(self, shift: int) -> ValueHistogram:
        """Return the same numbers in bins of at least the given shift."""
        if shift <= self.shift:
            return self
        if not len(self.bins):
            return ValueHistogram(shift=shift, bins=self.bins, counts=self.counts)
        bins = self.bins >> (shift - self.shift)
        starts = np.flatnonzero(np.concatenate(([True], bins[1:] != bins[:-1])))
        return ValueHistogram(shift=shift, bins=bins[starts], counts=np.add.reduceat(self.counts, starts))

    def lower_bounds(self) -> np.ndarray:
        """Return float64 of shape (bins,): the smallest number that each bin can hold."""
        return numbers_of_keys(self.bins << self.shift)

    def document(self) -> dict[str, Any]:
        """Return the form of it in JSON."""
        return {"shift": self.shift, "bins": self.bins.tolist(), "counts": self.counts.tolist()}


def empty_histogram() -> ValueHistogram:
    """Return the histogram of no numbers."""
    nothing = np.empty(0, dtype=np.int64)
    return ValueHistogram(shift=FINEST_SHIFT, bins=nothing, counts=nothing)


def value_histogram(values: np.ndarray, *, shift: int = FINEST_SHIFT) -> ValueHistogram:
    """Count finite float64 numbers of shape (numbers,), in bins of at least the given shift."""
    if not len(values):
        return empty_histogram().coarsened(shift)
    keys = keys_of_numbers(values)
    keys >>= shift
    # Counting in few bins takes a tenth of the time of sorting; where they leave too little apart, we sort.
    low, high = int(keys.min()), int(keys.max())
    coarser = max(0, (high - low).bit_length() - COUNTED_BITS)
    counted = _counted(keys >> coarser, low >> coarser, shift + coarser)
    if coarser and len(counted.bins) <= MAX_BINS:
        bins, counts = np.unique(keys, return_counts=True)
        counted = ValueHistogram(shift=shift, bins=bins, counts=counts.astype(np.int64))
    return _bounded(counted)


def _counted(keys: np.ndarray, low: int, shift: int) -> ValueHistogram:
    """Count keys, which it changes, of which `low` is the lowest, and the highest is not far from it."""
    keys -= low
    counts = np.bincount(keys)
    occupied = np.flatnonzero(counts)
    return ValueHistogram(shift=shift, bins=occupied + low, counts=counts[occupied].astype(np.int64))


def add_histograms(*parts: ValueHistogram) -> ValueHistogram:
    """Return the histogram of the numbers of all."""
    counted = [part for part in parts if len(part.bins)] or [empty_histogram()]
    shift = max(part.shift for part in counted)
    counted = [part.coarsened(shift) for part in counted]
    bins, inverse = np.unique(np.concatenate([part.bins for part in counted]), return_inverse=True)
    weights = np.concatenate([part.counts for part in counted])
    counts = np.bincount(inverse, weights=weights, minlength=len(bins)).astype(np.int64)
    return _bounded(ValueHistogram(shift=shift, bins=bins, counts=counts))


def same_bins(one: ValueHistogram, other: ValueHistogram) -> tuple[ValueHistogram, ValueHistogram]:
    """Return both in bins of the coarser resolution."""
    shift = max(one.shift, other.shift)
    return one.coarsened(shift), other.coarsened(shift)


def histogram_of_document(document: Any, where: str) -> ValueHistogram:
    """Return the histogram that `ValueHistogram.document` described; the document may come from anywhere.

    Raises:
        CallerError: It is none; `where` stands first in the message.
    """
    fault = _fault_of(document)
    if fault:
        raise CallerError(f"{where}: {fault}")
    return ValueHistogram(
        shift=document["shift"],
        bins=np.array(document["bins"], dtype=np.int64),
        counts=np.array(document["counts"], dtype=np.int64),
    )


def _fault_of(document: Any) -> str:
    if not isinstance(document, Mapping) or set(document) != {"shift", "bins", "counts"}:
        return "expected a histogram with `shift`, `bins` and `counts`"
    shift, bins, counts = document["shift"], document["bins"], document["counts"]
    if type(shift) is not int or not FINEST_SHIFT <= shift <= COARSEST_SHIFT:
        return f"`shift` is {shift!r}; expected a whole number from {FINEST_SHIFT} to {COARSEST_SHIFT}"
    if not isinstance(bins, list) or not isinstance(counts, list) or not len(bins) == len(counts) <= MAX_BINS:
        return f"`bins` and `counts` must be lists of the same length, at most {MAX_BINS}"
    if any(type(value) is not int or not abs(value) < 2**62 for value in (*bins, *counts)):
        return "`bins` and `counts` must be whole numbers"
    if any(count < 1 for count in counts) or sorted(set(bins)) != bins:
        return "`counts` must be at least 1, and `bins` rising"
    return ""


def _bounded(histogram: ValueHistogram) -> ValueHistogram:
    """Return the numbers in the finest bins of which at most MAX_BINS are occupied."""
    if len(histogram.bins) <= MAX_BINS:
        return histogram
    # Two neighbours fall together once the highest bit in which they differ is left out.
    differing = (histogram.bins[1:] ^ histogram.bins[:-1]).view(np.uint64)
    bits = np.frexp(differing.astype(np.float64))[1]
    bits_apart = np.sort(bits)[::-1][MAX_BINS - 1]
    return histogram.coarsened(histogram.shift + int(bits_apart))


def keys_of_numbers(values: np.ndarray) -> np.ndarray:
    """Return int64 of the same shape that is ordered as the numbers are; both zeros are one."""
    bits = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.int64)
    if bits.min(initial=0) >= 0:  # nothing below 0, as probabilities are
        return bits
    return np.asarray(bits ^ ((bits >> 63) & np.int64(0x7FFF_FFFF_FFFF_FFFF)))


def numbers_of_keys(keys: np.ndarray) -> np.ndarray:
    """Return the numbers whose keys these are: all 64 bits of a number, in an order that is the numbers'."""
    return np.asarray((keys ^ ((keys >> 63) & np.int64(0x7FFF_FFFF_FFFF_FFFF))).view(np.float64))
