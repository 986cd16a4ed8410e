"""The numbers of model quality are scikit-learn's, however the records are spread over shards."""

from __future__ import annotations

import resource
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from reporting.measures import Measures, add_measures, measure_records
from reporting.metrics import (
    calibration_error,
    confusion_of,
    group_columns,
    lift_columns,
    regression_metrics,
)
from reporting.ranking import MAX_CURVE_POINTS, MeansPass, Ranking, rank_groups
from reporting.score_runs import ranked_blocks, write_run

_SCORES = st.one_of(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 1, allow_subnormal=False))
_SCORED = st.lists(st.tuples(_SCORES, st.integers(0, 1)), min_size=1, max_size=60)
_BOTH_CLASSES = _SCORED.filter(lambda pairs: len({label for _, label in pairs}) == 2)
_SHARDS = st.integers(1, 4)
_NUMBERS = st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(-50, 50)), min_size=2, max_size=40)


def _arrays(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = zip(*pairs, strict=True)
    return np.array(scores, dtype=float), np.array(labels, dtype=float)


def _measured(scores: np.ndarray, labels: np.ndarray, shards: int = 1) -> Measures:
    parts = zip(np.array_split(scores, shards), np.array_split(labels, shards), strict=True)
    return add_measures(measure_records(*part, threshold=0.5) for part in parts)


def _write_runs(folder: Path, scores: np.ndarray, labels: np.ndarray, shards: int) -> list[Path]:
    runs = []
    for number, rows in enumerate(np.array_split(np.arange(len(scores)), shards)):
        runs.append(folder / str(number))
        write_run(runs[-1], scores[rows], labels[rows])
    return runs


def _ranked(scores: np.ndarray, labels: np.ndarray, shards: int = 1, most: int = 7) -> Ranking:
    with TemporaryDirectory() as folder:
        runs = _write_runs(Path(folder), scores, labels, shards)
        totals = {0: (len(scores), int(labels.sum()))}
        return rank_groups(ranked_blocks(runs, most=most), totals)[0]


@given(pairs=_BOTH_CLASSES, shards=_SHARDS)
def test_areas_under_the_curves_agree_with_scikit_learn(
    pairs: list[tuple[float, float]], shards: int
) -> None:
    scores, labels = _arrays(pairs)
    ranking = _ranked(scores, labels, shards)
    assert ranking.auc == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-9)
    expected = reference.average_precision_score(labels, scores)
    assert ranking.average_precision == pytest.approx(expected, abs=1e-9)
    assert ranking.distinct_count == len(np.unique(scores))


@given(pairs=_BOTH_CLASSES, shards=_SHARDS)
def test_a_short_curve_is_scikit_learns_point_by_point(pairs: list[tuple[float, float]], shards: int) -> None:
    scores, labels = _arrays(pairs)
    curve = _ranked(scores, labels, shards).curve
    false_rates, true_rates, thresholds = reference.roc_curve(labels, scores, drop_intermediate=False)
    assert curve.scores == pytest.approx(thresholds[1:])
    assert curve.false_positive_rates == pytest.approx(false_rates[1:], abs=1e-9)
    assert curve.true_positive_rates == pytest.approx(true_rates[1:], abs=1e-9)
    precisions = reference.precision_recall_curve(labels, scores)[0]
    assert curve.precisions == pytest.approx(precisions[:-1][::-1], abs=1e-9)


def test_a_long_curve_is_thinned_and_keeps_both_ends() -> None:
    scores = np.arange(20_000) / 20_000
    curve = _ranked(scores, (scores > 0.3).astype(float), shards=3, most=1000).curve
    assert MAX_CURVE_POINTS * 0.9 < len(curve.scores) <= MAX_CURVE_POINTS
    assert (curve.scores[0], curve.scores[-1]) == (scores[-1], 0.0)
    assert (curve.false_positive_rates[-1], curve.true_positive_rates[-1]) == (1.0, 1.0)


@given(pairs=_SCORED, shards=_SHARDS)
def test_losses_agree_with_scikit_learn(pairs: list[tuple[float, float]], shards: int) -> None:
    scores, labels = _arrays(pairs)
    total = _measured(scores, labels, shards)
    expected = reference.log_loss(labels, scores, labels=[0, 1])
    assert total.log_loss_sum / len(scores) == pytest.approx(expected, abs=1e-9)
    squared = reference.mean_squared_error(labels, scores)
    assert total.squared_error_sum / len(scores) == pytest.approx(squared, abs=1e-9)


@given(pairs=_BOTH_CLASSES, shards=_SHARDS)
def test_rates_at_a_threshold_agree_with_scikit_learn(pairs: list[tuple[float, float]], shards: int) -> None:
    scores, labels = _arrays(pairs)
    rates = confusion_of(_measured(scores, labels, shards)).rates()
    predicted = scores >= 0.5
    assert rates["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted), abs=1e-9)
    assert rates["recall"] == pytest.approx(reference.recall_score(labels, predicted), abs=1e-9)
    assert rates["f1"] == pytest.approx(reference.f1_score(labels, predicted), abs=1e-9)
    if predicted.any():
        expected = reference.precision_score(labels, predicted)
        assert rates["precision"] == pytest.approx(expected, abs=1e-9)


@given(pairs=_NUMBERS.filter(lambda pairs: len({label for _, label in pairs}) > 1), shards=_SHARDS)
def test_regression_errors_agree_with_scikit_learn(pairs: list[tuple[float, float]], shards: int) -> None:
    scores, labels = _arrays(pairs)
    found = regression_metrics(_measured(scores, labels, shards))
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(labels, scores), abs=1e-9, rel=1e-9)
    expected = reference.root_mean_squared_error(labels, scores)
    assert found["rmse"] == pytest.approx(expected, abs=1e-9, rel=1e-9)
    assert found["r2"] == pytest.approx(reference.r2_score(labels, scores), abs=1e-9, rel=1e-9)
    assert found["bias"] == pytest.approx(np.mean(scores - labels), abs=1e-9)


def test_r2_of_labels_far_from_zero_keeps_its_digits() -> None:
    generator = np.random.default_rng(3)
    labels = 1e9 + generator.random(10_000)
    scores = labels + generator.normal(0, 0.1, 10_000)
    found = regression_metrics(_measured(scores, labels, 7))
    assert found["r2"] == pytest.approx(reference.r2_score(labels, scores), abs=1e-9)


def _groups(scores: np.ndarray, labels: np.ndarray, shards: int) -> dict[str, np.ndarray]:
    means = MeansPass(record_count=len(scores))
    with TemporaryDirectory() as folder:
        for block in ranked_blocks(_write_runs(Path(folder), scores, labels, shards), most=7):
            means.take(block)
    return {
        name: np.array(column) for name, column in group_columns(means.means(), "observed_fraction").items()
    }


@given(pairs=_SCORED, shards=_SHARDS)
def test_the_calibration_table_conserves_records_and_positives(
    pairs: list[tuple[float, float]], shards: int
) -> None:
    scores, labels = _arrays(pairs)
    table = _groups(scores, labels, shards)
    assert table["record_count"].sum() == len(scores)
    assert np.ptp(table["record_count"]) <= 1
    assert (table["observed_fraction"] * table["record_count"]).sum() == pytest.approx(labels.sum())
    assert (table["mean_score"] * table["record_count"]).sum() == pytest.approx(scores.sum())


def test_rare_positives_are_calibrated_in_ten_groups_as_scikit_learn_cuts_them() -> None:
    """Scores are below 0.05: in equally wide bins they would all be one point."""
    generator = np.random.default_rng(5)
    scores = generator.random(5000) * 0.05
    labels = (generator.random(5000) < scores).astype(float)
    table = _groups(scores, labels, 3)
    fractions, means = calibration_curve(labels, scores, n_bins=10, strategy="quantile")
    assert table["mean_score"] == pytest.approx(means)
    assert table["observed_fraction"] == pytest.approx(fractions)


@given(pairs=_SCORED)
def test_the_calibration_error_is_over_ten_equally_wide_bins(pairs: list[tuple[float, float]]) -> None:
    """A score on a bound is in the upper bin, and 1 in the last."""
    scores, labels = _arrays(pairs)
    bins = np.minimum(np.searchsorted(np.arange(11) / 10, scores, side="right") - 1, 9)
    distances = [abs(scores[bins == one].sum() - labels[bins == one].sum()) for one in range(10)]
    assert calibration_error(_measured(scores, labels)) == pytest.approx(
        sum(distances) / len(scores), abs=1e-9
    )


def test_lift_of_a_perfect_order_is_one_over_the_base_rate() -> None:
    scores, labels = np.arange(20) / 20, np.array([0.0] * 16 + [1.0] * 4)
    table = lift_columns(_ranked(scores, labels, shards=3))
    assert table["lift"] == pytest.approx([5, 5, 0, 0, 0, 0, 0, 0, 0, 0])
    assert table["gain_fraction"][:2] == [0.5, 1.0]


@given(pairs=_BOTH_CLASSES, shards=_SHARDS)
def test_lift_counts_records_with_the_same_score_in_part(
    pairs: list[tuple[float, float]], shards: int
) -> None:
    scores, labels = _arrays(pairs)
    found = _ranked(scores, labels, shards).found
    order = np.argsort(-scores, kind="stable")
    means = {score: labels[scores == score].mean() for score in set(scores.tolist())}
    shared = np.concatenate(([0.0], np.cumsum([means[score] for score in scores[order].tolist()])))
    expected = np.interp(np.arange(1, 11) * len(scores) / 10, np.arange(len(scores) + 1), shared)
    assert found == pytest.approx(expected, abs=1e-9)


@given(
    pairs=st.lists(
        st.tuples(st.sampled_from([0.1, 0.5, 2.5, -1.0]), st.integers(-9, 9)), min_size=1, max_size=40
    ),
    shards=_SHARDS,
)
def test_means_by_group_share_out_records_with_the_same_score(
    pairs: list[tuple[float, float]], shards: int
) -> None:
    scores, labels = _arrays(pairs)
    with TemporaryDirectory() as folder:
        means = MeansPass(record_count=len(scores))
        for block in ranked_blocks(_write_runs(Path(folder), scores, labels, shards), most=3):
            means.take(block)
        found = means.means()
    order = np.argsort(scores, kind="stable")
    shared = np.array([labels[scores == score].mean() for score in scores[order]])
    groups = np.array_split(np.arange(len(scores)), min(10, len(scores)))
    assert [count for count, _, _ in found] == [len(group) for group in groups]
    expected_scores = [scores[order][group].mean() for group in groups]
    assert [score for _, score, _ in found] == pytest.approx(expected_scores, abs=1e-9)
    assert [label for _, _, label in found] == pytest.approx(
        [shared[group].mean() for group in groups], abs=1e-9
    )


def test_no_block_is_larger_than_asked_and_no_score_stands_in_two(tmp_path: Path) -> None:
    scores = np.random.default_rng(5).integers(0, 5000, 40_000) / 5000
    runs = _write_runs(tmp_path, scores, np.zeros(len(scores)), shards=4)
    blocks = list(ranked_blocks(runs, most=2000))
    assert max(len(block.scores) for block in blocks) <= 2500
    assert len(blocks) > 5
    merged = np.concatenate([block.scores for block in blocks])
    assert merged.tolist() == np.unique(scores)[::-1].tolist()
    assert sum(int(block.record_counts.sum()) for block in blocks) == len(scores)


def test_equal_scores_take_one_entry_of_each_run(tmp_path: Path) -> None:
    runs = _write_runs(tmp_path, np.full(9000, 0.5), np.ones(9000), shards=3)
    (block,) = ranked_blocks(runs, most=2)
    assert (block.scores.tolist(), block.record_counts.tolist(), block.label_sums.tolist()) == (
        [0.5],
        [9000],
        [9000],
    )


def test_more_runs_than_files_may_be_open_are_ranked(tmp_path: Path) -> None:
    scores = np.arange(200) / 200
    runs = _write_runs(tmp_path, scores, np.zeros(200), shards=200)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
        merged = np.concatenate([block.scores for block in ranked_blocks(runs, most=50)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert merged.tolist() == scores[::-1].tolist()
