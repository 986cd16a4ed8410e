"""What the labelled records of a shard come to, in sums that can be added up over any number of shards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

CALIBRATION_BIN_COUNT = 10


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Sums over labelled records, whose scores and labels are finite.

    Attributes:
        record_count: Labelled records.
        is_binary: Whether every label is 0 or 1.
        label_sum: Of the labels; for a binary outcome the positives.
        minimum: Smallest score; infinity without records.
        maximum: Largest score; minus infinity without records.
        log_loss_sum: Negative log likelihoods, scores clipped by the float64 epsilon as scikit-learn does.
        squared_error_sum: Of score minus label.
        absolute_error_sum: Of score minus label.
        error_sum: Of score minus label.
        label_minimum: Smallest label; infinity without records.
        label_maximum: Largest label; minus infinity without records.
        label_mean: Of the labels; 0 without records.
        label_spread: Sum of squared differences of the labels from their mean.
        confusion: int64 of shape (2, 2): label, then whether the score is at or above the threshold.
        calibration: float64 of shape (3, bins): records, sum of scores, sum of labels by bin of [0, 1].
    """

    record_count: int
    is_binary: bool
    label_sum: float
    minimum: float
    maximum: float
    log_loss_sum: float
    squared_error_sum: float
    absolute_error_sum: float
    error_sum: float
    label_minimum: float
    label_maximum: float
    label_mean: float
    label_spread: float
    confusion: np.ndarray
    calibration: np.ndarray

    @property
    def is_within_unit(self) -> bool:
        """Whether every score can be read as a probability."""
        return self.minimum >= 0 and self.maximum <= 1


def measure_records(scores: np.ndarray, labels: np.ndarray, *, threshold: float) -> Measures:
    """Sum up one shard's labelled records, both finite float64 of shape (records,)."""
    is_positive, says_positive = labels == 1, scores >= threshold
    with np.errstate(over="ignore", invalid="ignore"):
        errors = scores - labels
        mean = float(np.mean(labels)) if len(labels) else 0.0
        return Measures(
            record_count=len(scores),
            is_binary=bool(np.all(is_positive | (labels == 0))),
            label_sum=float(np.sum(labels)),
            minimum=float(np.min(scores, initial=np.inf)),
            maximum=float(np.max(scores, initial=-np.inf)),
            log_loss_sum=_log_loss_sum(scores, is_positive),
            squared_error_sum=float(np.sum(errors**2)),
            absolute_error_sum=float(np.sum(np.abs(errors))),
            error_sum=float(np.sum(errors)),
            label_minimum=float(np.min(labels, initial=np.inf)),
            label_maximum=float(np.max(labels, initial=-np.inf)),
            label_mean=mean,
            label_spread=float(np.sum((labels - mean) ** 2)),
            confusion=np.bincount(2 * is_positive + says_positive, minlength=4).reshape(2, 2),
            calibration=_calibration(scores, labels),
        )


def add_measures(parts: Iterable[Measures]) -> Measures:
    """Return the sums over all records together."""
    nothing = measure_records(np.empty(0), np.empty(0), threshold=0.0)
    total = nothing
    for part in parts:
        total = _added(total, part)
    return total


def _added(one: Measures, other: Measures) -> Measures:
    count = one.record_count + other.record_count
    with np.errstate(over="ignore", invalid="ignore"):
        # [src] Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm" (1979)
        difference = np.float64(other.label_mean) - one.label_mean
        weight = other.record_count / max(1, count)
        spread = one.label_spread + other.label_spread + difference**2 * one.record_count * weight
        return Measures(
            record_count=count,
            is_binary=one.is_binary and other.is_binary,
            label_sum=one.label_sum + other.label_sum,
            minimum=min(one.minimum, other.minimum),
            maximum=max(one.maximum, other.maximum),
            log_loss_sum=one.log_loss_sum + other.log_loss_sum,
            squared_error_sum=one.squared_error_sum + other.squared_error_sum,
            absolute_error_sum=one.absolute_error_sum + other.absolute_error_sum,
            error_sum=one.error_sum + other.error_sum,
            label_minimum=min(one.label_minimum, other.label_minimum),
            label_maximum=max(one.label_maximum, other.label_maximum),
            label_mean=float(one.label_mean + difference * weight),
            label_spread=float(spread),
            confusion=one.confusion + other.confusion,
            calibration=one.calibration + other.calibration,
        )


def _log_loss_sum(scores: np.ndarray, is_positive: np.ndarray) -> float:
    epsilon = np.finfo(np.float64).eps
    return float(-np.sum(np.log(np.clip(np.where(is_positive, scores, 1 - scores), epsilon, 1 - epsilon))))


def _calibration(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    edges = np.arange(CALIBRATION_BIN_COUNT + 1) / CALIBRATION_BIN_COUNT
    bins = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, CALIBRATION_BIN_COUNT - 1)
    columns = (None, scores, labels)
    return np.stack(
        [np.bincount(bins, weights=column, minlength=CALIBRATION_BIN_COUNT) for column in columns]
    ).astype(np.float64)
