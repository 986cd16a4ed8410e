"""The numbers of model quality are scikit-learn's."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from reporting import metrics

_SCORES = st.one_of(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 1, allow_subnormal=False))
_SCORED = st.lists(st.tuples(_SCORES, st.integers(0, 1)), min_size=1, max_size=60)
_BOTH_CLASSES = _SCORED.filter(lambda pairs: len({label for _, label in pairs}) == 2)


def _arrays(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = zip(*pairs, strict=True)
    return np.array(scores, dtype=float), np.array(labels, dtype=float)


@given(pairs=_BOTH_CLASSES)
def test_areas_under_the_curves_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    scores, labels = _arrays(pairs)
    ranking = metrics.rank(scores, labels)
    assert metrics.roc_auc(ranking) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-9)
    expected = reference.average_precision_score(labels, scores)
    assert metrics.average_precision(ranking) == pytest.approx(expected, abs=1e-9)


@given(pairs=_SCORED)
def test_losses_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    scores, labels = _arrays(pairs)
    expected = reference.log_loss(labels, scores, labels=[0, 1])
    assert metrics.log_loss(scores, labels) == pytest.approx(expected, abs=1e-9)
    squared = reference.mean_squared_error(labels, scores)
    assert metrics.brier_score(scores, labels) == pytest.approx(squared, abs=1e-9)


@given(pairs=_BOTH_CLASSES)
def test_rates_at_a_threshold_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    scores, labels = _arrays(pairs)
    rates = metrics.confusion(scores, labels, threshold=0.5).rates()
    predicted = scores >= 0.5
    assert rates["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted), abs=1e-9)
    assert rates["recall"] == pytest.approx(reference.recall_score(labels, predicted), abs=1e-9)
    assert rates["f1"] == pytest.approx(reference.f1_score(labels, predicted), abs=1e-9)
    if predicted.any():
        expected = reference.precision_score(labels, predicted)
        assert rates["precision"] == pytest.approx(expected, abs=1e-9)


@given(
    pairs=st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(-50, 50)), min_size=2, max_size=40).filter(
        lambda pairs: len({label for _, label in pairs}) > 1
    )
)
def test_regression_errors_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    scores, labels = _arrays(pairs)
    found = metrics.regression_errors(scores, labels)
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(labels, scores), abs=1e-9, rel=1e-9)
    expected = reference.root_mean_squared_error(labels, scores)
    assert found["rmse"] == pytest.approx(expected, abs=1e-9, rel=1e-9)
    assert found["r2"] == pytest.approx(reference.r2_score(labels, scores), abs=1e-9, rel=1e-9)


@given(pairs=_SCORED)
def test_the_calibration_table_conserves_records_and_positives(pairs: list[tuple[float, float]]) -> None:
    scores, labels = _arrays(pairs)
    table = metrics.calibration(scores, labels)
    assert table["record_count"].sum() == len(scores)
    positives = np.nansum(table["observed_fraction"] * table["record_count"])
    assert positives == pytest.approx(labels.sum())


def test_a_score_on_a_bin_bound_is_in_the_upper_bin() -> None:
    table = metrics.calibration(np.array([0.0, 0.1, 0.3, 0.7, 1.0]), np.array([0.0, 1, 0, 1, 1]))
    assert table["record_count"].tolist() == [1, 1, 0, 1, 0, 0, 0, 1, 0, 1]


def test_lift_of_a_perfect_order_is_one_over_the_base_rate() -> None:
    scores, labels = np.arange(20) / 20, np.array([0.0] * 16 + [1.0] * 4)
    table = metrics.lift(metrics.rank(scores, labels))
    assert table["lift"].tolist() == [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]
    assert table["gain_fraction"].tolist()[:2] == [0.5, 1.0]


@given(pairs=_BOTH_CLASSES)
def test_lift_does_not_depend_on_the_order_of_records(pairs: list[tuple[float, float]]) -> None:
    forward = metrics.lift(metrics.rank(*_arrays(pairs)))
    backward = metrics.lift(metrics.rank(*_arrays(pairs[::-1])))
    assert forward["lift"].tolist() == backward["lift"].tolist()


def test_a_long_curve_is_thinned_and_keeps_both_ends() -> None:
    positions = metrics.curve_positions(1_000_000)
    assert (positions[0], positions[-1], len(positions)) == (0, 999_999, metrics.MAX_CURVE_POINTS)


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.5, 2.5]), st.floats(-9, 9)), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_means_by_group_do_not_depend_on_the_order_of_records(
    pairs: list[tuple[float, float]], chance: random.Random
) -> None:
    shuffled = chance.sample(pairs, len(pairs))
    expected, found = metrics.means_by_decile(*_arrays(pairs)), metrics.means_by_decile(*_arrays(shuffled))
    assert {name: column.tolist() for name, column in found.items()} == {
        name: column.tolist() for name, column in expected.items()
    }


def test_records_with_the_same_score_count_with_their_mean_label() -> None:
    table = metrics.means_by_decile(np.array([7.0, 7, 7, 1]), np.array([2.0, 4, 6, 3]))
    assert table["mean_score"].tolist() == [1, 7, 7, 7]
    assert table["mean_label"].tolist() == [3, 4, 4, 4]


def test_numbers_beyond_float64_are_not_finite_and_raise_nothing() -> None:
    tiny = metrics.regression_errors(np.array([0.0, 0.0]), np.array([1e-200, 2e-200]))
    assert (tiny["mae"], np.isfinite(tiny["r2"])) == (1.5e-200, False)
    huge = metrics.regression_errors(np.array([0.0, 0.0]), np.array([1e200, 2e200]))
    assert (huge["mae"], huge["rmse"]) == (1.5e200, np.inf)


def test_scores_at_both_ends_of_float64_are_ranked() -> None:
    ranking = metrics.rank(np.array([-1.7e308, 1.7e308]), np.array([0.0, 1.0]))
    assert metrics.roc_auc(ranking) == 1
