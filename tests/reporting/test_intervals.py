"""Intervals are the published methods', checked against plain computations and published figures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.intervals import auc_interval, average_precision_interval, fraction_interval
from reporting.ranking import Ranking, rank_groups
from reporting.score_runs import ranked_blocks, write_run

_LEVELS = st.lists(st.integers(0, 6), min_size=2, max_size=15)


def _ranked(positives: np.ndarray, negatives: np.ndarray) -> Ranking:
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        scores = np.concatenate([positives, negatives]).astype(float)
        labels = np.concatenate([np.ones(len(positives)), np.zeros(len(negatives))])
        write_run(run, scores, labels)
        return rank_groups(ranked_blocks([run], most=4), {0: (len(scores), len(positives))})[0]


@given(positives=_LEVELS, negatives=_LEVELS)
def test_the_variance_is_that_of_the_placements_of_every_pair(
    positives: list[int], negatives: list[int]
) -> None:
    above, below = np.array(positives), np.array(negatives)
    kernel = (above[:, None] > below[None, :]) + 0.5 * (above[:, None] == below[None, :])
    expected = kernel.mean(axis=1).var(ddof=1) / len(above) + kernel.mean(axis=0).var(ddof=1) / len(below)
    assert _ranked(above, below).auc_variance == pytest.approx(expected, abs=1e-9)


def test_the_interval_covers_the_true_area_as_often_as_it_says() -> None:
    """Normal scores one standard deviation apart have an area of 0.7602."""
    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        ranking = _ranked(generator.normal(1, 1, 80), generator.normal(0, 1, 120))
        interval = auc_interval(ranking.auc, ranking.auc_variance)
        assert interval is not None
        hits += interval.low <= 0.760250 <= interval.high
    assert 0.91 <= hits / 400 <= 0.98


def test_one_record_of_a_class_has_no_interval() -> None:
    ranking = _ranked(np.array([2]), np.array([1, 3]))
    assert ranking.auc_variance is None
    assert auc_interval(ranking.auc, ranking.auc_variance) is None


def test_the_interval_of_average_precision_is_symmetric_in_logits() -> None:
    interval = average_precision_interval(0.7, 100)
    assert interval is not None
    logits = [np.log(value / (1 - value)) for value in (interval.low, 0.7, interval.high)]
    assert logits[1] - logits[0] == pytest.approx(logits[2] - logits[1])
    assert logits[1] - logits[0] == pytest.approx(1.959964 / np.sqrt(100 * 0.7 * 0.3), rel=1e-6)
    assert average_precision_interval(1.0, 10) is None


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 15 of 148, without continuity."""
    for part, whole, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        interval = fraction_interval(part, whole)
        assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)
