"""How the scores of a run are distributed, added up shard by shard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

UNIT_BIN_COUNT = 20
"""Bins over [0, 1], each 0.05 wide."""

WIDE_BIN_COUNT = 30
"""Bins from the smallest to the largest score, where scores leave [0, 1]; fewer if float64 is too coarse."""

NARROW_FRACTION = 1e-5
"""Of the largest: numbers that differ by less were meant to be the same, and are rounded to 32 bits."""


@dataclass(frozen=True, kw_only=True)
class ScoreSummary:
    """What one shard's scores, or all scores, come to.

    Attributes:
        record_count: Scores; unscorable records have none.
        minimum: Smallest score; infinity without scores.
        maximum: Largest score; minus infinity without scores.
        total: Their sum; not finite if that is beyond float64.
        unit_counts: Scores in each of UNIT_BIN_COUNT bins of [0, 1]; those outside are in the end bins.
    """

    record_count: int
    minimum: float
    maximum: float
    total: float
    unit_counts: np.ndarray

    @property
    def mean(self) -> float:
        """The mean score; not finite without scores, or if their sum is beyond float64."""
        return self.total / self.record_count if self.record_count else float("nan")

    @property
    def has_mean(self) -> bool:
        """Whether there is a mean score."""
        return math.isfinite(self.mean)

    @property
    def is_narrow(self) -> bool:
        """Whether the scores, none below 0, are the same but for rounding: a histogram says nothing."""
        return 0 <= self.maximum - self.minimum <= NARROW_FRACTION * self.maximum

    @property
    def is_within_unit(self) -> bool:
        """Whether every score is in [0, 1], so that the bins say everything."""
        return self.record_count == 0 or (self.minimum >= 0 and self.maximum <= 1)


@dataclass(frozen=True, kw_only=True)
class ScoreDistribution:
    """A histogram of all scores.

    Attributes:
        summary: Of all scores.
        edges: Bounds of the bins, one more than there are bins; every bin includes its lower bound.
        counts: Scores in each bin.
    """

    summary: ScoreSummary
    edges: np.ndarray
    counts: np.ndarray


def summarise(scores: np.ndarray) -> ScoreSummary:
    """Summarise finite scores of shape (records,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.sum(scores))
    return ScoreSummary(
        record_count=len(scores),
        minimum=float(np.min(scores, initial=np.inf)),
        maximum=float(np.max(scores, initial=-np.inf)),
        total=total,
        unit_counts=np.bincount(_unit_bins(scores), minlength=UNIT_BIN_COUNT),
    )


def _unit_bins(scores: np.ndarray) -> np.ndarray:
    """Return the bin of each score; a product may be rounded over a bound, so each is compared with both."""
    scores = np.clip(scores, 0.0, 1.0)
    bins = np.minimum((scores * UNIT_BIN_COUNT).astype(np.intp), UNIT_BIN_COUNT - 1)
    lower = unit_edges()[:-1]
    upper = np.append(lower[1:], np.inf)
    bins += scores >= upper[bins]
    bins -= scores < lower[bins]
    return bins


def add_up(summaries: Iterable[ScoreSummary]) -> ScoreSummary:
    """Return the summary of all scores together."""
    parts = [summarise(np.empty(0)), *summaries]
    return ScoreSummary(
        record_count=sum(part.record_count for part in parts),
        minimum=min(part.minimum for part in parts),
        maximum=max(part.maximum for part in parts),
        total=sum(part.total for part in parts),
        unit_counts=np.sum([part.unit_counts for part in parts], axis=0),
    )


def unit_distribution(summary: ScoreSummary) -> ScoreDistribution:
    """Return the histogram of scores that are all in [0, 1]."""
    return ScoreDistribution(summary=summary, edges=unit_edges(), counts=summary.unit_counts)


def wide_distribution(summary: ScoreSummary, score_arrays: Iterable[np.ndarray]) -> ScoreDistribution:
    """Return the histogram of scores that leave [0, 1], reading them shard by shard once more."""
    edges = _wide_edges(summary.minimum, summary.maximum)
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    for scores in score_arrays:
        counts += np.histogram(scores, bins=edges)[0]
    return ScoreDistribution(summary=summary, edges=edges, counts=counts)


def _wide_edges(minimum: float, maximum: float) -> np.ndarray:
    """Return rising bounds of bins from the smallest to the largest score, of any finite size.

    Where both are the same, the bins reach a little to either side. Of bounds that float64 cannot tell apart
    one is kept.
    """
    if minimum == maximum:
        margin, largest = max(0.5, abs(minimum) * 1e-6), np.finfo(np.float64).max
        minimum, maximum = max(minimum - margin, -largest), min(maximum + margin, largest)
    # Quarters: the way from one end of float64 to the other is longer than float64 can say.
    inner = 4 * np.linspace(minimum / 4, maximum / 4, WIDE_BIN_COUNT + 1)[1:-1]
    return np.unique(np.concatenate(([minimum], np.clip(inner, minimum, maximum), [maximum])))


def unit_edges() -> np.ndarray:
    """Return the bounds of the bins over [0, 1]."""
    return np.arange(UNIT_BIN_COUNT + 1) / UNIT_BIN_COUNT
