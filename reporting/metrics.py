"""The numbers of model quality, computed from scores and known outcomes; nothing but numpy.

Scores are float64 of shape (records,). For a binary outcome labels are float64 too, 0 or 1. Ties are handled
as scikit-learn handles them: records with the same score enter a curve together, so that no number depends
on the order of the records. Every function expects at least one record; what else one needs, it says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CALIBRATION_BIN_COUNT = 10
DECILE_COUNT = 10
MAX_CURVE_POINTS = 200
"""Points kept of a curve for drawing; areas are computed from all of them."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Records from the highest score to the lowest, those with the same score taken together.

    Attributes:
        record_counts: For each distinct score, highest first, the records with that score or a higher one.
        positive_counts: The positive ones among them.
    """

    record_counts: np.ndarray
    positive_counts: np.ndarray

    @property
    def record_count(self) -> int:
        """All records."""
        return int(self.record_counts[-1])

    @property
    def positive_count(self) -> int:
        """All positive records."""
        return int(self.positive_counts[-1])

    @property
    def true_positive_rates(self) -> np.ndarray:
        """Found positives / positives, starting at 0; needs a positive record."""
        return np.concatenate(([0.0], self.positive_counts / self.positive_count))

    @property
    def false_positive_rates(self) -> np.ndarray:
        """Negatives taken for positive / negatives, starting at 0; needs a negative record."""
        negatives = self.record_counts - self.positive_counts
        return np.concatenate(([0.0], negatives / negatives[-1]))

    @property
    def precisions(self) -> np.ndarray:
        """Positives among the records taken, for each distinct score."""
        return np.asarray(self.positive_counts / self.record_counts)


def rank(scores: np.ndarray, labels: np.ndarray) -> Ranking:
    """Put records in the order of their scores, highest first."""
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(scores) - 1)
    positives = np.cumsum(labels[order])[ends]
    return Ranking(record_counts=ends + 1, positive_counts=positives)


def roc_auc(ranking: Ranking) -> float:
    """Area under the ROC curve; needs both classes."""
    return float(np.trapezoid(ranking.true_positive_rates, ranking.false_positive_rates))


def average_precision(ranking: Ranking) -> float:
    """Area under the precision-recall curve as a sum of steps; needs a positive record."""
    return float(np.sum(np.diff(ranking.true_positive_rates) * ranking.precisions))


def log_loss(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log likelihood; scores in [0, 1], clipped by the float64 epsilon as scikit-learn does."""
    epsilon = np.finfo(np.float64).eps
    likelihoods = np.clip(np.where(labels == 1, scores, 1 - scores), epsilon, 1 - epsilon)
    return float(-np.mean(np.log(likelihoods)))


def brier_score(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared difference between score and outcome; scores in [0, 1]."""
    return float(np.mean((scores - labels) ** 2))


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Records by outcome and by what the score says at a threshold."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

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


def confusion(scores: np.ndarray, labels: np.ndarray, *, threshold: float) -> Confusion:
    """Count outcomes; a score at or above the threshold says positive."""
    says_positive, is_positive = scores >= threshold, labels == 1
    return Confusion(
        true_positives=int(np.sum(says_positive & is_positive)),
        false_positives=int(np.sum(says_positive & ~is_positive)),
        true_negatives=int(np.sum(~says_positive & ~is_positive)),
        false_negatives=int(np.sum(~says_positive & is_positive)),
    )


def calibration(scores: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Compare mean score and observed fraction in ten equally wide bins of [0, 1].

    Returns:
        Columns of shape (10,): `score_from` (inclusive), `score_to` (exclusive, but for the last),
        `record_count`, `mean_score` and `observed_fraction`; the last two are NaN in an empty bin.
    """
    edges = np.arange(CALIBRATION_BIN_COUNT + 1) / CALIBRATION_BIN_COUNT
    bins = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, CALIBRATION_BIN_COUNT - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BIN_COUNT)
    divisors = np.where(counts == 0, np.nan, counts)
    return {
        "score_from": edges[:-1],
        "score_to": edges[1:],
        "record_count": counts,
        "mean_score": np.bincount(bins, weights=scores, minlength=CALIBRATION_BIN_COUNT) / divisors,
        "observed_fraction": np.bincount(bins, weights=labels, minlength=CALIBRATION_BIN_COUNT) / divisors,
    }


def lift(ranking: Ranking) -> dict[str, np.ndarray]:
    """Compare each tenth of the records, highest scores first, with the average record.

    Where a tenth ends among records with the same score, each of them counts in part; no number depends on
    their order. Needs a positive record.

    Returns:
        Columns of shape (10,): `decile` (1 is the highest), `record_count` and `positive_count` (both may
        be fractions), `lift` (1 is average) and `gain_fraction` (positives found so far, in [0, 1]).
    """
    taken = np.linspace(0, ranking.record_count, DECILE_COUNT + 1)
    found = np.interp(
        taken, np.concatenate(([0], ranking.record_counts)), np.concatenate(([0], ranking.positive_counts))
    )
    base_rate = ranking.positive_count / ranking.record_count
    return {
        "decile": np.arange(1, DECILE_COUNT + 1),
        "record_count": np.diff(taken),
        "positive_count": np.diff(found),
        "lift": np.diff(found) / np.diff(taken) / base_rate,
        "gain_fraction": found[1:] / ranking.positive_count,
    }


def curve_positions(count: int) -> np.ndarray:
    """Return at most MAX_CURVE_POINTS positions, evenly spread over `count`, both ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, MAX_CURVE_POINTS)).round().astype(np.intp))


def regression_errors(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return `mae`, `mse` and `rmse`, and `r2` where the labels are not all the same.

    A number that float64 cannot hold, or that would be a division by something too small for it, is not
    finite: infinite or NaN.
    """
    with np.errstate(all="ignore"):
        errors = scores - labels
        mse = np.mean(errors**2)
        measured = {"mae": np.mean(np.abs(errors)), "mse": mse, "rmse": np.sqrt(mse)}
        if labels.min() < labels.max():
            measured["r2"] = 1 - np.sum(errors**2) / np.sum((labels - np.mean(labels)) ** 2)
    return {name: float(value) for name, value in measured.items()}


def means_by_decile(scores: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Compare mean score and mean label in up to ten equally large groups, lowest scores first.

    Where a group ends among records with the same score, each of them counts with their mean label; no number
    depends on their order. A mean whose sum is beyond float64 is not finite.
    """
    order = np.lexsort((labels, scores))
    scores, labels = scores[order], labels[order]
    _, distinct, counts = np.unique(scores, return_inverse=True, return_counts=True)
    with np.errstate(over="ignore", invalid="ignore"):
        tied_labels = (np.bincount(distinct, weights=labels) / counts)[distinct]
        score_groups, label_groups = (
            np.array_split(values, min(DECILE_COUNT, len(scores))) for values in (scores, tied_labels)
        )
        return {
            "group": np.arange(1, len(score_groups) + 1),
            "record_count": np.array([len(group) for group in score_groups]),
            "mean_score": np.array([group.mean() for group in score_groups]),
            "mean_label": np.array([group.mean() for group in label_groups]),
        }
