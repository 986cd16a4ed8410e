"""Learn tastes from who rated what: a truncated singular value decomposition.

    has_rated (users x films)  ~  tastes of users (users x tastes)  .  tastes of films (tastes x films)

A user's scores are the products of the two: large for films that people with the same tastes have rated. How
many stars they gave is not looked at. The films' tastes are the model, one matrix product in ONNX; the users'
are what their records hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from contracts.atomic_files import write_bytes

from .data import TASTE_DECIMALS

TASTE_COUNT = 32
OPSET, IR_VERSION = 17, 8
"""Old enough for every version of onnxruntime that is taken."""


def learn_tastes(has_rated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tastes of users (users, TASTE_COUNT) and of films (TASTE_COUNT, films)."""
    matrix = has_rated.astype(np.float64)
    # Users are few: their tastes are the eigenvectors of the largest eigenvalues, which come last.
    squares, vectors = np.linalg.eigh(matrix @ matrix.T)
    chosen = vectors[:, ::-1][:, :TASTE_COUNT]
    # The sign of an eigenvector is anybody's choice: its largest entry is positive here.
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(TASTE_COUNT)])
    sizes = np.sqrt(squares[::-1][:TASTE_COUNT])
    return chosen * sizes, (chosen.T @ matrix) / sizes[:, None]


def write_model(path: Path, film_tastes: np.ndarray) -> None:
    """Write the model: the tastes of some users in, their scores for all films out."""
    taste_count, film_count = film_tastes.shape
    weights = numpy_helper.from_array(np.round(film_tastes, TASTE_DECIMALS + 2).astype(np.float32), "films")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["tastes", "films"], ["scores"])],
        "recommendations",
        [helper.make_tensor_value_info("tastes", TensorProto.FLOAT, [None, taste_count])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, film_count])],
        [weights],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="batchscore",
    )
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString(deterministic=True))
