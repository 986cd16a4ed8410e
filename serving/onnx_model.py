"""ONNX models, run by onnxruntime on the CPU.

A model takes one input, a float32 tensor of shape [records, features], and answers with one tensor of floats
beside, for a classifier, a tensor of labels:

    [records] or [records, 1]        the score
    [records, 2] and labels          probabilities of a binary classifier; if the contract says nothing of
                                     outputs, the score is that of its second class, scikit-learn's
                                     `predict_proba(…)[:, 1]`
    [records, outputs]               several outputs, as many as the contract says

ONNX has no word for a missing value. NaN goes into the graph as it is, and what comes out is the graph's
doing: trees may send it left or right as their exporter wrote, an Imputer node replaces it, arithmetic makes
the score NaN, which becomes an error beside the record. A comparison with NaN is false, so a model that was
trained without missing values may still give a score: state `required` in the contract for its features.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as binding

from contracts.errors import CallerError, bounded
from serving.output_count import check_output_count

PROBE_RECORD_COUNT = 3
"""Another number than any dimension that a model for one record, or for two classes, has."""

_FLOATS = ("tensor(float)", "tensor(double)")
_LABELS = ("tensor(int64)", "tensor(string)")
_ERRORS = tuple(
    kind for kind in vars(binding).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""What onnxruntime raises: its kinds of errors have no base of their own (seen in 1.23 and 1.32)."""


class OnnxModel:
    """A session; see `serving.scorer.Model`."""

    def __init__(self, session: Any, *, feature_count: int, output_name: str, has_one_score: bool) -> None:
        """Take a session that `load_model` has checked, and the name of its tensor with the scores.

        Args:
            session: Of onnxruntime.
            feature_count: Numbers in the vector of a record.
            output_name: Of the tensor with the scores.
            has_one_score: Whether the last number of a record in it is the score; else all of them are.
        """
        self._session = session
        self._input_name = session.get_inputs()[0].name
        self._output_name = output_name
        self._has_one_score = has_one_score
        self.feature_count = feature_count
        self.feature_names: Sequence[str] = ()
        self.category_orders: Sequence[Sequence[str]] = ()
        self.description = (
            f"ONNX, written by {session.get_modelmeta().producer_name or 'an unnamed exporter'}"
        )

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the scores of each record; see `serving.scorer.Model`."""
        answer = self.run(vectors)
        return answer[:, -1] if self._has_one_score and answer.ndim > 1 else answer

    def run(self, vectors: np.ndarray) -> np.ndarray:
        """Return the tensor that the graph computes."""
        (answer,) = self._session.run([self._output_name], {self._input_name: vectors})
        tensor: np.ndarray = answer
        return tensor


def load_model(path: Path, *, threads: int, output_count: int = 1) -> OnnxModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    try:
        # From bytes: given a path, 1.23 reads weights from whatever file the model names.
        content = path.read_bytes()
        session = onnxruntime.InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"])
        model = OnnxModel(
            session,
            feature_count=_feature_count(path, session),
            output_name=_output_name(path, session),
            has_one_score=output_count == 1,
        )
        answer = model.run(np.zeros((PROBE_RECORD_COUNT, model.feature_count), dtype=np.float32))
    except _ERRORS as error:
        raise CallerError(
            f"{path}: onnxruntime {onnxruntime.__version__} cannot use this model: "
            f"{bounded(' '.join(str(error).split()), 300)}; save it whole, in one file, for "
            "an operator set that this version knows"
        ) from error
    _check_shape(path, answer)
    is_binary = answer.shape == (PROBE_RECORD_COUNT, 2) and _has_labels(session)
    if not (is_binary and output_count == 1):
        check_output_count(path, answer.size // PROBE_RECORD_COUNT, output_count)
    return model


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait for work in a loop would take the cores from other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # what a payload took is given back
    options.log_severity_level = 3  # errors
    return options


def _feature_count(path: Path, session: Any) -> int:
    inputs = session.get_inputs()
    told = ", ".join(f"{entry.name}: {entry.type} {entry.shape}" for entry in inputs)
    is_right = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == 2
    if not (is_right and not isinstance(inputs[0].shape[0], int) and isinstance(inputs[0].shape[1], int)):
        raise CallerError(
            f"{path}: the model's inputs are {bounded(told, 300)}; expected exactly one, of the "
            "type tensor(float) and the shape [any number of records, number of features]; with skl2onnx, "
            "export with initial_types=[('X', FloatTensorType([None, number of features]))]"
        )
    return int(inputs[0].shape[1])


def _output_name(path: Path, session: Any) -> str:
    """Return the name of the output that has the scores."""
    outputs = session.get_outputs()
    told = bounded(", ".join(f"{entry.name}: {entry.type} {entry.shape}" for entry in outputs), 300)
    if any(entry.type.startswith("seq(map") for entry in outputs):
        raise CallerError(
            f"{path}: the model's outputs are {told}: probabilities as a list of maps (ZipMap); export it "
            "with options={'zipmap': False}, so that they are a tensor"
        )
    names = [entry.name for entry in outputs if entry.type in _FLOATS]
    if len(names) != 1:
        raise CallerError(
            f"{path}: the model's outputs are {told}; expected exactly one tensor of floats, the scores or "
            "the probabilities, beside the labels of a classifier"
        )
    return str(names[0])


def _has_labels(session: Any) -> bool:
    return any(entry.type in _LABELS for entry in session.get_outputs())


def _check_shape(path: Path, answer: np.ndarray) -> None:
    """Check that the answer to the probe has a number, or a list of numbers, for each record."""
    if answer.ndim not in (1, 2) or len(answer) != PROBE_RECORD_COUNT or not answer.size:
        raise CallerError(
            f"{path}: the model answers {PROBE_RECORD_COUNT} records with a tensor of the shape "
            f"{list(answer.shape)}; expected one number, or one list of numbers, for each record"
        )
