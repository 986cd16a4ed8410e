"""Decide which numbers of model quality can be computed for a run, and say why the others cannot.

In:  scores of the records whose outcome is known, and those outcomes (`reporting.labels`).
Out: a Quality. What could not be computed is a sentence in its notes, never a made-up number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from reporting import metrics
from reporting.metrics import Confusion, Ranking

THRESHOLD = 0.5
"""Score from which a record counts as predicted positive in the confusion matrix."""

BINARY, REGRESSION, UNKNOWN = "binary", "regression", "unknown"

METRIC_NAMES = {
    "auc": "AUC (area under the ROC curve)",
    "pr_auc": "PR-AUC (average precision)",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": f"Accuracy at {THRESHOLD}",
    "precision": f"Precision at {THRESHOLD}",
    "recall": f"Recall at {THRESHOLD}",
    "f1": f"F1 at {THRESHOLD}",
    "mae": "Mean absolute error",
    "mse": "Mean squared error",
    "rmse": "Root mean squared error",
    "r2": "R²",
}
"""The metrics of the ledger and the report, in the order in which they are shown."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well the scores agree with the known outcomes.

    Attributes:
        kind: BINARY, REGRESSION, or UNKNOWN where no outcome is known.
        labelled_count: Scored records with a known outcome; everything here is about them.
        positive_count: Positive ones among them; 0 unless binary.
        metrics: Numbers by the names of METRIC_NAMES; only those that could be computed.
        notes: What could not be computed, and why, in sentences.
        ranking: The records by score, where both classes are there.
        confusion: Outcomes at THRESHOLD, where scores are in [0, 1].
        calibration: Columns of `metrics.calibration`, or empty.
        lift: Columns of `metrics.lift`, or empty.
        decile_means: Columns of `metrics.means_by_decile` for a regression, or empty.
    """

    kind: str
    labelled_count: int
    positive_count: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ranking: Ranking | None = None
    confusion: Confusion | None = None
    calibration: dict[str, np.ndarray] = field(default_factory=dict)
    lift: dict[str, np.ndarray] = field(default_factory=dict)
    decile_means: dict[str, np.ndarray] = field(default_factory=dict)


def unmeasured(output_count: int, *, label_name: str | None) -> Quality:
    """Return why a model with several outputs is not measured."""
    note = (
        f"The model has {output_count:,} outputs for each record, and what is measured here compares one "
        "number with each outcome, so nothing was measured."
    )
    if label_name is not None:
        note += f" Name the label field “{label_name}” in KeepColumns to publish the outcomes beside them."
    return Quality(kind=UNKNOWN, labelled_count=0, notes=(note,))


def measure(scores: np.ndarray, labels: np.ndarray, *, label_name: str | None) -> Quality:
    """Measure scores against outcomes, both finite float64 of shape (records,).

    Args:
        scores: Of the records whose outcome is known.
        labels: Their outcomes.
        label_name: The contract's label field, or None if it has none.
    """
    if label_name is None:
        note = "The contract names no label, so there are no outcomes to measure the model against."
        return Quality(kind=UNKNOWN, labelled_count=0, notes=(note,))
    if len(scores) == 0:
        note = (
            f"No scored record has a value in the label field “{label_name}”, so nothing could be measured."
        )
        return Quality(kind=UNKNOWN, labelled_count=0, notes=(note,))
    if np.all((labels == 0) | (labels == 1)):
        return _measure_binary(scores, labels)
    return _measure_regression(scores, labels)


def _measure_binary(scores: np.ndarray, labels: np.ndarray) -> Quality:
    ranking = metrics.rank(scores, labels)
    has_both = 0 < ranking.positive_count < ranking.record_count
    has_lift = has_both and ranking.record_count >= metrics.DECILE_COUNT
    is_probability = bool(np.all((scores >= 0) & (scores <= 1)))
    confusion = metrics.confusion(scores, labels, threshold=THRESHOLD) if is_probability else None
    found: dict[str, float] = {}
    if has_both:
        found |= {"auc": metrics.roc_auc(ranking), "pr_auc": metrics.average_precision(ranking)}
    if confusion is not None:
        found |= {"log_loss": metrics.log_loss(scores, labels), "brier": metrics.brier_score(scores, labels)}
        found |= {name: value for name, value in confusion.rates().items() if name in METRIC_NAMES}
    return Quality(
        kind=BINARY,
        labelled_count=ranking.record_count,
        positive_count=ranking.positive_count,
        metrics=found,
        notes=(*_ranking_notes(ranking), *_probability_notes(scores, found)),
        ranking=ranking if has_both else None,
        confusion=confusion,
        calibration=metrics.calibration(scores, labels) if is_probability else {},
        lift=metrics.lift(ranking) if has_lift else {},
    )


def _ranking_notes(ranking: Ranking) -> Iterator[str]:
    if ranking.positive_count in (0, ranking.record_count):
        which = "positive" if ranking.positive_count else "negative"
        yield (
            "AUC, PR-AUC and lift were not computed: they need both outcomes, and every labelled record "
            f"({ranking.record_count:,}) is {which}."
        )
        return
    if ranking.record_count < metrics.DECILE_COUNT:
        yield (
            "Lift was not computed: ten groups need ten labelled records, "
            f"and there are {ranking.record_count}."
        )
    if len(ranking.record_counts) == 1:
        yield "Every labelled record has the same score, so the model tells none of them apart."


def _probability_notes(scores: np.ndarray, found: dict[str, float]) -> Iterator[str]:
    if "log_loss" not in found:
        yield (
            "Log loss, Brier score, calibration and the rates at a threshold were not computed: they need "
            f"scores in [0, 1], and these reach from {scores.min():.6g} to {scores.max():.6g}."
        )
        return
    if "precision" not in found:
        yield f"Precision was not computed: no labelled record has a score of {THRESHOLD} or more."
    if "recall" not in found:
        yield "Recall was not computed: no labelled record is positive."


def _measure_regression(scores: np.ndarray, labels: np.ndarray) -> Quality:
    measured = metrics.regression_errors(scores, labels)
    means = metrics.means_by_decile(scores, labels)
    has_means = all(np.isfinite(column).all() for column in means.values())
    return Quality(
        kind=REGRESSION,
        labelled_count=len(scores),
        metrics={name: value for name, value in measured.items() if math.isfinite(value)},
        notes=tuple(_regression_notes(measured, has_means=has_means)),
        decile_means=means if has_means else {},
    )


def _regression_notes(measured: dict[str, float], *, has_means: bool) -> Iterator[str]:
    yield "The label has values other than 0 and 1, so the scores are measured as predictions of a number."
    if "r2" not in measured:
        yield "R² was not computed: it needs labels that differ from each other."
    lost = [METRIC_NAMES[name] for name, value in measured.items() if not math.isfinite(value)]
    if not has_means:
        lost.append("Means by group of score")
    if lost:
        yield (
            f"Not computed: {', '.join(lost)}. The scores and labels are so large, or differ by so little, "
            "that a sum or a quotient leaves the range of float64."
        )
