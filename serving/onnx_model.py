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

from contracts.errors import CallerError
from serving.onnx_session import (
    PROBE_RECORD_COUNT,
    check_probe,
    described,
    has_labels,
    open_session,
    run_session,
    scores_name,
    told,
    using_model,
)
from serving.output_count import check_output_count


class OnnxModel:
    """A session; see `serving.vector_model.Model`."""

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
        self.description = described(session)

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the scores of each record; see `serving.vector_model.Model`."""
        answer = self.run(vectors)
        return answer[:, -1] if self._has_one_score and answer.ndim > 1 else answer

    def run(self, vectors: np.ndarray) -> np.ndarray:
        """Return the tensor that the graph computes."""
        return run_session(self._session, self._output_name, {self._input_name: vectors})


def load_model(path: Path, *, threads: int, output_count: int = 1) -> OnnxModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    with using_model(path):
        session = open_session(path, threads=threads)
        model = OnnxModel(
            session,
            feature_count=_feature_count(path, session),
            output_name=scores_name(path, session),
            has_one_score=output_count == 1,
        )
        answer = model.run(np.zeros((PROBE_RECORD_COUNT, model.feature_count), dtype=np.float32))
    check_probe(path, answer)
    is_binary = answer.shape == (PROBE_RECORD_COUNT, 2) and has_labels(session)
    if not (is_binary and output_count == 1):
        check_output_count(path, answer.size // PROBE_RECORD_COUNT, output_count)
    return model


def _feature_count(path: Path, session: Any) -> int:
    inputs = session.get_inputs()
    is_right = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == 2
    if not (is_right and not isinstance(inputs[0].shape[0], int) and isinstance(inputs[0].shape[1], int)):
        raise CallerError(
            f"{path}: the model's inputs are {told(inputs)}; expected exactly one, of the "
            "type tensor(float) and the shape [any number of records, number of features]; with skl2onnx, "
            "export with initial_types=[('X', FloatTensorType([None, number of features]))]"
        )
    return int(inputs[0].shape[1])
