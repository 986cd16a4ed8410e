"""By what records are put on the action list, kept of each shard on disk.

value.npy    float64 of shape (records,): the score, or what acting on the record is worth; NaN for none
segment.npy  int32 of shape (records,): number of the segment, 0 for all without segments
rising.npy   the values that are there, by segment and then from the lowest to the highest
starts.npy   int64: where each segment begins in `rising`, and where the last one ends
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.report_rules import ActionListRules, ActionValue
from reporting.segments import SegmentCodes


@dataclass(frozen=True, kw_only=True)
class ShardValues:
    """One shard's values on disk.

    Attributes:
        folder: Holds the files above.
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
        """Of all records."""
        return np.asarray(np.load(self.folder / "value.npy", allow_pickle=False))

    @property
    def segments(self) -> np.ndarray:
        """Of all records."""
        return np.asarray(np.load(self.folder / "segment.npy", allow_pickle=False))


@dataclass(frozen=True, kw_only=True)
class RisingValues:
    """The values of all shards in one file, so that one file is open however many shards there are.

    Attributes:
        values: Memory-mapped: of each shard by segment, and then from the lowest to the highest.
        starts: For each shard, where each segment begins in `values`, and where the last one ends.
    """

    values: np.ndarray
    starts: tuple[np.ndarray, ...]

    def of_segment(self, segment: int) -> list[np.ndarray]:
        """Return the values of one segment by shard, from the lowest to the highest; no empty ones."""
        bounds = [starts[segment : segment + 2] for starts in self.starts if segment + 1 < len(starts)]
        return [self.values[begin:end] for begin, end in bounds if begin < end]

    def of_all(self) -> list[np.ndarray]:
        """Return all values, in parts that rise."""
        most = max((len(starts) for starts in self.starts), default=1)
        return [part for segment in range(most - 1) for part in self.of_segment(segment)]


def gather_rising(shards: Sequence[ShardValues], path: Path) -> RisingValues:
    """Write the sorted values of all shards into the file `path`, one after the other; at least one."""
    starts, begin = [], 0
    with path.open("wb") as stream:
        for shard in shards:
            values = np.load(shard.folder / "rising.npy", allow_pickle=False)
            starts.append(np.load(shard.folder / "starts.npy", allow_pickle=False) + begin)
            begin += len(values)
            values.tofile(stream)
    return RisingValues(values=np.memmap(path, dtype=np.float64, mode="r"), starts=tuple(starts))


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
        values = values_of(scores, numbers_of(kept.column(rules.value.field)), rules.value)
    segments = np.zeros(len(scores), dtype=np.int32)
    if codes is not None and rules.segment is not None:
        segments = codes.encode(kept.column(rules.segment))
    is_there = ~np.isnan(values)
    there = values[is_there]
    rising = np.sort(there) if codes is None else there[np.lexsort((there, segments[is_there]))]
    counts = np.bincount(segments[is_there], minlength=1)
    columns = {
        "value": values,
        "segment": segments,
        "rising": rising,
        "starts": np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
    }
    folder.mkdir(parents=True)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column, allow_pickle=False)
    return ShardValues(
        folder=folder,
        record_count=len(scores),
        valued_count=int(is_there.sum()),
        unvalued_count=int(np.sum(~is_there & ~np.isnan(scores))),
    )


def numbers_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column as float64 of shape (records,), NaN where it has no value."""
    return np.asarray(pc.fill_null(pc.cast(column, pa.float64()), float("nan")).to_numpy())


def values_of(scores: np.ndarray, worths: np.ndarray, rule: ActionValue) -> np.ndarray:
    """Return what acting on each record is worth; NaN where that is no finite number.

    Args:
        scores: float64 of shape (records,); outcomes in their place give what it came to.
        worths: float64 of the same shape: values of the field that the rule names.
        rule: Of the contract.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = scores * rule.factor * worths - rule.contact_cost
    return np.where(np.isfinite(values), values, np.nan)


def nth_largest(rising: Sequence[np.ndarray], count: int) -> float:
    """Return the largest number at or above which at least `count` are; there must be so many.

    Args:
        rising: Numbers of each shard, from the lowest to the highest.
        count: At least 1.
    """
    # Halves the range of the keys of float64, which are ordered as the numbers are.
    ends = [(float(one[0]), float(one[-1])) for one in rising if len(one)]
    low, high = _key(min(first for first, _ in ends)), _key(max(last for _, last in ends))
    while low < high:
        middle = low + (high - low + 1) // 2
        if count_from(rising, _number(middle)) >= count:
            low = middle
        else:
            high = middle - 1
    return _number(low)


def count_from(rising: Sequence[np.ndarray], value: float) -> int:
    """Return how many numbers are at or above one."""
    return sum(len(one) - int(np.searchsorted(one, value)) for one in rising)


def _key(number: float) -> int:
    bits = int(np.float64(number + 0.0).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _number(key: int) -> float:
    bits = key if key >= 0 else -key | -(2**63)
    return float(np.int64(bits).view(np.float64)) + 0.0
