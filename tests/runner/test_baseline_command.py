"""Training data is described with the code that prepares and scores a run, and the artifact carries it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from made_images import CONTRACT, encoded, gradient
from onnx import helper
from tiny_model import TINY_CONTRACT, make_tiny_model
from tiny_other_models import write_onnx
from typer.testing import CliRunner

from contracts.data_profile import DataProfile, parse_profile
from contracts.errors import BatchScoreError, CallerError
from runner.cli import app

pytestmark = pytest.mark.functional

IMAGE_CONTRACT = CONTRACT.replace(", outputs: [dark, light]", "")
CUSTOMERS = "customer_id,age,plan,active\nA,20,basic,true\nB,40,plus,true\nC,,pro,false\nD,old,pro,false\n"
"""Scores 211.5, 222.5 and 131.5 for what is valid; the last has no age that is a number."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a contract, a model and training data."""
    (tmp_path / "contract.yaml").write_text(TINY_CONTRACT)
    make_tiny_model(tmp_path / "model.json")
    (tmp_path / "train.csv").write_text(CUSTOMERS)
    return tmp_path


def _invoke(files: Path, *argv: str) -> str:
    words = [
        str(files / word) if (files / word).exists() or word.startswith("out.") else word for word in argv
    ]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _baseline(files: Path, *more: str) -> DataProfile:
    _invoke(
        files, "baseline", "--contract", "contract.yaml", "--input", "train.csv", "--out", "out.json", *more
    )
    return parse_profile((files / "out.json").read_bytes(), name="out.json")


def test_features_are_described_and_with_a_model_its_scores(files: Path) -> None:
    alone, scored = _baseline(files), _baseline(files, "--model", "model.json")
    assert alone.score is None
    assert scored.score is not None
    assert alone.record_count == scored.record_count == scored.score.record_count == 3
    assert alone.features["plan"].values == {"basic": 1, "plus": 1, "pro": 1}
    assert alone.features["age"].missing_count == 1
    assert {name: one.document() for name, one in alone.features.items()} == {
        name: one.document() for name, one in scored.features.items()
    }


@pytest.mark.parametrize("more", [(), ("--model", "model.onnx")])
def test_images_as_large_as_a_run_may_take_are_described(files: Path, more: tuple[str, ...]) -> None:
    """Left out, they would be told as drift by every run that has them."""
    (files / "contract.yaml").write_text(IMAGE_CONTRACT)
    mean = helper.make_node("ReduceMean", ["image"], ["score"], axes=[1, 2, 3], keepdims=0)
    write_onnx(files / "model.onnx", [mean], inputs={"image": [None, 3, 6, 8]}, outputs={"score": [None]})
    (files / "train.csv").unlink()
    (files / "train.csv").mkdir()
    for name, spare in (("small", 0), ("large", 7_000_000)):
        (files / "train.csv" / f"{name}.png").write_bytes(encoded(gradient()) + bytes(spare))
    assert _baseline(files, *more).record_count == 2


@pytest.mark.parametrize("baseline", ["train.csv", "out.json"])
def test_an_artifact_takes_training_data_or_its_baseline(files: Path, baseline: str) -> None:
    expected = _baseline(files, "--model", "model.json")
    argv = ("package", "--model", "model.json", "--contract", "contract.yaml", "--out", "out.tar.gz")
    _invoke(files, *argv, "--baseline", baseline)
    with tarfile.open(files / "out.tar.gz") as archive:
        member = archive.extractfile("baseline.json")
        assert member is not None
        assert parse_profile(member.read(), name="baseline.json").document() == expected.document()


def test_data_without_a_valid_record_is_refused(files: Path) -> None:
    (files / "train.csv").write_text("customer_id,age,plan,active\nD,old,pro,false\n")
    for more in ((), ("--model", "model.json")):
        with pytest.raises(BatchScoreError, match="nothing to describe"):
            _baseline(files, *more)
    assert not (files / "out.json").exists()


def test_a_place_that_is_a_folder_is_refused(files: Path) -> None:
    (files / "out.json").mkdir()
    with pytest.raises(CallerError, match="is a folder; expected the name of a file"):
        _baseline(files)


def test_a_tokenizer_without_its_model_is_refused(files: Path) -> None:
    argv = ["baseline", "--contract", "contract.yaml", "--input", "train.csv", "--out", "out.json"]
    with pytest.raises(CallerError, match="--tokenizer: goes with the --model"):
        _invoke(files, *argv, "--tokenizer", "model.json")
