"""Every finite score has its bin, however large the scores are and however near to each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.distribution import (
    UNIT_BIN_COUNT,
    WIDE_BIN_COUNT,
    ScoreDistribution,
    add_up,
    summarise,
    unit_edges,
    wide_distribution,
)

LARGEST = float(np.finfo(np.float64).max)


def _wide(*shards: list[float]) -> ScoreDistribution:
    arrays = [np.array(scores) for scores in shards]
    return wide_distribution(add_up(summarise(scores) for scores in arrays), arrays)


@pytest.mark.parametrize(
    "scores",
    [
        [1e15, 1e15],
        [1e15, 1e15 + 0.25],
        [-1e308, 1e308],
        [LARGEST, LARGEST],
        [-LARGEST, LARGEST],
        [-5e-324, 0.0],
    ],
)
def test_bins_hold_every_score_of_any_size(scores: list[float]) -> None:
    """NumPy's own bins refuse these."""
    found = _wide(scores)
    assert found.counts.sum() == len(scores)
    assert np.all(found.edges[:-1] < found.edges[1:])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(0, 9))
def test_no_score_is_lost_between_shards(scores: list[float], cut: int) -> None:
    found = _wide(scores[:cut], scores[cut:])
    assert found.counts.sum() == len(scores)
    assert len(found.counts) <= WIDE_BIN_COUNT


def test_bins_of_usual_scores_are_equally_wide() -> None:
    found = _wide([-1.0, 14.0], [0.25])
    np.testing.assert_allclose(found.edges, np.linspace(-1, 14, WIDE_BIN_COUNT + 1), atol=1e-12)
    assert found.counts.nonzero()[0].tolist() == [0, 2, 29]


def test_a_sum_beyond_float64_leaves_the_mean_out() -> None:
    assert not _wide([LARGEST, LARGEST]).summary.has_mean
    assert _wide([2.0, 4.0]).summary.mean == 3


def test_a_score_beside_a_bound_is_in_its_own_bin() -> None:
    """At each bound, on either side of it, and at its 32-bit neighbour; the ends take what is outside."""
    edges = unit_edges()
    beside = [edges, np.nextafter(edges, -1), np.nextafter(edges, 2), edges.astype(np.float32)]
    for scores in (*beside, np.array([-1e300, -0.0, 5e-324, 1.5, 1e300])):
        expected = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, UNIT_BIN_COUNT - 1)
        counts = np.bincount(expected, minlength=UNIT_BIN_COUNT)
        assert summarise(scores.astype(np.float64)).unit_counts.tolist() == counts.tolist()
