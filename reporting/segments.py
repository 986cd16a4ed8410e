"""Quality by segment: the same numbers for each value of a field, with small groups marked.

A segment is small below 100 labelled records, or below 10 of either class: its numbers may be chance. At most
20 values of a field are shown, those with the most records; the rest are one row together. A field with more
than 1,000 different values is no segment, and a note says so.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reporting.intervals import Interval, auc_interval
from reporting.ranking import Ranking

MAX_SHOWN = 20
MAX_VALUES = 1000
SMALL_COUNT, SMALL_CLASS_COUNT = 100, 10
MISSING, OTHERS = "(missing)", "(all other values)"

RECORDS, SCORES, LABELLED, LABELS, ERRORS, ABSOLUTE, SQUARED = range(7)
"""Rows of what is summed up by segment: scored records, their scores; labelled records, their labels, and the
differences of score and label, plain, absolute and squared."""


@dataclass(kw_only=True)
class SegmentCodes:
    """Numbers the values of one field, the same in all shards, which may be settled side by side.

    Attributes:
        name: Of the field.
        codes: Number of each value; None stands for a missing one.
    """

    name: str
    codes: dict[str | None, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_too_many(self) -> bool:
        """Whether there are more different values than are told apart."""
        return len(self.codes) > MAX_VALUES

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Return int32 of shape (records,): the number of each value; 0 for all once there are too many."""
        encoded = column.cast(pa.string()).combine_chunks().dictionary_encode(null_encoding="encode")
        if self.is_too_many or len(encoded.dictionary) > MAX_VALUES:
            with self._lock:
                self.codes.update({f"value {number}": number for number in range(MAX_VALUES + 1)})
            return np.zeros(len(column), dtype=np.int32)
        with self._lock:
            numbers = [
                self.codes.setdefault(value, len(self.codes)) for value in encoded.dictionary.to_pylist()
            ]
        indices = np.asarray(pc.cast(encoded.indices, pa.int64()))
        return np.asarray(np.asarray(numbers, dtype=np.int32)[indices])


def segment_sums(codes: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return float64 of shape (7, codes): what RECORDS to SQUARED say, by code.

    Args:
        codes: int32 of shape (records,).
        scores: float64 of the same shape; NaN for unscorable records.
        labels: float64 of the same shape; NaN where unknown.
    """
    is_scored = ~np.isnan(scores)
    is_labelled = is_scored & np.isfinite(labels)
    scored, labelled = codes[is_scored], codes[is_labelled]
    count = int(codes.max(initial=-1)) + 1
    with np.errstate(over="ignore", invalid="ignore"):
        errors = scores[is_labelled] - labels[is_labelled]
        pairs = [
            (scored, None),
            (scored, scores[is_scored]),
            (labelled, None),
            (labelled, labels[is_labelled]),
            (labelled, errors),
            (labelled, np.abs(errors)),
            (labelled, errors**2),
        ]
    return np.stack([np.bincount(where, weights=what, minlength=count) for where, what in pairs]).astype(
        float
    )


def add_sums(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sums of all shards together."""
    total = np.zeros((7, max((part.shape[1] for part in parts), default=0)))
    for part in parts:
        total[:, : part.shape[1]] += part
    return total


@dataclass(frozen=True, kw_only=True)
class SegmentRow:
    """One segment.

    Attributes:
        value: Of the field.
        record_count: Scored records.
        mean_score: Of them.
        labelled_count: Those with a known outcome.
        mean_label: Of them: the positive part, or the mean of a number; None without any.
        auc: Area under the ROC curve, or None.
        interval: Of that area, or None.
        mae: Mean absolute error of a predicted number, or None.
        rmse: Root mean squared error of a predicted number, or None.
        bias: Mean of score minus label, or None without labels.
        is_small: Whether its numbers may be chance.
        reason: Why a number is missing or the segment is small; empty if neither.
    """

    value: str
    record_count: int
    mean_score: float | None
    labelled_count: int
    mean_label: float | None
    auc: float | None
    interval: Interval | None
    mae: float | None
    rmse: float | None
    bias: float | None
    is_small: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class SegmentField:
    """All segments of one field.

    Attributes:
        name: Of the field.
        rows: Most records first.
        notes: What is not shown, and why.
    """

    name: str
    rows: tuple[SegmentRow, ...]
    notes: tuple[str, ...]


def segment_field(
    codes: SegmentCodes, sums: np.ndarray, rankings: Mapping[int, Ranking], *, is_binary: bool
) -> SegmentField:
    """Return the segments of one field.

    Args:
        codes: Of its values.
        sums: Of all shards, see `segment_sums`.
        rankings: By code, of segments with both classes.
        is_binary: Whether the outcome is 0 or 1; else a number.
    """
    if codes.is_too_many:
        note = f"“{codes.name}” has more than {MAX_VALUES:,} different values, so it was not taken apart."
        return SegmentField(name=codes.name, rows=(), notes=(note,))
    values = {code: MISSING if value is None else value for value, code in codes.codes.items()}
    order = sorted(values, key=lambda code: (-_sum(sums, RECORDS, code), values[code]))
    order = [code for code in order if _sum(sums, RECORDS, code)]
    rows = [
        _row(values[code], sums[:, code], rankings.get(code), is_binary=is_binary)
        for code in order[:MAX_SHOWN]
    ]
    rest = order[MAX_SHOWN:]
    if rest:
        rows.append(_row(OTHERS, sums[:, rest].sum(axis=1), None, is_binary=is_binary))
    note = f"{len(rest):,} further values of “{codes.name}” stand together in the last row, without an AUC."
    return SegmentField(name=codes.name, rows=tuple(rows), notes=(note,) if rest and is_binary else ())


def _sum(sums: np.ndarray, row: int, code: int) -> float:
    return float(sums[row, code]) if code < sums.shape[1] else 0.0


def _row(value: str, sums: np.ndarray, ranking: Ranking | None, *, is_binary: bool) -> SegmentRow:
    records, labelled = round(sums[RECORDS]), round(sums[LABELLED])
    small_reason = _small_reason(labelled, round(sums[LABELS]) if is_binary else None)
    return SegmentRow(
        value=value,
        record_count=records,
        mean_score=_mean(sums[SCORES], records),
        labelled_count=labelled,
        mean_label=_mean(sums[LABELS], labelled),
        auc=ranking.auc if ranking else None,
        interval=auc_interval(ranking.auc, ranking.auc_variance) if ranking else None,
        mae=None if is_binary else _mean(sums[ABSOLUTE], labelled),
        rmse=None if is_binary else _root(_mean(sums[SQUARED], labelled)),
        bias=_mean(sums[ERRORS], labelled),
        is_small=bool(small_reason),
        reason=small_reason or ("" if np.isfinite(sums).all() else "sums beyond float64"),
    )


def _small_reason(labelled: int, positives: int | None) -> str:
    if not labelled:
        return "no labels"
    if positives is not None and positives in (0, labelled):
        return "one outcome only"
    if labelled < SMALL_COUNT:
        return f"small: {labelled} labels"
    if positives is not None and min(positives, labelled - positives) < SMALL_CLASS_COUNT:
        return f"small: {min(positives, labelled - positives)} of one outcome"
    return ""


def _mean(total: float, count: int) -> float | None:
    return float(total) / count if count and np.isfinite(total) else None


def _root(value: float | None) -> float | None:
    return None if value is None else float(np.sqrt(value))
