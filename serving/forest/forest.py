"""Evaluate a forest of trees: the same predictions as its library's, bit for bit, many times as fast.

The work is done by the extension that `setup.py` builds from `native/`; without it, and for models that it
cannot take, XGBoost or LightGBM predicts (`serving.forest.choice`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from serving.forest.trees import IDENTITY, Trees, UnsupportedModelError

try:
    from serving.forest import native_forest
except ImportError:  # there was no compiler, or the extension is of another Python
    native_forest = None  # type: ignore[assignment]

MISSING_NOTE = (
    "the forest evaluator was not built: XGBoost and LightGBM evaluate their models themselves, more slowly; "
    "install a C++ compiler and install batchscore again"
)

MIN_THREAD_RECORDS = 4096
"""Fewer are not worth a thread of their own."""

_INVERSE = {"probability": "log_odds", "exponential": "logarithm"}
"""What makes a base score, which is given as a prediction, into what the sums start with."""


class Forest:
    """A forest laid out for evaluation. Safe from several threads at once."""

    def __init__(self, trees: Trees, *, threads: int = 1, instruction_set: str | None = None) -> None:
        """Lay out `trees`.

        Args:
            trees: The forest.
            threads: Threads that evaluate one call.
            instruction_set: One of `instruction_sets()`; None for the fastest.

        Raises:
            UnsupportedModelError: It cannot be laid out, or there is no extension.
        """
        if native_forest is None:
            raise UnsupportedModelError(MISSING_NOTE)
        self.instruction_set = instruction_set or instruction_sets()[0]
        self._trees = trees
        self._base = trees.base_scores.reshape(1, -1).copy()
        if trees.transform in _INVERSE and not trees.is_wide:
            native_forest.transform(self._base, _INVERSE[trees.transform])
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="trees") if threads > 1 else None
        self._threads = threads
        try:
            self._layout = native_forest.lay_out(
                trees.ends,
                trees.left,
                trees.right,
                trees.features,
                trees.values,
                trees.missing,
                trees.outputs,
                trees.feature_count,
                len(trees.base_scores),
                trees.is_wide,
            )
        except ValueError as error:
            raise UnsupportedModelError(str(error)) from error

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return what the model's library predicts.

        Args:
            vectors: float32 of shape (records, features), in any memory order; NaN where a value is missing.

        Returns:
            float32 of shape (records,), with several outputs (records, outputs); float64 of a wide forest.
        """
        predictions = np.repeat(self._base, len(vectors), axis=0)
        if self._executor is None or len(vectors) < 2 * MIN_THREAD_RECORDS:
            self._predict_into(vectors, predictions)
        else:
            step = -(-len(vectors) // self._threads)
            starts = range(0, len(vectors), step)
            parts = [(vectors[start : start + step], predictions[start : start + step]) for start in starts]
            list(self._executor.map(lambda part: self._predict_into(*part), parts))
        return predictions[:, 0] if predictions.shape[1] == 1 else predictions

    def _predict_into(self, vectors: np.ndarray, sums: np.ndarray) -> None:
        native_forest.add(self._layout, vectors, sums, self.instruction_set)
        trees = self._trees
        if trees.divisor != 1:
            sums /= trees.divisor
        if trees.transform != IDENTITY:
            native_forest.transform(sums, trees.transform, trees.steepness)


def instruction_sets() -> tuple[str, ...]:
    """Return the instruction sets of this processor that forests are evaluated with, the fastest first."""
    return native_forest.instruction_sets() if native_forest is not None else ()
