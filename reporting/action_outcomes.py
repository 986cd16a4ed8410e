"""What is known already of the records on the action list: how many are positive, and what they came to.

Labels of a part that was held out, or that came in early, show what the list is good for before anybody acts
on the rest of it. Where positives are rare this says more than a threshold: the list is what is acted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.report_rules import ActionValue
from contracts.wire import SCORE_COLUMN
from reporting.action_values import numbers_of, values_of
from reporting.intervals import Interval, fraction_interval
from reporting.quality import BINARY, Quality


@dataclass(frozen=True, kw_only=True)
class ListOutcomes:
    """The listed records whose outcome is known.

    Attributes:
        known_count: How many they are, at least one.
        positive_count: Positive ones among them.
        interval: Of their fraction.
        lift: Their fraction of positives beside that of all labelled records; None where that is 0.
        expected_value: What they were listed for, added up; None if the list is by score.
        realised_value: The same with outcomes in the place of scores.
    """

    known_count: int
    positive_count: int
    interval: Interval
    lift: float | None
    expected_value: float | None
    realised_value: float | None


def list_outcomes(
    listed: pa.Table, outcomes: np.ndarray, rule: ActionValue | None, quality: Quality
) -> ListOutcomes | None:
    """Return what is known of a list; None where no outcome is known, or outcomes are no yes and no.

    Args:
        listed: Its records: their scores, and what `rule` names.
        outcomes: float64 of shape (listed,): 0, 1, or NaN where not known.
        rule: How values are made of scores; None if the list is by score.
        quality: Of all labelled records of the run.
    """
    is_known = np.isfinite(outcomes)
    known = int(np.sum(is_known))
    if quality.kind != BINARY or not known:
        return None
    outcomes, expected, realised = outcomes[is_known], None, None
    if rule is not None:
        worths = numbers_of(listed.column(rule.field))[is_known]
        expected = float(np.sum(values_of(numbers_of(listed.column(SCORE_COLUMN))[is_known], worths, rule)))
        realised = float(np.sum(values_of(outcomes, worths, rule)))
    positive = int(np.sum(outcomes))
    average = quality.positive_count / quality.labelled_count
    return ListOutcomes(
        known_count=known,
        positive_count=positive,
        interval=fraction_interval(positive, known),
        lift=positive / known / average if average else None,
        expected_value=expected,
        realised_value=realised,
    )
