"""XGBoost models in JSON or UBJ form. NaN is a missing value, and each split knows where it goes.

Models that `serving.forest` can take are evaluated by it, to the same bits; all others by XGBoost.

A model has as many outputs as XGBoost answers: one for each class under `multi:softprob`, one (the number of
the class) under `multi:softmax`, one for each target of a regression with several.

XGBoost trusts what a model says of its trees: they are looked at (`serving.forest.learner`) before anything
is predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xgboost

from contracts.errors import CallerError, bounded
from serving.column_model import Predictions
from serving.feature_columns import FeatureColumns
from serving.forest.checked_forest import CheckedForest
from serving.forest.choice import forest_of
from serving.forest.learner import check_trees, learner_of
from serving.forest.xgboost_trees import read_trees
from serving.output_count import check_output_count


class XGBoostModel:
    """A booster; see `serving.vector_model.Model`."""

    def __init__(self, booster: xgboost.Booster, forest: CheckedForest | None = None) -> None:
        """Take a booster that `load_model` has checked, and the same model as a forest if there is one."""
        self._booster = booster
        self._forest = forest
        self.feature_count = int(booster.num_features())
        self.feature_names: Sequence[str] = tuple(booster.feature_names or ())
        self.category_orders: Sequence[Sequence[str]] = ()
        by = "XGBoost" if forest is None else forest.description
        self.description = f"XGBoost, {booster.num_boosted_rounds()} rounds of trees evaluated by {by}"

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return what XGBoost predicts; see `serving.vector_model.Model`."""
        if self._forest is not None:
            return self._forest.predict(vectors)
        return self.library_predict(vectors)

    def predict_columns(self, columns: FeatureColumns) -> Predictions | None:
        """Return the same where the forest can; see `serving.vector_model.ColumnsModel`."""
        return None if self._forest is None else self._forest.predict_columns(columns)

    def library_predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the same from XGBoost itself."""
        # The names were compared once, when the model was loaded.
        values: np.ndarray = self._booster.inplace_predict(
            np.ascontiguousarray(vectors), validate_features=False
        )
        return values


def load_model(path: Path, *, threads: int, output_count: int = 1) -> XGBoostModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    booster = xgboost.Booster()
    try:
        booster.load_model(path)
        booster.set_param({"nthread": threads})
        learner = learner_of(booster)
        check_trees(path, learner)
        answer = booster.inplace_predict(np.full((1, booster.num_features()), np.nan, dtype=np.float32))
    # XGBoost quotes the byte that it stumbled over, and then may fail to decode its own message.
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        raise CallerError(
            f"{path}: XGBoost cannot use this model: {_first_line(error)}; save it with "
            f"`booster.save_model('{path.name}')`"
        ) from error
    check_output_count(path, int(answer.size), output_count)
    model = XGBoostModel(booster)
    forest = forest_of(path, "XGBoost", lambda: read_trees(learner), model.library_predict, threads=threads)
    return model if forest is None else XGBoostModel(booster, forest)


def _first_line(error: Exception) -> str:
    """Return what XGBoost says without its stack trace and without the name of its source file."""
    text = error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)
    text = text.split("Stack trace:", maxsplit=1)[0]
    return bounded(" ".join(text.split()), 300)
