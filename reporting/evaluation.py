"""`evaluation.json`: model quality in the form of SageMaker Model Monitor's statistics.

The form is that of "Model quality metrics and Amazon CloudWatch monitoring" in the SageMaker developer guide:
each metric is `{"value": …, "standard_deviation": …}`; the deviation of `auc` is DeLong's, of all others
"NaN", as nothing is resampled here. A metric that could not be computed is left out. Beside the documented
ones stand `au_prc`, `lift`, `log_loss`, `brier`, `ece`, macro averages, `hit_rate` and `mrr` (under
`ranking_metrics` where there are too many outputs to be classes), and an `interval` where one was computed;
curves are thinned to the points that the report draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reporting.quality import BINARY, CLASSES, HITS, REGRESSION, Quality

STATISTICS_VERSION = 0.0
"""The version that Model Monitor writes."""

_RENAMED = {
    "pr_auc": "au_prc",
    "precision_weighted": "weighted_precision",
    "recall_weighted": "weighted_recall",
    "f1_weighted": "weighted_f1",
}


def evaluation_document(quality: Quality, *, evaluated_at: str) -> dict[str, Any]:
    """Return the document for one run; without labels it has no metrics and says why in `notes`."""
    document: dict[str, Any] = {
        "version": STATISTICS_VERSION,
        "dataset": {"item_count": quality.labelled_count, "evaluation_time": evaluated_at},
    }
    if quality.kind == BINARY:
        document["binary_classification_metrics"] = _binary(quality)
    if quality.kind == REGRESSION:
        document["regression_metrics"] = _values(quality.metrics, quality)
    if quality.kind == CLASSES:
        document["multiclass_classification_metrics"] = _classes(quality)
    if quality.kind == HITS:
        document["ranking_metrics"] = _values(quality.metrics, quality)
    if quality.notes:
        document["notes"] = list(quality.notes)
    return document


def _values(metrics: Mapping[str, float], quality: Quality) -> dict[str, Any]:
    return {_RENAMED.get(name, name): _value(name, value, quality) for name, value in metrics.items()}


def _value(name: str, value: float, quality: Quality) -> dict[str, Any]:
    deviation = quality.auc_standard_deviation if name == "auc" else None
    entry: dict[str, Any] = {
        "value": value,
        "standard_deviation": "NaN" if deviation is None else deviation,
    }
    interval = quality.intervals.get(name)
    if interval is not None:
        entry["interval"] = {"low": interval.low, "high": interval.high, "method": interval.method}
    return entry


def _binary(quality: Quality) -> dict[str, Any]:
    found = _values(quality.metrics, quality)
    if quality.confusion is not None:
        counts = quality.confusion
        found |= _values(counts.rates(), quality)
        found["confusion_matrix"] = {
            "0": {"0": counts.true_negatives, "1": counts.false_positives},
            "1": {"0": counts.false_negatives, "1": counts.true_positives},
        }
    curve = quality.curve
    if curve is not None:
        found["receiver_operating_characteristic_curve"] = {
            "false_positive_rates": [0.0, *curve.false_positive_rates],
            "true_positive_rates": [0.0, *curve.true_positive_rates],
        }
        found["precision_recall_curve"] = {
            "precisions": list(curve.precisions),
            "recalls": list(curve.true_positive_rates),
        }
    return found


def _classes(quality: Quality) -> dict[str, Any]:
    found = _values(quality.metrics, quality)
    if quality.classes is not None:
        names = [row.name for row in quality.classes.rows]
        found["confusion_matrix"] = {
            name: dict(zip(names, row, strict=True))
            for name, row in zip(names, quality.classes.confusion, strict=True)
        }
    return found
