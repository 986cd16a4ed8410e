"""Decide which numbers of model quality can be computed for a run, and say why the others cannot.

In:  what the labelled records of each shard left behind (`reporting.labelled_records`).
Out: a Quality of plain values; of several outputs, `reporting.output_quality` makes it. What could not be
computed is a sentence in its notes, never a made-up number.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from contracts.dataset import DatasetContract
from reporting.classes import ClassQuality
from reporting.intervals import Interval, auc_interval, average_precision_interval, fraction_interval
from reporting.labelled_records import ALL, LabelledRecords
from reporting.measures import Measures, add_measures
from reporting.metrics import (
    Columns,
    Confusion,
    calibration_error,
    confusion_of,
    group_columns,
    lift_columns,
    regression_metrics,
)
from reporting.ranking import DECILE_COUNT, CurvePoints, MeansPass, Ranking, rank_groups
from reporting.score_runs import ranked_blocks
from reporting.segments import LABELLED, LABELS, SegmentCodes, SegmentField, add_sums, segment_field

BINARY, REGRESSION, CLASSES, HITS, UNKNOWN = "binary", "regression", "classes", "hits", "unknown"

METRIC_NAMES = MappingProxyType(
    {
        "auc": "AUC (area under the ROC curve)",
        "pr_auc": "PR-AUC (average precision)",
        "lift": "Lift of the tenth with the highest scores",
        "hit_rate": "Hit rate: the label is among the outputs kept",
        "mrr": "Mean reciprocal rank of the label among them",
        "auc_macro": "AUC of each class against the rest, mean",
        "log_loss": "Log loss",
        "brier": "Brier score",
        "ece": "Expected calibration error",
        "accuracy": "Accuracy",
        "precision": "Precision",
        "recall": "Recall",
        "f1": "F1",
        "precision_macro": "Precision, mean of the classes",
        "recall_macro": "Recall, mean of the classes",
        "f1_macro": "F1, mean of the classes",
        "precision_weighted": "Precision, weighted by class",
        "recall_weighted": "Recall, weighted by class",
        "f1_weighted": "F1, weighted by class",
        "mae": "Mean absolute error",
        "mse": "Mean squared error",
        "rmse": "Root mean squared error",
        "r2": "R²",
        "bias": "Bias (mean of score minus label)",
    }
)
"""The metrics of the ledger and the report, in the order in which they are shown."""

NO_LABEL_NOTE = "The contract names no label, so there are no outcomes to measure the model against."

AT_THRESHOLD = ("accuracy", "precision", "recall", "f1")
"""Of a binary outcome, those that depend on the contract's threshold."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well the scores agree with the known outcomes.

    Attributes:
        kind: BINARY, REGRESSION, CLASSES, HITS (of more outputs than are compared as classes), or
            UNKNOWN where no outcome is known.
        labelled_count: Scored records with a known outcome; everything here is about them.
        positive_count: Positive ones among them; 0 unless binary.
        threshold: Score from which a record counts as predicted positive.
        metrics: Numbers by the names of METRIC_NAMES; only those that could be computed.
        intervals: Of some of them, by the same names.
        notes: What could not be computed, and why, in sentences.
        auc_standard_deviation: DeLong's, or None.
        curve: Points of both curves, where both classes are there.
        confusion: Outcomes at the threshold, where scores are in [0, 1].
        calibration: Columns `group`, `record_count`, `mean_score`, `observed_fraction`, lowest scores first;
            empty where scores are not in [0, 1].
        lift: Columns of `metrics.lift_columns`, or empty.
        decile_means: Columns `group`, `record_count`, `mean_score`, `mean_label`, lowest scores first; of a
            regression, else empty.
        segments: One entry for each field that the contract names.
        classes: Of a model with an output for each class, or None.
    """

    kind: str
    labelled_count: int
    positive_count: int = 0
    threshold: float = 0.5
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    auc_standard_deviation: float | None = None
    curve: CurvePoints | None = None
    confusion: Confusion | None = None
    calibration: Columns = field(default_factory=dict)
    lift: Columns = field(default_factory=dict)
    decile_means: Columns = field(default_factory=dict)
    segments: tuple[SegmentField, ...] = ()
    classes: ClassQuality | None = None


def measure_quality(
    parts: Sequence[LabelledRecords], contract: DatasetContract, codes: Mapping[str, SegmentCodes]
) -> Quality:
    """Measure a model with one output against known outcomes, in one pass over the runs for each ranking.

    Args:
        parts: Of all shards.
        contract: Names label, segments and threshold.
        codes: Of the segment fields.
    """
    if contract.label is None:
        return unknown_quality(NO_LABEL_NOTE)
    total = add_measures(part.measures for part in parts if part.measures)
    segments = _segments(parts, codes, is_binary=total.is_binary)
    if not total.record_count:
        note = f"No scored record has a value in the label field “{contract.label}”, so nothing was measured."
        return unknown_quality(note, segments)
    runs = runs_of(parts, ALL)
    if total.is_binary:
        return _measure_binary(total, runs, contract.report.threshold, segments)
    return _measure_regression(total, runs, segments)


def unknown_quality(note: str, segments: tuple[SegmentField, ...] = ()) -> Quality:
    """Return what is said where nothing was measured, and why."""
    return Quality(kind=UNKNOWN, labelled_count=0, notes=(note,), segments=segments)


def runs_of(parts: Sequence[LabelledRecords], name: str) -> list[Path]:
    """Return the folders of the runs of scores that rank one thing."""
    return [part.runs[name] for part in parts if name in part.runs]


def _measure_binary(
    total: Measures, runs: Sequence[Path], threshold: float, segments: tuple[SegmentField, ...]
) -> Quality:
    records, positives = total.record_count, round(total.label_sum)
    means = MeansPass(record_count=records)
    blocks = means.taking(ranked_blocks(runs))
    ranking = rank_groups(blocks, {0: (records, positives)}).get(0)
    deque(blocks, maxlen=0)  # of one outcome nothing was ranked, and nothing taken
    confusion = confusion_of(total) if total.is_within_unit else None
    lift = lift_columns(ranking) if ranking and records >= DECILE_COUNT else {}
    metrics, intervals = dict(_ranking_metrics(ranking, lift)), dict(_ranking_intervals(ranking))
    if confusion is not None:
        metrics |= {"log_loss": total.log_loss_sum / records, "brier": total.squared_error_sum / records}
        metrics["ece"] = calibration_error(total)
        metrics |= {name: value for name, value in confusion.rates().items() if name in METRIC_NAMES}
        intervals |= _rate_intervals(confusion)
    return Quality(
        kind=BINARY,
        labelled_count=records,
        positive_count=positives,
        threshold=threshold,
        metrics=metrics,
        intervals=intervals,
        notes=(*_ranking_notes(records, positives, ranking), *_probability_notes(total, metrics, threshold)),
        auc_standard_deviation=_standard_deviation(ranking),
        curve=ranking.curve if ranking else None,
        confusion=confusion,
        calibration=group_columns(means.means(), "observed_fraction") if confusion is not None else {},
        lift=lift,
        segments=segments,
    )


def _ranking_metrics(ranking: Ranking | None, lift: Columns) -> Iterator[tuple[str, float]]:
    if ranking is not None:
        yield "auc", ranking.auc
        yield "pr_auc", ranking.average_precision
    if lift:
        yield "lift", lift["lift"][0]


def _ranking_intervals(ranking: Ranking | None) -> Iterator[tuple[str, Interval]]:
    if ranking is None:
        return
    intervals = {
        "auc": auc_interval(ranking.auc, ranking.auc_variance),
        "pr_auc": average_precision_interval(ranking.average_precision, ranking.positive_count),
    }
    yield from ((name, interval) for name, interval in intervals.items() if interval is not None)


def _rate_intervals(confusion: Confusion) -> dict[str, Interval]:
    fractions = {
        "accuracy": (confusion.true_positives + confusion.true_negatives, confusion.record_count),
        "precision": (confusion.true_positives, confusion.true_positives + confusion.false_positives),
        "recall": (confusion.true_positives, confusion.true_positives + confusion.false_negatives),
    }
    return {name: fraction_interval(part, whole) for name, (part, whole) in fractions.items() if whole}


def _standard_deviation(ranking: Ranking | None) -> float | None:
    if ranking is None or ranking.auc_variance is None:
        return None
    return math.sqrt(ranking.auc_variance)


def _ranking_notes(records: int, positives: int, ranking: Ranking | None) -> Iterator[str]:
    if ranking is None:
        which = "positive" if positives else "negative"
        yield (
            "AUC, PR-AUC and lift were not computed: they need both outcomes, and every labelled record "
            f"({records:,}) is {which}."
        )
        return
    if records < DECILE_COUNT:
        yield f"Lift was not computed: ten groups need ten labelled records, and there are {records}."
    if ranking.auc_variance is None:
        yield "AUC has no interval: it needs two labelled records of each outcome."
    if ranking.distinct_count == 1:
        yield "Every labelled record has the same score, so the model tells none of them apart."


def _probability_notes(total: Measures, found: Mapping[str, float], threshold: float) -> Iterator[str]:
    if "log_loss" not in found:
        yield (
            "Log loss, Brier score, calibration and the rates at a threshold were not computed: they need "
            f"scores in [0, 1], and these reach from {total.minimum:.6g} to {total.maximum:.6g}."
        )
        return
    if "precision" not in found:
        yield (
            f"Precision was not computed: no labelled record has a score of {threshold:g} or more, the "
            f"highest is {total.maximum:.4g}. The contract sets the threshold (`scoring.report.threshold`)."
        )
    if "recall" not in found:
        yield "Recall was not computed: no labelled record is positive."


def _measure_regression(total: Measures, runs: Sequence[Path], segments: tuple[SegmentField, ...]) -> Quality:
    measured = regression_metrics(total)
    means = MeansPass(record_count=total.record_count)
    for block in ranked_blocks(runs):
        means.take(block)
    rows = means.means()
    has_means = all(math.isfinite(score) and math.isfinite(label) for _, score, label in rows)
    return Quality(
        kind=REGRESSION,
        labelled_count=total.record_count,
        metrics={name: value for name, value in measured.items() if math.isfinite(value)},
        notes=tuple(_regression_notes(measured, has_means=has_means)),
        decile_means=group_columns(rows, "mean_label") if has_means else {},
        segments=segments,
    )


def _regression_notes(measured: Mapping[str, float], *, has_means: bool) -> Iterator[str]:
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


def _segments(
    parts: Sequence[LabelledRecords], codes: Mapping[str, SegmentCodes], *, is_binary: bool
) -> tuple[SegmentField, ...]:
    found = []
    for name, one in codes.items():
        sums = add_sums([part.segments[name] for part in parts if name in part.segments])
        rankings = {}
        if is_binary and not one.is_too_many:
            totals = {
                code: (round(sums[LABELLED, code]), round(sums[LABELS, code]))
                for code in range(sums.shape[1])
            }
            rankings = rank_groups(ranked_blocks(runs_of(parts, name)), totals)
        found.append(segment_field(one, sums, rankings, is_binary=is_binary))
    return tuple(found)
