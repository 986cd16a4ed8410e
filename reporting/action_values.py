"""By what records are put on the action list, kept of each shard in the order of the source.

value    float64: the score, or what acting on the record is worth; NaN where there is none
segment  int32: number of the segment
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.report_rules import ActionListRules
from reporting.segments import SegmentCodes

BISECTIONS = 64
"""A float64 has so many bits: then the bounds are neighbours."""


@dataclass(frozen=True, kw_only=True)
class ShardValues:
    """One shard's values on disk.

    Attributes:
        folder: Holds `value.npy`, `segment.npy` and `rising.npy`, the values from the lowest to the highest.
        record_count: Records of the shard.
        valued_count: Those with a value.
        unvalued_count: Scored ones without the field that says what they are worth.
    """

    folder: Path
    record_count: int
    valued_count: int
    unvalued_count: int

    @property
    def values(self) -> np.ndarray:
        """Of all records, memory-mapped."""
        return np.asarray(np.load(self.folder / "value.npy", mmap_mode="r", allow_pickle=False))

    @property
    def segments(self) -> np.ndarray:
        """Of all records, memory-mapped."""
        return np.asarray(np.load(self.folder / "segment.npy", mmap_mode="r", allow_pickle=False))

    @property
    def rising(self) -> np.ndarray:
        """The values that are there, from the lowest to the highest, memory-mapped."""
        return np.asarray(np.load(self.folder / "rising.npy", mmap_mode="r", allow_pickle=False))


def keep_values(
    scores: np.ndarray, kept: pa.Table, rules: ActionListRules, codes: SegmentCodes | None, folder: Path
) -> ShardValues:
    """Write what is needed of one shard.

    Args:
        scores: float64 of shape (records,); NaN for unscorable records.
        kept: Segment and value columns of the same records.
        rules: Of the contract.
        codes: Of the segment field, if there is one.
        folder: Of this shard alone; made.
    """
    values = scores
    if rules.value is not None:
        worth = pc.fill_null(pc.cast(kept.column(rules.value.field), pa.float64()), float("nan"))
        with np.errstate(over="ignore", invalid="ignore"):
            values = scores * rules.value.factor * np.asarray(worth) - rules.value.contact_cost
        values = np.where(np.isfinite(values), values, np.nan)
    segments = np.zeros(len(scores), dtype=np.int32)
    if codes is not None and rules.segment is not None:
        segments = codes.encode(kept.column(rules.segment))
    folder.mkdir(parents=True)
    is_there = ~np.isnan(values)
    for name, column in (("value", values), ("segment", segments), ("rising", np.sort(values[is_there]))):
        np.save(folder / f"{name}.npy", column, allow_pickle=False)
    return ShardValues(
        folder=folder,
        record_count=len(scores),
        valued_count=int(is_there.sum()),
        unvalued_count=int(np.sum(~is_there & ~np.isnan(scores))),
    )


def nth_largest(shards: Sequence[ShardValues], count: int) -> float:
    """Return the largest value at or above which at least `count` values are; there must be so many."""
    return _bisected([shard.rising for shard in shards], count)


def count_from(shards: Sequence[ShardValues], value: float) -> int:
    """Return how many values are at or above one."""
    return _at_or_above([shard.rising for shard in shards], value)


def _bisected(rising: Sequence[np.ndarray], count: int) -> float:
    """Halve the range of keys of float64, which are ordered as the numbers are."""
    ends = [(float(one[0]), float(one[-1])) for one in rising if len(one)]
    low, high = _key(min(first for first, _ in ends)), _key(max(last for _, last in ends))
    while low < high:
        middle = low + (high - low + 1) // 2
        if _at_or_above(rising, _number(middle)) >= count:
            low = middle
        else:
            high = middle - 1
    return _number(low)


def _at_or_above(rising: Sequence[np.ndarray], value: float) -> int:
    return sum(len(one) - int(np.searchsorted(one, value)) for one in rising)


def _key(number: float) -> int:
    bits = int(np.float64(number + 0.0).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _number(key: int) -> float:
    bits = key if key >= 0 else -key | -(2**63)
    return float(np.int64(bits).view(np.float64)) + 0.0
