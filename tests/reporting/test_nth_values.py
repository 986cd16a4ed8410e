"""The n-th largest of any numbers is that of a sorted list, however few of them may be sorted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.value_histogram import add_histograms, value_histogram
from reporting import nth_values
from reporting.nth_values import Reached, nth_largest

FINITE = st.floats(allow_nan=False, allow_infinity=False)
FEW = st.sampled_from([0.0, -0.0, 1.0, np.nextafter(1, 2), -5e-324, 5e-324, 1.7976931348623157e308, -1e308])


@dataclass(frozen=True, kw_only=True)
class InMemory:
    """A shard whose values are at hand."""

    values: np.ndarray


def _found(parts: list[np.ndarray], counts: list[int]) -> dict[int, Reached]:
    histogram = add_histograms(*(value_histogram(part[~np.isnan(part)]) for part in parts))
    with ThreadPoolExecutor(2) as workers:
        return nth_largest([InMemory(values=part) for part in parts], histogram, counts, workers)


def _expected(parts: list[np.ndarray], counts: list[int]) -> dict[int, Reached]:
    falling = np.sort(np.concatenate(parts) + 0.0)[::-1]  # NaN is last of a sorted array
    falling = falling[~np.isnan(falling)]
    return {
        count: Reached(threshold=falling[count - 1], record_count=int(np.sum(falling >= falling[count - 1])))
        for count in counts
    }


@pytest.mark.parametrize("most_sorted", [0, 3, 100_000])
@given(parts=st.lists(st.lists(FINITE | FEW | st.just(np.nan), max_size=20), min_size=1, max_size=20))
def test_it_is_that_of_a_sorted_list(most_sorted: int, parts: list[list[float]]) -> None:
    """Of numbers far apart and next to each other, the same ones and both zeros; in many shards."""
    arrays = [np.array(part, dtype=np.float64) for part in parts]
    available = sum(int(np.sum(~np.isnan(array))) for array in arrays)
    counts = list(range(1, available + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nth_values, "MAX_SORTED_VALUES", most_sorted)
        assert _found(arrays, counts) == _expected(arrays, counts)


@pytest.mark.parametrize("spread", [0.0, 1e-15, 1e-9, 1.0])
def test_values_that_crowd_together_are_told_apart(spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most in one bin of the histogram, beside some far away."""
    generator = np.random.default_rng(3)
    crowd = 0.98 + spread * 0.01 * generator.random(20_000)
    parts = np.array_split(np.concatenate((crowd, -generator.exponential(100, 500))), 7)
    monkeypatch.setattr(nth_values, "MAX_SORTED_VALUES", 50)
    counts = [1, 2, 100, 5_000, 19_999, 20_000, 20_001, 20_500]
    assert _found(parts, counts) == _expected(parts, counts)
