"""Drift is what the published formulas say, in groups that a reader can make, and what is unknown is said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from contracts.data_profile import DataProfile, FeatureProfile
from contracts.report_rules import DriftLimits
from contracts.value_histogram import value_histogram
from reporting.drift import (
    DriftReport,
    FeatureDrift,
    compare_profiles,
    jensen_shannon,
    population_stability,
)

_COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12).filter(
    lambda pairs: sum(pair[0] for pair in pairs) > 0 and sum(pair[1] for pair in pairs) > 0
)


def _profile(fingerprint: str = "f", **features: FeatureProfile) -> DataProfile:
    return DataProfile(contract_fingerprint=fingerprint, record_count=1000, features=features)


def _numbers(values: np.ndarray, missing: int = 0) -> FeatureProfile:
    return FeatureProfile(missing_count=missing, histogram=value_histogram(values))


def _compare(run: DataProfile, reference: DataProfile) -> DriftReport:
    return compare_profiles(run, reference, DriftLimits(), reference_name="the training data")


def _feature(report: DriftReport, name: str) -> FeatureDrift:
    return next(one for one in report.features if one.name == name and not one.is_score)


def test_the_index_is_the_sum_over_groups_by_hand() -> None:
    run, reference = np.array([60.0, 40.0]), np.array([50.0, 50.0])
    expected = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert population_stability(run, reference) == pytest.approx(expected)


def test_an_empty_group_takes_part_with_a_ten_thousandth() -> None:
    expected = (1 - 0.5) * math.log(1 / 0.5) + (0.0001 - 0.5) * math.log(0.0001 / 0.5)
    assert population_stability(np.array([10.0, 0.0]), np.array([5.0, 5.0])) == pytest.approx(expected)


@given(pairs=_COUNTS)
def test_the_divergence_is_scipys(pairs: list[tuple[int, int]]) -> None:
    run, reference = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    expected = jensenshannon(run, reference, base=2) ** 2
    assert jensen_shannon(run, reference) == pytest.approx(expected, abs=1e-9)


@given(pairs=_COUNTS)
def test_what_has_not_moved_has_no_drift(pairs: list[tuple[int, int]]) -> None:
    run = np.array([pair[0] for pair in pairs], dtype=float)
    assert population_stability(run, run * 3) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon(run, run * 3) == pytest.approx(0, abs=1e-12)


def test_numbers_are_compared_in_tenths_of_the_reference() -> None:
    reference = _profile(x=_numbers(np.arange(1000.0)))
    drift = _feature(_compare(_profile(x=_numbers(np.arange(1000.0) + 300)), reference), "x")
    assert len(drift.groups) == 10
    assert [group.reference_fraction for group in drift.groups] == pytest.approx([0.1] * 10, abs=0.01)
    assert (drift.groups[0].run_fraction, drift.level) == (0.0, "alarm")
    assert drift.groups[-1].run_fraction == pytest.approx(0.4, abs=0.01)
    assert drift.groups[-1].label.startswith("from ")


def test_a_value_that_most_records_have_is_a_group_of_its_own() -> None:
    values = np.concatenate([np.zeros(800), np.linspace(1, 5, 200)])
    drift = _feature(_compare(_profile(x=_numbers(values)), _profile(x=_numbers(values))), "x")
    assert max(group.reference_fraction for group in drift.groups) == 0.8
    assert (drift.psi, drift.level) == (pytest.approx(0), "none")


def test_categories_are_compared_one_by_one_and_new_ones_named() -> None:
    reference = _profile(plan=FeatureProfile(values={"a": 700, "b": 300}))
    run = _profile(plan=FeatureProfile(values={"a": 600, "b": 300, "c": 100}, missing_count=250))
    drift = _feature(_compare(run, reference), "plan")
    assert [(group.label, group.run_fraction) for group in drift.groups] == [
        ("a", 0.6),
        ("b", 0.3),
        ("c", 0.1),
    ]
    assert drift.new_categories == {"c": 100}
    assert (drift.reference_missing_fraction, drift.run_missing_fraction) == (0.0, 0.2)
    expected = population_stability(np.array([600.0, 300, 100]), np.array([700.0, 300, 0]))
    assert drift.psi == pytest.approx(expected)


def test_limits_are_inclusive_and_movers_stand_first() -> None:
    same, moved = _numbers(np.arange(1000.0)), _numbers(np.arange(1000.0) + 80)
    report = _compare(_profile(a=same, z=moved), _profile(a=same, z=same))
    assert [one.name for one in report.features] == ["z", "a", "score"]
    psi = _feature(report, "z").psi
    assert psi is not None
    for limits, level in (
        (DriftLimits(warning=psi, alarm=9), "warning"),
        (DriftLimits(warning=psi, alarm=psi), "alarm"),
    ):
        again = compare_profiles(_profile(z=moved), _profile(z=same), limits, reference_name="x")
        assert _feature(again, "z").level == level
    assert report.worst is not None
    assert report.worst.name == "z"


def test_the_score_stands_among_the_features_by_how_far_it_moved() -> None:
    """Before those that moved as little, and last if it was not measured."""
    values = np.arange(1000.0)
    same, scores = _numbers(values), value_histogram(values)
    run = replace(_profile(a=same, z=_numbers(values + 80)), score=scores)
    reference = replace(_profile(a=same, z=same), score=scores)
    assert [one.name for one in _compare(run, reference).features] == ["z", "score", "a"]
    unmeasured = _compare(run, replace(reference, score=None)).features
    assert [one.name for one in unmeasured] == ["z", "a", "score"]


def test_bounds_are_rounded_as_far_as_they_stay_different() -> None:
    wide = _profile(x=_numbers(np.linspace(-1, 1, 1000) / 3))
    labels = [group.label for group in _feature(_compare(wide, wide), "x").groups]
    numbers = [word for label in labels for word in label.split() if word[-1].isdigit()]
    assert max(len(number.lstrip("-0.").replace(".", "")) for number in numbers) == 4
    near = _profile(x=_numbers(1e9 + np.arange(1000.0) * 1e6))
    labels = [group.label for group in _feature(_compare(near, near), "x").groups]
    assert len(set(labels)) == len(labels) == 10
    close = _profile(x=_numbers(1.7e9 + np.arange(1000.0) * 1e5))
    labels = [group.label for group in _feature(_compare(close, close), "x").groups]
    assert len(set(labels)) == len(labels)
    assert not any(label.split()[1] == label.split()[-1] for label in labels[1:-1])


@pytest.mark.parametrize(
    ("run", "reference", "reason"),
    [
        (_numbers(np.arange(99.0)), _numbers(np.arange(1000.0)), "the run has 99 values, and 100 are needed"),
        (
            _numbers(np.arange(1000.0)),
            _numbers(np.empty(0)),
            "the reference has 0 values, and 100 are needed",
        ),
        (_numbers(np.arange(1000.0)), None, "the reference does not have it"),
        (
            _numbers(np.arange(1000.0)),
            FeatureProfile(values={"a": 1000}),
            "it was a number in one and a category",
        ),
    ],
)
def test_what_cannot_be_compared_says_why(
    run: FeatureProfile, reference: FeatureProfile | None, reason: str
) -> None:
    drift = _feature(
        _compare(_profile(x=run), _profile(**({} if reference is None else {"x": reference}))), "x"
    )
    assert (drift.level, drift.psi, drift.groups) == ("unmeasured", None, ())
    assert drift.reason.startswith(reason)


def test_a_baseline_of_another_contract_is_compared_as_far_as_it_goes() -> None:
    same = _numbers(np.arange(1000.0))
    report = _compare(_profile(x=same), _profile("other", x=same, gone=same))
    assert report.notes[0].startswith("The training data is of another contract (fingerprint other")
    assert report.notes[1] == "1 features of the training data are not in this run: gone."
    assert _feature(report, "x").level == "none"


def test_a_reference_without_scores_says_so() -> None:
    (score,) = _compare(_profile(), _profile()).features
    assert (score.is_score, score.level, score.reason) == (True, "unmeasured", "the reference has no scores")
