"""Train the model on the training half of the scans, and write it as ONNX.

The pixels go in as they are in the file, from 0 to 255: whatever else a model needs to be done to them stands
in its graph, so that nobody has to know it where the model is used. `python -m examples.images.train` trains
it and says how many digits it knows that it never saw.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

from contracts.atomic_files import write_bytes

from .data import images_contract, is_for_training, real_scans

MAX_ROUNDS = 500
WHITE = np.float32(255)
OPERATOR_SET, IR_VERSION = 17, 8


def train() -> LogisticRegression:
    """Train the model on half of the scans."""
    pixels, digits = real_scans()
    chosen = is_for_training(len(pixels))
    model = LogisticRegression(max_iter=MAX_ROUNDS)
    return model.fit(vectors_of(pixels[chosen]), digits[chosen])


def vectors_of(pixels: np.ndarray) -> np.ndarray:
    """Return each scan as a vector from 0 to 1: the same as the graph does."""
    return pixels.reshape(len(pixels), -1) / WHITE


def graph_of(model: LogisticRegression) -> ModelProto:
    """Return the model as a graph from uint8 [scans, 8, 8, 1] to probabilities [scans, 10]."""
    weights = {
        "white": np.array(WHITE),
        "weights": model.coef_.T.astype(np.float32),
        "intercepts": model.intercept_.astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["numbers", "white"], ["brightness"]),
        helper.make_node("Flatten", ["brightness"], ["vector"]),
        helper.make_node("Gemm", ["vector", "weights", "intercepts"], ["evidence"]),
        helper.make_node("Softmax", ["evidence"], ["probabilities"]),
    ]
    height, width = real_scans()[0].shape[1:]
    outputs = len(images_contract().outputs.names)
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["scans", height, width, 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["scans", outputs])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPERATOR_SET)],
        ir_version=IR_VERSION,
        producer_name="examples.images",
    )
    checker.check_model(made)
    return made


def write_model(path: Path) -> None:
    """Train the model and write it to `path`, whole or not at all."""
    write_bytes(path, graph_of(train()).SerializeToString())


if __name__ == "__main__":
    scans, shown = real_scans()
    unseen = ~is_for_training(len(scans))
    trained = train()
    share = trained.score(vectors_of(scans[unseen]), shown[unseen])
    print(f"{share:.1%} of {int(unseen.sum())} scans that it never saw")
