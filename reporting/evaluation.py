"""`evaluation.json`: model quality in the form of SageMaker Model Monitor's statistics.

The form is that of "Model quality metrics and Amazon CloudWatch monitoring" in the SageMaker developer guide:
each metric is `{"value": …, "standard_deviation": …}`. The deviation is always "NaN": nothing is
resampled here. A metric that could not be computed is left out. `au_prc`, `log_loss` and `brier` stand
beside the documented ones; curves are thinned to the points that the report draws.
"""

from __future__ import annotations

from typing import Any

from reporting.metrics import Ranking, curve_positions
from reporting.quality import BINARY, REGRESSION, Quality

STATISTICS_VERSION = 0.0
"""The version that Model Monitor writes."""

_RENAMED = {"pr_auc": "au_prc"}


def evaluation_document(quality: Quality, *, evaluated_at: str) -> dict[str, Any]:
    """Return the document for one run; without labels it has no metrics and says why in `notes`."""
    document: dict[str, Any] = {
        "version": STATISTICS_VERSION,
        "dataset": {"item_count": quality.labelled_count, "evaluation_time": evaluated_at},
    }
    if quality.kind == BINARY:
        document["binary_classification_metrics"] = _binary(quality)
    if quality.kind == REGRESSION:
        document["regression_metrics"] = _values(quality.metrics)
    if quality.notes:
        document["notes"] = list(quality.notes)
    return document


def _values(metrics: dict[str, float]) -> dict[str, Any]:
    return {
        _RENAMED.get(name, name): {"value": value, "standard_deviation": "NaN"}
        for name, value in metrics.items()
    }


def _binary(quality: Quality) -> dict[str, Any]:
    found = _values(quality.metrics)
    if quality.confusion is not None:
        counts = quality.confusion
        found |= _values(counts.rates())
        found["confusion_matrix"] = {
            "0": {"0": counts.true_negatives, "1": counts.false_positives},
            "1": {"0": counts.false_negatives, "1": counts.true_positives},
        }
    if quality.ranking is not None:
        found |= _curves(quality.ranking)
    return found


def _curves(ranking: Ranking) -> dict[str, Any]:
    roc = curve_positions(len(ranking.true_positive_rates))
    steps = curve_positions(len(ranking.precisions))
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": ranking.false_positive_rates[roc].tolist(),
            "true_positive_rates": ranking.true_positive_rates[roc].tolist(),
        },
        "precision_recall_curve": {
            "precisions": ranking.precisions[steps].tolist(),
            "recalls": ranking.true_positive_rates[1:][steps].tolist(),
        },
    }
