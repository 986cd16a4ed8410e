"""Histograms need no bounds in advance, add up exactly, and stay small."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import CallerError
from contracts.value_histogram import (
    COARSEST_SHIFT,
    MAX_BINS,
    ValueHistogram,
    add_histograms,
    histogram_of_document,
    same_bins,
    value_histogram,
)

_NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-50, 50).map(float), st.just(-0.0)
)
_RANGES = st.integers(1, 4000).map(lambda count: list(np.linspace(900, 1100, count)))
_MANY = st.lists(_NUMBERS, max_size=40) | _RANGES


def _facts(histogram: ValueHistogram) -> dict[str, Any]:
    return histogram.document()


@given(one=_MANY, other=_MANY)
def test_the_sum_of_two_is_the_histogram_of_both(one: list[float], other: list[float]) -> None:
    added = add_histograms(value_histogram(np.array(one)), value_histogram(np.array(other)))
    both = value_histogram(np.array([*one, *other]))
    assert _facts(added) == _facts(both)
    assert both.record_count == len(one) + len(other)
    assert len(both.bins) <= MAX_BINS


@given(values=st.lists(_NUMBERS, min_size=1, max_size=60))
def test_bins_are_in_the_order_of_the_numbers(values: list[float]) -> None:
    histogram = value_histogram(np.array(values))
    bounds = histogram.lower_bounds()
    assert (np.diff(bounds) > 0).all()
    assert bounds[0] <= min(values)
    places = np.searchsorted(bounds, np.sort(np.array(values) + 0.0), side="right") - 1
    assert np.bincount(places, minlength=len(bounds)).tolist() == histogram.counts.tolist()


def test_few_different_values_stay_exact_and_narrow_ones_are_told_apart() -> None:
    years = value_histogram(np.repeat([1999.0, 2024.0, 2025.0], [1, 5, 7]))
    assert (years.lower_bounds().tolist(), years.counts.tolist()) == ([1999.0, 2024.0, 2025.0], [1, 5, 7])
    narrow = value_histogram(np.random.default_rng(1).normal(1e6, 10, 100_000))
    assert MAX_BINS / 4 < len(narrow.bins) <= MAX_BINS


def test_the_widest_numbers_fit() -> None:
    generator = np.random.default_rng(6)
    bits = generator.integers(0, 2**64, 200_000, dtype=np.uint64).view(np.float64)
    histogram = value_histogram(bits[np.isfinite(bits)])
    assert len(histogram.bins) <= MAX_BINS
    assert histogram.shift <= COARSEST_SHIFT


@given(one=_MANY, other=_MANY)
def test_two_are_compared_in_the_same_bins(one: list[float], other: list[float]) -> None:
    first, second = same_bins(value_histogram(np.array(one)), value_histogram(np.array(other)))
    assert first.shift == second.shift
    assert (first.record_count, second.record_count) == (len(one), len(other))


def test_a_histogram_survives_json() -> None:
    histogram = value_histogram(np.array([-1.5, 0.0, 3.25, 3.25]))
    again = histogram_of_document(json.loads(json.dumps(histogram.document())), "here")
    assert _facts(again) == _facts(histogram)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"shift": 20, "bins": [1]},
        {"shift": 3, "bins": [], "counts": []},
        {"shift": 20, "bins": [1], "counts": [1, 2]},
        {"shift": 20, "bins": [2, 1], "counts": [1, 2]},
        {"shift": 20, "bins": [1, 2], "counts": [1, 0]},
        {"shift": 20, "bins": ["1"], "counts": [1]},
        {"shift": 20, "bins": [True], "counts": [1]},
        {"shift": 20, "bins": [2**70], "counts": [1]},
        {"shift": 20, "bins": list(range(513)), "counts": [1] * 513},
    ],
)
def test_what_is_none_is_refused(document: Any) -> None:
    with pytest.raises(CallerError, match=r"^here: "):
        histogram_of_document(document, "here")
