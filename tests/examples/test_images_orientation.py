"""A model that wants normalised pixels can be made one that takes those of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from tiny_other_models import write_onnx

from contracts.contract_file import read_contract
from contracts.image_rules import ImageRules
from examples.images import orientation
from examples.images.orientation import DEVIATION, MEAN, with_normalisation
from serving.image_model import load_model

pytestmark = pytest.mark.functional


def test_the_graph_normalises_as_its_training_did(tmp_path: Path) -> None:
    """Mean and deviation of each colour, and channels first."""
    nodes: list[object] = [helper.make_node("Flatten", ["x"], ["y"])]
    plain = write_onnx(
        tmp_path / "plain.onnx", nodes, inputs={"x": [None, 3, 2, 4]}, outputs={"y": [None, 24]}
    )
    wrapped = with_normalisation(onnx.load(plain), MEAN, DEVIATION)
    (tmp_path / "model.onnx").write_bytes(wrapped.SerializeToString())
    pixels = np.random.default_rng(20).integers(0, 256, (5, 2, 4, 3), dtype=np.uint8)

    session = onnxruntime.InferenceSession(wrapped.SerializeToString())
    (found,) = session.run(None, {"pixels": pixels})

    expected = ((pixels / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2).reshape(5, -1)
    assert np.allclose(found, expected, atol=1e-5)
    served = load_model(tmp_path / "model.onnx", threads=1, output_count=24, rules=ImageRules())
    assert np.array_equal(served.run(pixels), found)


def test_its_contract_has_an_output_for_each_way_a_page_may_lie() -> None:
    """Of which the likeliest is kept."""
    contract = read_contract(Path(orientation.__file__).with_name("orientation.yaml"))
    assert contract.outputs is not None
    assert (contract.outputs.count, contract.outputs.top_k) == (4, 1)
    assert contract.image == ImageRules(fit="cover")
