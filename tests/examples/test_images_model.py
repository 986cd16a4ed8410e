"""The model of the images example is made the same every time, and its graph says what it was trained as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from examples.images import data, train
from serving.scorer import load_scorer

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    train.write_model(path)
    return path


def test_training_twice_gives_the_same_bytes(model_path: Path, tmp_path: Path) -> None:
    """So that a report can be made again."""
    train.write_model(tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == model_path.read_bytes()


def test_the_graph_answers_what_the_trained_model_answers(model_path: Path) -> None:
    """From the PNG files of scans that it never saw, through the code that serves the model."""
    contract = data.images_contract()
    pixels, _ = data.real_scans()
    unseen = pixels[~data.is_for_training(len(pixels))]
    scorer = load_scorer(
        model_path,
        threads=1,
        outputs=contract.outputs,
        model_input=contract.model_input,
        image=contract.image,
    )
    scores = scorer.score(pa.chunked_array([[data.png(scan) for scan in unseen]], pa.binary()))
    expected = train.train().predict_proba(train.vectors_of(unseen))
    assert scores.faults == {}
    assert np.allclose(scores.values, expected, atol=1e-5)
