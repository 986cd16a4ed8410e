"""Evaluate a forest of trees: the same predictions as its library's, bit for bit, many times as fast.

The work is done by the extension that `setup.py` builds from `native/`; without it, and for models that it
cannot take, XGBoost or LightGBM predicts (`serving.forest.choice`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from contracts.encoded_columns import EncodedColumn
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
        self._in_parts(lambda part: self._add_vectors(vectors[part], predictions[part]), len(vectors))
        return _shaped(predictions)

    def predict_columns(
        self, columns: Sequence[EncodedColumn], record_count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what the model's library predicts of the vectors that columns mean.

        Args:
            columns: One for each feature.
            record_count: Of each column.

        Returns:
            The predictions, as of `predict`; and bool of shape (records,), whether a feature is infinite.
        """
        given = [(entry.storage, entry.values, entry.offset, entry.valid, entry.table) for entry in columns]
        predictions = np.repeat(self._base, record_count, axis=0)
        infinite = np.zeros(record_count, dtype=bool)

        def add(part: slice) -> None:
            sums, marks = predictions[part], infinite[part]
            native_forest.add_columns(self._layout, given, part.start, marks, sums, self.instruction_set)
            self._transform(sums)

        self._in_parts(add, record_count)
        return _shaped(predictions), infinite

    def _in_parts(self, work: Callable[[slice], None], record_count: int) -> None:
        """Do the work on all records, on several threads where there are enough of them."""
        if self._executor is None or record_count < 2 * MIN_THREAD_RECORDS:
            work(slice(0, record_count))
            return
        step = -(-record_count // self._threads)
        list(self._executor.map(work, [slice(at, at + step) for at in range(0, record_count, step)]))

    def _add_vectors(self, vectors: np.ndarray, sums: np.ndarray) -> None:
        native_forest.add(self._layout, vectors, sums, self.instruction_set)
        self._transform(sums)

    def _transform(self, sums: np.ndarray) -> None:
        trees = self._trees
        if trees.divisor != 1:
            sums /= trees.divisor
        if trees.transform != IDENTITY:
            native_forest.transform(sums, trees.transform, trees.steepness)


def _shaped(predictions: np.ndarray) -> np.ndarray:
    return predictions[:, 0] if predictions.shape[1] == 1 else predictions


def instruction_sets() -> tuple[str, ...]:
    """Return the instruction sets of this processor that forests are evaluated with, the fastest first."""
    return native_forest.instruction_sets() if native_forest is not None else ()
