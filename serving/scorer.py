"""Feature vectors in, scores out. Knows neither HTTP nor bytes nor ids.

A scorer holds one XGBoost model with a single output: regression, binary classification, ranking. Scoring is
safe from several threads at once, and the same vector gets the same score whoever stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost

from contracts.errors import CallerError, bounded


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What became of each record.

    Attributes:
        values: float64 of shape (records,), NaN where there is a fault.
        faults: Position of a record that could not be scored (from 0) to the reason.
    """

    values: np.ndarray
    faults: Mapping[int, str]


class Scorer:
    """One loaded model.

    Attributes:
        feature_count: Numbers in the vector of a record.
        feature_names: As the model was trained with them, or empty if it was trained without names.
        tree_count: Rounds of boosting.
    """

    def __init__(self, booster: xgboost.Booster) -> None:
        """Take a booster that `load_scorer` has checked."""
        self._booster = booster
        self.feature_count = int(booster.num_features())
        self.feature_names: Sequence[str] = tuple(booster.feature_names or ())
        self.tree_count = int(booster.num_boosted_rounds())

    def score(self, vectors: np.ndarray) -> Scores:
        """Score records.

        Args:
            vectors: float32 of shape (records, feature_count), NaN where a value is missing.
        """
        if not len(vectors):
            return Scores(values=np.empty(0, dtype=np.float64), faults={})
        is_infinite = np.isinf(vectors)
        infinite = _positions(is_infinite.any(axis=1)) if is_infinite.any() else ()
        # The names were compared once, when the model was loaded.
        values = self._booster.inplace_predict(vectors, validate_features=False).astype(np.float64)
        faults = {
            int(at): f"the score is {values[at]} which is no finite number"
            for at in _positions(~np.isfinite(values))
        }
        faults.update({int(at): "a feature is too large for a 32-bit float" for at in infinite})
        values[list(faults)] = np.nan
        return Scores(values=values, faults=faults)


def load_scorer(path: Path, *, threads: int) -> Scorer:
    """Load an XGBoost model in JSON or UBJ form.

    Args:
        path: The model; its suffix says which form it has.
        threads: Threads that score one payload.

    Raises:
        CallerError: The file is no such model, or its model has more than one output.
    """
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
    return Scorer(booster)


def _check_single_output(path: Path, booster: xgboost.Booster) -> None:
    learner = json.loads(booster.save_config())["learner"]
    outputs = max(int(learner["learner_model_param"][key]) for key in ("num_class", "num_target"))
    if outputs > 1:
        raise CallerError(
            f"{path}: the model ({learner['objective']['name']}) has {outputs} outputs for each record; "
            "expected one: a regression, binary or ranking objective"
        )


def _positions(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask)


def _first_line(error: Exception) -> str:
    """Return what XGBoost says without its stack trace and without the name of its source file."""
    text = error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)
    text = text.split("Stack trace:", maxsplit=1)[0]
    return bounded(" ".join(text.split()), 300)
