"""LightGBM models in text form.

NaN is a missing value, and each split knows where it goes, as in training. Vectors are 32-bit floats while
LightGBM trains on 64-bit ones: a value that no 32-bit float holds exactly is compared with a split after it
was rounded. LightGBM's own prediction for the same 32-bit vectors is the score, to the last bit. A model has
one output, or one for each class (`multiclass`, `multiclassova`, or an own objective with `num_class`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import lightgbm
import numpy as np

from contracts.errors import CallerError, bounded
from serving.lightgbm_text import check_model_text
from serving.output_count import check_output_count


class LightGBMModel:
    """A booster; see `serving.scorer.Model`."""

    def __init__(self, booster: lightgbm.Booster, *, threads: int) -> None:
        """Take a booster that `load_model` has checked, and the threads for one payload."""
        self._booster = booster
        self._threads = threads
        self.feature_count = int(booster.num_feature())
        self.feature_names = _given_names(booster.feature_name())
        self.category_orders: Sequence[Sequence[str]] = tuple(
            tuple(str(value) for value in values) for values in booster.pandas_categorical or ()
        )
        self.description = f"LightGBM, {booster.num_trees()} trees"

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return what LightGBM predicts; see `serving.scorer.Model`."""
        return np.asarray(self._booster.predict(vectors, num_threads=self._threads))


def load_model(path: Path, *, threads: int, output_count: int = 1) -> LightGBMModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    check_model_text(path)
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
    return LightGBMModel(booster, threads=threads)


def _given_names(names: Sequence[str]) -> Sequence[str]:
    """Return the features' names, or nothing if they are those that LightGBM makes up."""
    return () if names == [f"Column_{at}" for at in range(len(names))] else tuple(names)
