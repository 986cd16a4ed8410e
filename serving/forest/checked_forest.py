"""A forest that proves itself: what it predicts is compared with the model's own library before it counts.

The first comparison is on vectors made of the model's own thresholds, when the model is loaded; the second
on the first real records of the process. A difference in one bit is a refusal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from contracts.errors import InternalError
from serving.column_model import Predictions
from serving.feature_columns import FeatureColumns
from serving.forest.forest import Forest
from serving.forest.trees import Trees
from serving.vector_model import infinity_faults

PROBE_COUNT = 2048
"""Made-up vectors that are compared when a model is loaded."""

COMPARED_COUNT = 2048
"""Real records that are compared."""

_LARGEST = np.finfo(np.float32).max
_SMALL = np.array(
    [sign * value for sign in (1, -1) for value in (0.0, 1e-45, 1e-35, np.nextafter(np.float32(1e-35), 1))],
    dtype=np.float32,
)
"""Zeros, and where LightGBM's zero ends."""

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
        self._proving = threading.Lock()
        self.description = f"the forest evaluator ({forest.instruction_set})"
        self._compare(probes, forest.predict(probes))

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the predictions; see `Forest.predict`.

        Raises:
            InternalError: Those of the first records are not the library's.
        """
        predictions = self._forest.predict(vectors)
        self._prove(lambda: vectors[:COMPARED_COUNT], predictions)
        return predictions

    def predict_columns(self, columns: FeatureColumns) -> Predictions | None:
        """Return the predictions, and faults; see `serving.vector_model.ColumnsModel`.

        Raises:
            InternalError: Those of the first records are not the library's.
        """
        encoded = columns.encoded()
        if encoded is None:
            return None
        predictions, infinite = self._forest.predict_columns(encoded, len(columns))
        self._prove(columns.first(COMPARED_COUNT).matrix, predictions)
        return Predictions(values=predictions, faults=infinity_faults(infinite))

    def _prove(self, first_vectors: Callable[[], np.ndarray], predictions: np.ndarray) -> None:
        """Compare the first real records, once; who comes meanwhile waits for what is found."""
        if self._is_proved:
            return
        with self._proving:
            if not self._is_proved:
                self._is_proved = self._compare(first_vectors(), predictions[:COMPARED_COUNT])

    def _compare(self, vectors: np.ndarray, predictions: np.ndarray) -> bool:
        """Return whether there was anything to compare."""
        # XGBoost says nothing of infinite values; records with one are refused whatever is predicted.
        is_compared = ~np.isinf(vectors).any(axis=1)
        if not is_compared.any():
            return False
        expected = self._reference(np.ascontiguousarray(vectors[is_compared]))
        found = predictions[is_compared]
        if found.shape != expected.shape or _bits(found) != _bits(expected):
            raise InternalError(
                "the forest evaluator predicts other numbers than the model's own library; set "
                "BATCHSCORE_FOREST=off in the model container's environment to let the library predict, and "
                "report this with the model"
            )
        return True


def checked_forest(trees: Trees, reference: Predict, *, threads: int) -> CheckedForest:
    """Lay out a model and compare it with its library.

    Args:
        trees: The model.
        reference: What predicts by the library, from vectors in C order.
        threads: Threads that evaluate one call.

    Raises:
        UnsupportedModelError: It cannot be laid out.
        InternalError: The two differ.
    """
    return CheckedForest(Forest(trees, threads=threads), reference, probe_vectors(trees))


def probe_vectors(trees: Trees) -> np.ndarray:
    """Return vectors in which each value is a threshold of its feature, beside one, missing, or next to zero.

    Returns:
        float32 of shape (PROBE_COUNT, features); always the same for the same trees.
    """
    random = np.random.default_rng(0)
    vectors = np.full((PROBE_COUNT, trees.feature_count), np.nan, dtype=np.float32)
    is_test = trees.left >= 0
    features, thresholds = trees.features[is_test], trees.values[is_test].astype(np.float32)
    order = np.argsort(features, kind="stable")
    starts = np.searchsorted(features[order], np.arange(trees.feature_count + 1))
    for feature in np.flatnonzero(np.diff(starts)):
        own = thresholds[order[starts[feature] : starts[feature + 1]]]
        values = random.choice(own, PROBE_COUNT)
        kind = random.integers(0, 5, PROBE_COUNT)
        with np.errstate(over="ignore"):  # beside the largest number is infinity
            neighbours = [np.nextafter(values, np.float32(towards)) for towards in (-np.inf, np.inf)]
        small = random.choice(_SMALL, PROBE_COUNT)
        vectors[:, feature] = np.select(
            [kind == 0, kind == 1, kind == 2, kind == 3], [values, *neighbours, small], np.float32("nan")
        )
    return np.clip(vectors, -_LARGEST, _LARGEST)


def _bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()
