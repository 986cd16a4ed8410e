"""Feature vectors in, scores out. Knows neither HTTP nor bytes nor ids, nor what kind of model it holds.

A scorer holds one model with a single output: regression, binary classification, ranking. Scoring is safe
from several threads at once, and the same vector gets the same score whoever stands beside it (an ONNX model
may round its last bit otherwise in a payload of another length).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from contracts.errors import CallerError

_LOADERS = {
    ".json": ("serving.xgboost_model", "serve"),
    ".ubj": ("serving.xgboost_model", "serve"),
    ".txt": ("serving.lightgbm_model", "lightgbm"),
    ".onnx": ("serving.onnx_model", "onnx"),
}
"""By the suffix of a model: the module whose `load_model` reads it, and the extra that installs its needs."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What became of each record.

    Attributes:
        values: float64 of shape (records,), NaN where there is a fault.
        faults: Position of a record that could not be scored (from 0) to the reason.
    """

    values: np.ndarray
    faults: Mapping[int, str]


class Model(Protocol):
    """A loaded model of any format.

    Attributes:
        feature_count: Numbers in the vector of a record.
        feature_names: As the model was trained with them, or empty if it does not say.
        category_orders: For each categorical feature, the values in the order of their codes in training, or
            empty if the model does not say.
        description: What it is, in a few words.
    """

    feature_count: int
    feature_names: Sequence[str]
    category_orders: Sequence[Sequence[str]]
    description: str

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return one float32 or float64 for each record.

        Args:
            vectors: float32 of shape (records, feature_count) with at least one record, NaN where a value is
                missing. What comes of an infinite one is not looked at.
        """
        ...


class Scorer:
    """One loaded model."""

    def __init__(self, model: Model) -> None:
        """Take a model that was checked when it was loaded."""
        self.model = model

    def score(self, vectors: np.ndarray) -> Scores:
        """Score records.

        Args:
            vectors: float32 of shape (records, feature_count), NaN where a value is missing.
        """
        if not len(vectors):
            return Scores(values=np.empty(0, dtype=np.float64), faults={})
        is_infinite = np.isinf(vectors)
        infinite = _positions(is_infinite.any(axis=1)) if is_infinite.any() else ()
        values = self.model.predict(vectors).astype(np.float64)
        faults = {int(at): _reason(values[at], vectors[at]) for at in _positions(~np.isfinite(values))}
        faults.update({int(at): "a feature is too large for a 32-bit float" for at in infinite})
        values[list(faults)] = np.nan
        return Scores(values=values, faults=faults)


def load_scorer(path: Path, *, threads: int) -> Scorer:
    """Load a model.

    Its library is imported only now: nobody needs the libraries of models that he does not have.

    Args:
        path: The model; its suffix says which format it has.
        threads: Threads that score one payload.

    Raises:
        CallerError: The file is no such model, its model has more than one output, or the library that reads
            it is not installed.
    """
    module_name, extra = _LOADERS[path.suffix]
    try:
        module = importlib.import_module(module_name)
    except (ModuleNotFoundError, OSError) as error:  # OSError: a shared library that the library needs
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("serving"):
            raise
        raise CallerError(
            f"{path}: what reads such a model cannot be loaded: {error}; install it with "
            f"pip install 'batchscore[{extra}]'{_system_library(error)}"
        ) from error
    model: Model = module.load_model(path, threads=threads)
    return Scorer(model)


def _system_library(error: Exception) -> str:
    """Return what else must be installed."""
    return ", and from the distribution libgomp1" if "libgomp" in str(error) else ""


def _positions(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask)


def _reason(value: float, vector: np.ndarray) -> str:
    """Say why a record whose score is not finite has none."""
    because = "; a feature is missing" if np.isnan(value) and np.isnan(vector).any() else ""
    return f"the score is {value} which is no finite number{because}"
