"""XGBoost models in JSON or UBJ form. NaN is a missing value, and each split knows where it goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xgboost

from contracts.errors import CallerError, bounded


class XGBoostModel:
    """A booster with one output; see `serving.scorer.Model`."""

    def __init__(self, booster: xgboost.Booster) -> None:
        """Take a booster that `load_model` has checked."""
        self._booster = booster
        self.feature_count = int(booster.num_features())
        self.feature_names: Sequence[str] = tuple(booster.feature_names or ())
        self.category_orders: Sequence[Sequence[str]] = ()
        self.description = f"XGBoost, {booster.num_boosted_rounds()} rounds of trees"

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return what XGBoost predicts; see `serving.scorer.Model`."""
        # The names were compared once, when the model was loaded.
        values: np.ndarray = self._booster.inplace_predict(vectors, validate_features=False)
        return values


def load_model(path: Path, *, threads: int) -> XGBoostModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    booster = xgboost.Booster()
    try:
        booster.load_model(path)
        booster.set_param({"nthread": threads})
        _check_single_output(path, booster)
        booster.inplace_predict(np.full((1, booster.num_features()), np.nan, dtype=np.float32))
    # XGBoost quotes the byte that it stumbled over, and then may fail to decode its own message.
    except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
        raise CallerError(
            f"{path}: XGBoost cannot use this model: {_first_line(error)}; save it with "
            f"`booster.save_model('{path.name}')`"
        ) from error
    return XGBoostModel(booster)


def _check_single_output(path: Path, booster: xgboost.Booster) -> None:
    learner = json.loads(booster.save_config())["learner"]
    outputs = max(int(learner["learner_model_param"][key]) for key in ("num_class", "num_target"))
    if outputs > 1:
        raise CallerError(
            f"{path}: the model ({learner['objective']['name']}) has {outputs} outputs for each record; "
            "expected one: a regression, binary or ranking objective"
        )


def _first_line(error: Exception) -> str:
    """Return what XGBoost says without its stack trace and without the name of its source file."""
    text = error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)
    text = text.split("Stack trace:", maxsplit=1)[0]
    return bounded(" ".join(text.split()), 300)
