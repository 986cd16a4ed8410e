"""Features in, scores out. Knows neither HTTP nor bytes nor ids, nor what kind of model it holds.

A scorer holds one model with one output (regression, binary classification, ranking) or with several (class
probabilities, a vector, several targets), as the contract says. Scoring is safe from several threads at once,
and the same vector gets the same score whoever stands beside it (an ONNX model may round its last bit
otherwise in a payload of another length).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import pyarrow as pa

from contracts.dataset import IMAGE_INPUT, TEXT_INPUT, VECTOR_INPUT, ModelOutputs
from contracts.errors import CallerError
from contracts.image_rules import ImageRules
from serving.column_model import ColumnModel, Predictions, predict_column
from serving.exclusions import Exclusions
from serving.feature_columns import FeatureColumns
from serving.vector_model import Model, predict_vectors

_LOADERS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    VECTOR_INPUT: {
        ".json": ("serving.xgboost_model", "serve"),
        ".ubj": ("serving.xgboost_model", "serve"),
        ".txt": ("serving.lightgbm_model", "lightgbm"),
        ".onnx": ("serving.onnx_model", "onnx"),
    },
    TEXT_INPUT: {".onnx": ("serving.text_model", "onnx,text")},
    IMAGE_INPUT: {".onnx": ("serving.image_model", "images,onnx")},
}
"""By what a model reads, and its suffix: the module whose `load_model` reads it, and the extras that install
its needs."""

Features: TypeAlias = "np.ndarray | FeatureColumns | pa.ChunkedArray"
"""Of some records: float32 of shape (records, features), NaN where a value is missing, or the columns that it
could be made of; or, where the model reads its one feature as it is, that column, with nulls."""

SCORED_AT_ONCE = 2_000_000
"""Outputs that are there at one time under topK: of 10,000 outputs, those of 200 records. However many
records a payload has, they take SCORED_AT_ONCE x WORKING_BYTES_PER_OUTPUT."""

WORKING_BYTES_PER_OUTPUT = 32
"""Predictions, float64 scores, and what is sorted."""

MAX_SEARCHES = 50
"""Largest values that are looked for one by one."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What became of each record.

    Attributes:
        values: float64 of shape (records,), NaN where there is a fault; of a model with several outputs
            (records, kept outputs), of the contract's number type, in a record with a fault all NaN.
        faults: Position of a record that could not be scored (from 0) to the reason.
        top: Under topK, int32 of the shape of `values`: which output each value is, by its position from 0;
            without meaning where there is a fault. Else None.
        counts: int64 of shape (records,), at least 1 where there is no fault: how many values of each record
            are there, the first ones; what follows in its row has no meaning. None where all are there.
    """

    values: np.ndarray
    faults: Mapping[int, str]
    top: np.ndarray | None = None
    counts: np.ndarray | None = None


class Scorer:
    """One loaded model."""

    def __init__(self, model: Model | ColumnModel, outputs: ModelOutputs | None = None) -> None:
        """Take a model that was checked when it was loaded, and what the contract says of its outputs."""
        self.model = model
        self._outputs = outputs
        self._number_type = np.dtype(np.float64 if outputs is None else outputs.number_type)

    @property
    def output_count(self) -> int:
        """Numbers that the model answers for each record."""
        return 1 if self._outputs is None else self._outputs.count

    @property
    def kept_count(self) -> int:
        """Numbers that are kept of them, at most."""
        return 1 if self._outputs is None else self._outputs.kept_count

    def score(self, features: Features, excluded: Exclusions | None = None) -> Scores:
        """Score records, a few at a time where only a few of their outputs are kept.

        Args:
            features: Of the records.
            excluded: Under topK, outputs that records must not get.
        """
        outputs = self._outputs
        rows_at_once = len(features) if outputs is None else max(1, SCORED_AT_ONCE // outputs.count)
        if outputs is None or outputs.top_k is None or len(features) <= rows_at_once:
            return self._score_slice(features, excluded)
        features = _sliceable(features)
        parts = [
            self._score_slice(
                features[start : start + rows_at_once],
                excluded and excluded.part(start, start + rows_at_once),
            )
            for start in range(0, len(features), rows_at_once)
        ]
        return _joined(parts, outputs)

    def _score_slice(self, features: Features, excluded: Exclusions | None) -> Scores:
        predictions = self._predictions(features)
        with np.errstate(over="ignore"):  # a number too large for 32 bits becomes infinite, and a fault
            values = predictions.values.astype(self._number_type)
        is_finite = np.isfinite(values)
        is_whole = is_finite if self._outputs is None else np.asarray(is_finite.all(axis=1))
        faults = self._reasons(values, _positions(~is_whole), features)
        faults.update(predictions.faults)
        values[list(faults)] = np.nan
        return _kept(values, faults, self._outputs, excluded)

    def _predictions(self, features: Features) -> Predictions:
        if not len(features):
            return Predictions(values=np.empty(0 if self._outputs is None else (0, self._outputs.count)))
        if isinstance(features, np.ndarray | FeatureColumns):
            return predict_vectors(cast("Model", self.model), features)
        return predict_column(cast("ColumnModel", self.model), features, self.output_count)

    def _reasons(self, values: np.ndarray, positions: np.ndarray, features: Features) -> dict[int, str]:
        """Say why the records at some positions, whose outputs are not all finite, have no score."""
        if not len(positions):
            return {}
        vectors = _sliceable(features)
        return {int(at): self._reason(values[at], vectors, int(at)) for at in positions}

    def _reason(self, values: np.ndarray, features: Features, at: int) -> str:
        has_gap = isinstance(features, np.ndarray) and bool(np.isnan(features[at]).any())
        if self._outputs is None:
            return _reason(float(values), has_gap=has_gap)
        output = int(_positions(~np.isfinite(values))[0])
        return f"output {self._outputs.labels[output]}: {_reason(values[output], has_gap=has_gap)}"


def load_scorer(
    path: Path,
    *,
    threads: int,
    outputs: ModelOutputs | None = None,
    model_input: str = VECTOR_INPUT,
    image: ImageRules | None = None,
) -> Scorer:
    """Load a model.

    Its library is imported only now: nobody needs the libraries of models that he does not have.

    Args:
        path: The model; its suffix says which format it has.
        threads: Threads that score one payload.
        outputs: What the contract says of the model's outputs; None for one.
        model_input: What the model reads, one of `contracts.dataset.MODEL_INPUTS`.
        image: How images are taken, if it reads one.

    Raises:
        CallerError: The file is no such model, its model has another number of outputs, or the library that
            reads it is not installed.
    """
    loaders = _LOADERS.get(model_input, {})
    if path.suffix not in loaders:
        raise CallerError(
            f"{path}: the contract says `modelInput: {model_input}`; expected a model in "
            f"one of the formats {', '.join(loaders)}"
        )
    module_name, extras = loaders[path.suffix]
    try:
        module = importlib.import_module(module_name)
    except (ModuleNotFoundError, OSError) as error:  # OSError: a shared library that the library needs
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("serving"):
            raise
        raise CallerError(
            f"{path}: what reads such a model cannot be loaded: {error}; install it with "
            f"pip install 'batchscore[{extras}]'{_system_library(error)}"
        ) from error
    output_count = 1 if outputs is None else outputs.count
    rules = {} if image is None else {"rules": image}
    model: Model | ColumnModel = module.load_model(path, threads=threads, output_count=output_count, **rules)
    return Scorer(model, outputs)


def _system_library(error: Exception) -> str:
    """Return what else must be installed."""
    return ", and from the distribution libgomp1" if "libgomp" in str(error) else ""


def _sliceable(features: Features) -> np.ndarray | pa.ChunkedArray:
    return features.matrix() if isinstance(features, FeatureColumns) else features


def _positions(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask)


def _reason(value: float, *, has_gap: bool) -> str:
    """Say why a record whose score is not finite has none."""
    because = "; a feature is missing" if np.isnan(value) and has_gap else ""
    return f"the score is {value} which is no finite number{because}"


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the positions of the largest values of each row, largest first, of equal ones the first.

    Few are looked for one by one: a sort of whole rows takes ten times as long for 10 of 1,000.
    """
    if count > MAX_SEARCHES:
        return np.argsort(-values, axis=1, kind="stable")[:, :count]
    left, rows = values.copy(), np.arange(len(values))
    top = np.empty((len(values), count), dtype=np.int64)
    for rank in range(count):
        top[:, rank] = left.argmax(axis=1)
        left[rows, top[:, rank]] = -np.inf
    return top


def _kept(
    values: np.ndarray, faults: dict[int, str], outputs: ModelOutputs | None, excluded: Exclusions | None
) -> Scores:
    """Return what the contract keeps of all outputs; nothing of what is excluded, or a fault."""
    if outputs is None or outputs.top_k is None:
        return Scores(values=values, faults=faults)
    counts = None if excluded is None else _exclude(values, excluded, outputs)
    if counts is not None:
        for at in _positions(counts == 0).tolist():
            faults.setdefault(
                at, f"all {outputs.count} outputs are excluded, so that none is left to be kept"
            )
    top = _largest(values, outputs.top_k).astype(np.int32)
    kept = np.take_along_axis(values, top, axis=1)
    kept[list(faults)] = np.nan
    return Scores(values=kept, faults=faults, top=top, counts=counts)


def _exclude(values: np.ndarray, excluded: Exclusions, outputs: ModelOutputs) -> np.ndarray | None:
    """Make outputs smaller than all others; return how many are kept of each record, None if all that can be.

    Args:
        values: Is written to; no number in it is infinite.
        excluded: Of these records.
        outputs: What is kept.
    """
    values[excluded.rows, excluded.outputs] = -np.inf
    counts = np.minimum(outputs.count - np.isneginf(values).sum(axis=1), outputs.kept_count)
    return None if (counts == outputs.kept_count).all() else counts


def _joined(parts: Sequence[Scores], outputs: ModelOutputs) -> Scores:
    """Return the scores of slices, all under topK, as those of one payload."""
    starts = np.cumsum([0, *(len(part.values) for part in parts)]).tolist()
    has_counts = any(part.counts is not None for part in parts)
    return Scores(
        values=np.concatenate([part.values for part in parts]),
        faults={
            start + at: reason
            for start, part in zip(starts, parts, strict=False)
            for at, reason in part.faults.items()
        },
        top=np.concatenate([part.top for part in parts if part.top is not None]),
        counts=np.concatenate([_counts(part, outputs) for part in parts]) if has_counts else None,
    )


def _counts(scores: Scores, outputs: ModelOutputs) -> np.ndarray:
    return np.full(len(scores.values), outputs.kept_count) if scores.counts is None else scores.counts
