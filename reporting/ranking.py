"""Areas, curves and deciles of ranked records, in one pass from the highest score to the lowest.

For a binary outcome labels are 0 or 1, so that the sum of labels is the number of positives. Records with the
same score enter a curve together, as in scikit-learn, so that no number depends on their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from reporting.intervals import delong_variance
from reporting.score_runs import ScoreBlock

MAX_CURVE_POINTS = 200
DECILE_COUNT = 10


@dataclass(frozen=True, kw_only=True)
class CurvePoints:
    """Points of the ROC and of the precision-recall curve, about MAX_CURVE_POINTS at most, with both ends.

    Attributes:
        scores: From which score on a record is taken for positive.
        false_positive_rates: For each.
        true_positive_rates: For each.
        precisions: For each.
    """

    scores: tuple[float, ...]
    false_positive_rates: tuple[float, ...]
    true_positive_rates: tuple[float, ...]
    precisions: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What a pass over the ranked records of both classes comes to.

    Attributes:
        record_count: All of them.
        positive_count: The positive ones.
        auc: Area under the ROC curve.
        auc_variance: DeLong's, of that area; None where a class has one record.
        average_precision: Area under the precision-recall curve as a sum of steps.
        distinct_count: Different scores.
        curve: Points of both curves.
        found: Positives among the first n tenths of the records, for n from 1 to 10; of records with the same
            score each counts in part.
    """

    record_count: int
    positive_count: int
    auc: float
    auc_variance: float | None
    average_precision: float
    distinct_count: int
    curve: CurvePoints
    found: tuple[float, ...]


@dataclass(kw_only=True)
class RankingPass:
    """Takes blocks of one group, highest scores first, and gives its Ranking in the end.

    Attributes:
        record_count: Records of the group in all blocks; known before the first.
        positive_count: Positive ones among them; neither 0 nor all.
    """

    record_count: int
    positive_count: int
    _taken: int = 0
    _found: float = 0.0
    _distinct: int = 0
    _precision_sum: float = 0.0
    _placements: np.ndarray = field(default_factory=lambda: np.zeros(4))
    _points: list[np.ndarray] = field(default_factory=list)
    _deciles: list[float] = field(default_factory=list)

    def take(self, block: ScoreBlock) -> None:
        """Add the entries of one block."""
        positives, records = block.label_sums, block.record_counts
        found = self._found + np.cumsum(positives)
        taken = self._taken + np.cumsum(records)
        self._precision_sum += float(np.sum(positives * (found / taken)))
        self._add_placements(positives, records - positives, found, taken - found)
        self._add_points(block.scores, found, taken)
        self._add_deciles(found, taken)
        self._distinct += len(records)
        self._found, self._taken = float(found[-1]), int(taken[-1])

    def ranking(self) -> Ranking:
        """Return what all blocks came to."""
        positives, negatives = self.positive_count, self.record_count - self.positive_count
        below, below_squared, _, above_squared = self._placements
        auc = float(below) / positives
        points = np.concatenate(self._points, axis=1)
        taken, found, scores = points
        return Ranking(
            record_count=self.record_count,
            positive_count=positives,
            auc=auc,
            auc_variance=delong_variance(
                auc,
                below_squared=float(below_squared),
                above_squared=float(above_squared),
                positives=positives,
                negatives=negatives,
            ),
            average_precision=self._precision_sum / positives,
            distinct_count=self._distinct,
            curve=CurvePoints(
                scores=tuple(scores.tolist()),
                false_positive_rates=tuple(((taken - found) / negatives).tolist()),
                true_positive_rates=tuple((found / positives).tolist()),
                precisions=tuple((found / taken).tolist()),
            ),
            found=tuple(self._deciles),
        )

    def _add_placements(
        self, positives: np.ndarray, negatives: np.ndarray, found: np.ndarray, passed: np.ndarray
    ) -> None:
        """Add up for each positive the part of the negatives below it, and for each negative the reverse."""
        all_negatives = self.record_count - self.positive_count
        below = (all_negatives - passed + negatives / 2) / all_negatives
        above = (found - positives / 2) / self.positive_count
        self._placements += [
            np.sum(positives * below),
            np.sum(positives * below**2),
            np.sum(negatives * above),
            np.sum(negatives * above**2),
        ]

    def _add_points(self, scores: np.ndarray, found: np.ndarray, taken: np.ndarray) -> None:
        """Keep the entries with which another part of all records is complete, and the very first."""
        parts = np.floor(taken * (MAX_CURVE_POINTS - 1) / self.record_count)
        before = np.floor(self._taken * (MAX_CURVE_POINTS - 1) / self.record_count)
        is_kept = np.diff(parts, prepend=before) > 0
        is_kept[0] |= self._taken == 0
        self._points.append(np.stack([taken[is_kept], found[is_kept], scores[is_kept]]))

    def _add_deciles(self, found: np.ndarray, taken: np.ndarray) -> None:
        while len(self._deciles) < DECILE_COUNT:
            wanted = self.record_count * (len(self._deciles) + 1) / DECILE_COUNT
            if wanted > taken[-1]:
                return
            xs, ys = np.concatenate(([self._taken], taken)), np.concatenate(([self._found], found))
            at = int(np.searchsorted(xs, wanted))
            part = (wanted - xs[at - 1]) / (xs[at] - xs[at - 1])
            self._deciles.append(float(ys[at - 1] + part * (ys[at] - ys[at - 1])))


def rank_groups(blocks: Iterable[ScoreBlock], totals: dict[int, tuple[int, int]]) -> dict[int, Ranking]:
    """Rank the records of several groups at once.

    Args:
        blocks: From `ranked_blocks`.
        totals: Records and positives of each group that has both classes; others are passed over.
    """
    passes = {
        group: RankingPass(record_count=records, positive_count=positives)
        for group, (records, positives) in totals.items()
        if 0 < positives < records
    }
    if not passes:
        return {}
    for block in blocks:
        for group, part in block.by_group():
            if group in passes:
                passes[group].take(part)
    return {group: one.ranking() for group, one in passes.items()}


@dataclass(kw_only=True)
class MeansPass:
    """Takes blocks, highest scores first, and gives means of equally large groups of records in the end.

    Where a group ends among records with the same score, each of them counts with their mean label.

    Attributes:
        record_count: Records in all blocks, at least one.
    """

    record_count: int
    _sums: np.ndarray = field(default_factory=lambda: np.zeros(3))
    _bounds: list[np.ndarray] = field(default_factory=list)

    def take(self, block: ScoreBlock) -> None:
        """Add the entries of one block."""
        with np.errstate(over="ignore", invalid="ignore"):
            columns = (block.record_counts, block.record_counts * block.scores, block.label_sums)
            sums = self._sums[:, None] + np.cumsum(np.stack(columns), axis=1)
        table = np.concatenate((self._sums[:, None], sums), axis=1)
        wanted = self._wanted()
        while len(self._bounds) < len(wanted) and wanted[len(self._bounds)] <= table[0, -1]:
            target = wanted[len(self._bounds)]
            at = max(1, int(np.searchsorted(table[0], target)))
            part = (target - table[0, at - 1]) / (table[0, at] - table[0, at - 1])
            with np.errstate(over="ignore", invalid="ignore"):
                self._bounds.append(table[:, at - 1] + part * (table[:, at] - table[:, at - 1]))
        self._sums = table[:, -1]

    def taking(self, blocks: Iterable[ScoreBlock]) -> Iterator[ScoreBlock]:
        """Yield the blocks for somebody else, each after it was taken here."""
        for block in blocks:
            self.take(block)
            yield block

    def means(self) -> tuple[tuple[int, float, float], ...]:
        """Return records, mean score and mean label of each group, lowest scores first; may be not finite."""
        bounds = np.stack([np.zeros(3), *self._bounds], axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            counts, scores, labels = np.diff(bounds, axis=1)[:, ::-1]
            rows = zip(counts, scores / counts, labels / counts, strict=True)
            return tuple((round(count), float(score), float(label)) for count, score, label in rows)

    def _wanted(self) -> list[int]:
        """Return how many records, from the highest score on, each group and those above it have."""
        groups = min(DECILE_COUNT, self.record_count)
        size, larger = divmod(self.record_count, groups)
        sizes = [size + (number < larger) for number in range(groups)]
        return list(itertools.accumulate(reversed(sizes)))
