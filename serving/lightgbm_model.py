"""LightGBM models in text form.

NaN is a missing value, and each split knows where it goes, as in training. Vectors are 32-bit floats while
LightGBM trains on 64-bit ones: a value that no 32-bit float holds exactly is compared with a split after it
was rounded. LightGBM's own prediction for the same 32-bit vectors is the score, to the last bit. A model has
one output, or one for each class (`multiclass`, `multiclassova`, or an own objective with `num_class`).

Models that `serving.forest` can take are evaluated by it, to the same bits; all others by LightGBM.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import lightgbm
import numpy as np

from contracts.errors import CallerError, bounded
from serving.column_model import Predictions
from serving.feature_columns import FeatureColumns
from serving.forest.checked_forest import CheckedForest
from serving.forest.choice import forest_of
from serving.forest.lightgbm_trees import read_trees
from serving.lightgbm_text import check_model_text
from serving.output_count import check_output_count


class LightGBMModel:
    """A booster; see `serving.vector_model.Model`."""

    def __init__(
        self, booster: lightgbm.Booster, *, threads: int, forest: CheckedForest | None = None
    ) -> None:
        """Take a booster that `load_model` has checked, and the same model as a forest if there is one.

        Args:
            booster: The model.
            threads: Threads for one payload.
            forest: The model.
        """
        self._booster = booster
        self._threads = threads
        self._forest = forest
        self.feature_count = int(booster.num_feature())
        self.feature_names = _given_names(booster.feature_name())
        self.category_orders: Sequence[Sequence[str]] = tuple(
            tuple(str(value) for value in values) for values in booster.pandas_categorical or ()
        )
        by = "LightGBM" if forest is None else forest.description
        self.description = f"LightGBM, {booster.num_trees()} trees evaluated by {by}"

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return what LightGBM predicts; see `serving.vector_model.Model`."""
        if self._forest is not None:
            return self._forest.predict(vectors)
        return self.library_predict(vectors)

    def predict_columns(self, columns: FeatureColumns) -> Predictions | None:
        """Return the same where the forest can; see `serving.vector_model.ColumnsModel`."""
        return None if self._forest is None else self._forest.predict_columns(columns)

    def library_predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the same from LightGBM itself."""
        return np.asarray(self._booster.predict(vectors, num_threads=self._threads))


def load_model(path: Path, *, threads: int, output_count: int = 1) -> LightGBMModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    text = check_model_text(path)
    # It would write to standard output, where the request log goes; and all that its native code says,
    # warnings too, comes as information.
    lightgbm.register_logger(logging.getLogger(__name__), info_method_name="warning")
    try:
        booster = lightgbm.Booster(model_file=path)
    except (lightgbm.basic.LightGBMError, ValueError) as error:  # ValueError: the last line is no JSON
        raise CallerError(
            f"{path}: LightGBM cannot use this model: {bounded(' '.join(str(error).split()), 300)}; save it "
            f"with `booster.save_model('{path.name}')`"
        ) from error
    check_output_count(path, booster.num_model_per_iteration(), output_count)
    model = LightGBMModel(booster, threads=threads)
    forest = forest_of(path, "LightGBM", lambda: read_trees(text), model.library_predict, threads=threads)
    return model if forest is None else LightGBMModel(booster, threads=threads, forest=forest)


def _given_names(names: Sequence[str]) -> Sequence[str]:
    """Return the features' names, or nothing if they are those that LightGBM makes up."""
    return () if names == [f"Column_{at}" for at in range(len(names))] else tuple(names)
