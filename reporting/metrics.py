"""The numbers of model quality that come out of sums over the labelled records.

Agree with scikit-learn; what needs the records in the order of their scores is in `reporting.ranking`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from reporting.measures import Measures
from reporting.ranking import DECILE_COUNT, Ranking

Columns: TypeAlias = dict[str, list[Any]]
"""A table of plain values: each column by its name."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Records by outcome and by what the score says at a threshold."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def record_count(self) -> int:
        """All of them."""
        return self.true_positives + self.false_positives + self.true_negatives + self.false_negatives

    def rates(self) -> dict[str, float]:
        """Return every rate whose denominator is not 0, by the names that Model Monitor uses."""
        found, false_alarms = self.true_positives, self.false_positives
        rejected, missed = self.true_negatives, self.false_negatives
        fractions = {
            "accuracy": (found + rejected, found + rejected + false_alarms + missed),
            "precision": (found, found + false_alarms),
            "recall": (found, found + missed),
            "true_positive_rate": (found, found + missed),
            "true_negative_rate": (rejected, rejected + false_alarms),
            "false_positive_rate": (false_alarms, rejected + false_alarms),
            "false_negative_rate": (missed, found + missed),
            "f1": (2 * found, 2 * found + false_alarms + missed),
        }
        return {name: part / whole for name, (part, whole) in fractions.items() if whole}


def confusion_of(total: Measures) -> Confusion:
    """Return the outcomes at the threshold at which they were counted."""
    (rejected, false_alarms), (missed, found) = total.confusion.tolist()
    return Confusion(
        true_positives=found,
        false_positives=false_alarms,
        true_negatives=rejected,
        false_negatives=missed,
    )


def group_columns(rows: Sequence[tuple[int, float, float]], label_column: str) -> Columns:
    """Return the rows of `MeansPass.means` as columns: `group`, `record_count`, `mean_score`, mean labels.

    They are equally large: of equally wide ones, one would hold nearly all records where positives are rare.
    """
    return {
        "group": list(range(1, len(rows) + 1)),
        "record_count": [count for count, _, _ in rows],
        "mean_score": [score for _, score, _ in rows],
        label_column: [label for _, _, label in rows],
    }


def calibration_error(total: Measures) -> float:
    """Return the expected calibration error.

    That is the distance of score and outcome in ten equally wide bins of [0, 1], weighted by their records.
    """
    counts, scores, labels = total.calibration
    return float(np.sum(np.abs(scores - labels)) / np.sum(counts))


def lift_columns(ranking: Ranking) -> Columns:
    """Compare each tenth of the records, highest scores first, with the average record.

    Returns:
        Columns of ten: `decile` (1 is the highest), `record_count` and `positive_count` (both may be
        fractions), `lift` (1 is average) and `gain_fraction` (positives found so far, in [0, 1]).
    """
    size = ranking.record_count / DECILE_COUNT
    positives = np.diff(ranking.found, prepend=0.0)
    base_rate = ranking.positive_count / ranking.record_count
    return {
        "decile": list(range(1, DECILE_COUNT + 1)),
        "record_count": [size] * DECILE_COUNT,
        "positive_count": positives.tolist(),
        "lift": (positives / size / base_rate).tolist(),
        "gain_fraction": [found / ranking.positive_count for found in ranking.found],
    }


def regression_metrics(total: Measures) -> dict[str, float]:
    """Return `mae`, `mse`, `rmse` and `bias`, and `r2` where the labels are not all the same.

    A number that float64 cannot hold, or that would be a division by something too small for it, is not
    finite: infinite or NaN.
    """
    count = total.record_count
    mse = total.squared_error_sum / count
    measured = {
        "mae": total.absolute_error_sum / count,
        "mse": mse,
        "rmse": math.sqrt(mse) if mse >= 0 else math.nan,
    }
    if total.label_minimum < total.label_maximum:
        with np.errstate(all="ignore"):
            measured["r2"] = float(1 - np.float64(total.squared_error_sum) / total.label_spread)
    measured["bias"] = total.error_sum / count
    return measured
