"""By what records are put on the action list, kept of each shard on disk: files of numbers and nothing else.

<shard>.score    float64 of shape (records,): NaN for unscorable records
<shard>.value    the same, of a list by expected value: what acting on the record is worth; NaN for none
<shard>.segment  int32 of shape (records,), of a list of each segment: its number
<shard>.rising   float64, beside the file before: the values that are there, by segment and then from the
                 lowest to the highest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.report_rules import ActionListRules, ActionValue
from contracts.value_histogram import ValueHistogram, value_histogram
from reporting.segments import SegmentCodes


@dataclass(frozen=True, kw_only=True)
class ShardValues:
    """One shard's values on disk.

    Attributes:
        place: Path of its files, without their endings.
        histogram: Of its values.
        record_count: Records of the shard.
        unvalued_count: Scored ones without the field that says what they are worth.
        has_worths: Whether the list is made by expected value.
        starts: int64: where each segment begins in `rising`, and where the last ends; None without segments.
    """

    place: Path
    histogram: ValueHistogram
    record_count: int
    unvalued_count: int
    has_worths: bool
    starts: np.ndarray | None

    @property
    def valued_count(self) -> int:
        """Records with a value."""
        return self.histogram.record_count

    @property
    def scores(self) -> np.ndarray:
        """Of all records."""
        return np.fromfile(_file(self.place, "score"), dtype=np.float64)

    @property
    def values(self) -> np.ndarray:
        """Of all records."""
        return np.fromfile(_file(self.place, "value" if self.has_worths else "score"), dtype=np.float64)

    @property
    def segments(self) -> np.ndarray | None:
        """Of all records, or None without segments."""
        return None if self.starts is None else np.fromfile(_file(self.place, "segment"), dtype=np.int32)

    @property
    def rising(self) -> np.ndarray:
        """The values that are there, where there are segments."""
        return np.fromfile(_file(self.place, "rising"), dtype=np.float64)


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


def gather_rising(shards: Sequence[ShardValues], path: Path) -> RisingValues:
    """Write the sorted values of all shards with segments into the file `path`; at least one."""
    starts, begin = [], 0
    with path.open("wb") as stream:
        for shard in shards:
            assert shard.starts is not None  # noqa: S101 - it has segments
            values = shard.rising
            starts.append(shard.starts + begin)
            begin += len(values)
            values.tofile(stream)
    return RisingValues(values=np.memmap(path, dtype=np.float64, mode="r"), starts=tuple(starts))


def keep_values(
    scores: np.ndarray,
    histogram: ValueHistogram,
    kept: pa.Table,
    rules: ActionListRules,
    codes: SegmentCodes | None,
    place: Path,
) -> ShardValues:
    """Write what is needed of one shard.

    Args:
        scores: float64 of shape (records,); NaN for unscorable records.
        histogram: Of those that are there.
        kept: Segment and value columns of the same records.
        rules: Of the contract.
        codes: Of the segment field, if there is one.
        place: Path of the files of this shard alone, without their endings.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    scores.tofile(_file(place, "score"))
    values, unvalued_count = scores, 0
    if rules.value is not None:
        values = values_of(scores, numbers_of(kept.column(rules.value.field)), rules.value)
        values.tofile(_file(place, "value"))
        there = values[~np.isnan(values)]
        unvalued_count = histogram.record_count - len(there)
        histogram = value_histogram(there)
    starts = None
    if codes is not None and rules.segment is not None:
        starts = _keep_segments(values, codes.encode(kept.column(rules.segment)), place)
    return ShardValues(
        place=place,
        histogram=histogram,
        record_count=len(scores),
        unvalued_count=unvalued_count,
        has_worths=rules.value is not None,
        starts=starts,
    )


def _keep_segments(values: np.ndarray, segments: np.ndarray, place: Path) -> np.ndarray:
    """Write the segments of values and the values by segment; return where each begins."""
    is_there = ~np.isnan(values)
    values, segments_there = values[is_there], segments[is_there]
    segments.tofile(_file(place, "segment"))
    values[np.lexsort((values, segments_there))].tofile(_file(place, "rising"))
    counts = np.bincount(segments_there, minlength=1)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def _file(place: Path, ending: str) -> Path:
    return place.with_name(f"{place.name}.{ending}")


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


def nth_of_rising(rising: Sequence[np.ndarray], count: int) -> float:
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
        if _count_from(rising, _number(middle)) >= count:
            low = middle
        else:
            high = middle - 1
    return _number(low)


def _count_from(rising: Sequence[np.ndarray], value: float) -> int:
    """Return how many numbers are at or above one."""
    return sum(len(one) - int(np.searchsorted(one, value)) for one in rising)


def _key(number: float) -> int:
    bits = int(np.float64(number + 0.0).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _number(key: int) -> float:
    bits = key if key >= 0 else -key | -(2**63)
    return float(np.int64(bits).view(np.float64)) + 0.0
