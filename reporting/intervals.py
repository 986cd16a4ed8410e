"""Intervals that hold the true value of a metric in 95 of 100 samples like this one.

AUC        DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver
           operating characteristic curves", Biometrics 44 (1988): variance of the placements of the records.
PR-AUC     the logit interval of Boyd, Eng and Page, "Area under the precision-recall curve: point estimates
           and confidence intervals", ECML PKDD 2013: from the number of positives.
Fractions  Wilson's score interval.

They say how much chance there is in a number, not whether the records are like those of next week.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""Of the normal distribution: 95 % lie within so many standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Bounds of a metric.

    Attributes:
        low: Lower bound.
        high: Upper bound.
        method: How they were computed.
    """

    low: float
    high: float
    method: str


def delong_variance(
    auc: float, *, below_squared: float, above_squared: float, positives: int, negatives: int
) -> float | None:
    """Return DeLong's variance; None where a class has fewer than two records.

    Args:
        auc: The area, which is the mean of the placements of either class.
        below_squared: Sum over the positives of (the part of the negatives below it) squared.
        above_squared: Sum over the negatives of (the part of the positives above it) squared.
        positives: Positive records.
        negatives: Negative records.
    """
    if positives < 2 or negatives < 2:
        return None
    of_positives = max(0.0, below_squared - positives * auc**2) / (positives - 1)
    of_negatives = max(0.0, above_squared - negatives * auc**2) / (negatives - 1)
    return of_positives / positives + of_negatives / negatives


def auc_interval(auc: float, variance: float | None) -> Interval | None:
    """Return the interval of an area under the ROC curve, within [0, 1]."""
    if variance is None:
        return None
    reach = Z_95 * math.sqrt(variance)
    return Interval(low=max(0.0, auc - reach), high=min(1.0, auc + reach), method="DeLong")


def average_precision_interval(average_precision: float, positives: int) -> Interval | None:
    """Return the interval of an area under the precision-recall curve; None at its very ends."""
    if not 0 < average_precision < 1:
        return None
    middle = math.log(average_precision / (1 - average_precision))
    reach = Z_95 / math.sqrt(positives * average_precision * (1 - average_precision))
    return Interval(low=_logistic(middle - reach), high=_logistic(middle + reach), method="logit")


def fraction_interval(part: int, whole: int) -> Interval:
    """Return Wilson's interval of a fraction of at least one record."""
    fraction, weight = part / whole, Z_95**2 / whole
    centre = (fraction + weight / 2) / (1 + weight)
    reach = Z_95 / (1 + weight) * math.sqrt(fraction * (1 - fraction) / whole + weight / (4 * whole))
    return Interval(low=max(0.0, centre - reach), high=min(1.0, centre + reach), method="Wilson")


def _logistic(value: float) -> float:
    """Return 1 / (1 + exp(-value)) for any value; that of few positives ranked low may be -1000 or less."""
    part = math.exp(-abs(value)) / (1 + math.exp(-abs(value)))
    return part if value < 0 else 1 - part
