"""A forest that proves itself: what it predicts is compared with the model's own library before it counts.

The first comparison is on vectors made of the model's own thresholds, when the model is loaded; the second
on the first real records of the process. A difference in one bit is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from contracts.errors import InternalError
from serving.forest.forest import MISSING_NOTE, Forest, instruction_sets
from serving.forest.learner import Learner
from serving.forest.xgboost_trees import Trees, UnsupportedModelError, read_trees

PROBE_COUNT = 2048
"""Made-up vectors that are compared when a model is loaded."""

COMPARED_COUNT = 2048
"""Real records that are compared."""

Predict = Callable[[np.ndarray], np.ndarray]


class CheckedForest:
    """Predicts by the forest; the library's prediction is what it is compared with.

    Attributes:
        description: What evaluates, in a few words.
    """

    def __init__(self, forest: Forest, reference: Predict, probes: np.ndarray) -> None:
        """Compare the two on `probes`.

        Raises:
            InternalError: They differ.
        """
        self._forest = forest
        self._reference = reference
        self._is_proved = False
        self.description = f"the forest evaluator ({forest.instruction_set})"
        self._compare(probes, forest.predict(probes))

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the predictions; see `Forest.predict`.

        Raises:
            InternalError: Those of the first records are not the library's.
        """
        predictions = self._forest.predict(vectors)
        if not self._is_proved:
            self._compare(vectors[:COMPARED_COUNT], predictions[:COMPARED_COUNT])
            self._is_proved = True  # two threads may both come here: then both have compared
        return predictions

    def _compare(self, vectors: np.ndarray, predictions: np.ndarray) -> None:
        # The library says nothing of infinite values; records with one are refused whatever it predicts.
        is_compared = ~np.isinf(vectors).any(axis=1)
        expected = self._reference(np.ascontiguousarray(vectors[is_compared]))
        found = predictions[is_compared]
        if found.shape != expected.shape or not np.array_equal(_bits(found), _bits(expected)):
            raise InternalError(
                "the forest evaluator predicts other numbers than the model's own library; set "
                "BATCHSCORE_FOREST=off in the model container's environment to let the library predict, and "
                "report this with the model"
            )


def checked_forest(learner: Learner, reference: Predict, *, threads: int) -> CheckedForest:
    """Lay out a model and compare it with its library.

    Args:
        learner: Of a model whose trees can be followed.
        reference: What predicts by the library, from vectors in C order.
        threads: Threads that evaluate one call.

    Raises:
        UnsupportedModelError: There is no extension, or the model has what it cannot do.
        InternalError: The two differ.
    """
    if not instruction_sets():
        raise UnsupportedModelError(MISSING_NOTE)
    trees = read_trees(learner)
    return CheckedForest(Forest(trees, threads=threads), reference, probe_vectors(trees))


def probe_vectors(trees: Trees) -> np.ndarray:
    """Return vectors in which each value is a threshold of its feature, a neighbour of one, or missing.

    Returns:
        float32 of shape (PROBE_COUNT, features); always the same for the same trees.
    """
    random = np.random.default_rng(0)
    vectors = np.full((PROBE_COUNT, trees.feature_count), np.nan, dtype=np.float32)
    is_test = trees.left >= 0
    features, thresholds = trees.features[is_test], trees.values[is_test]
    order = np.argsort(features, kind="stable")
    starts = np.searchsorted(features[order], np.arange(trees.feature_count + 1))
    for feature in np.flatnonzero(np.diff(starts)):
        own = thresholds[order[starts[feature] : starts[feature + 1]]]
        values = random.choice(own, PROBE_COUNT)
        kind = random.integers(0, 4, PROBE_COUNT)
        with np.errstate(over="ignore"):  # beside the largest number is infinity
            neighbours = [np.nextafter(values, np.float32(towards)) for towards in (-np.inf, np.inf)]
        vectors[:, feature] = np.select(
            [kind == 0, kind == 1, kind == 2], [values, *neighbours], np.float32("nan")
        )
    return vectors


def _bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
