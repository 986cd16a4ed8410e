"""A model folder that cannot be served right says so before the first request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xgboost
from tiny_model import TINY_CONTRACT, make_tiny_model, make_tiny_model_folder

from contracts.errors import CallerError
from serving.model_folder import load_model_folder

pytestmark = pytest.mark.functional


def refusal(folder: Path, expected_fingerprint: str | None = None) -> str:
    with pytest.raises(CallerError) as caught:
        load_model_folder(folder, threads=1, expected_fingerprint=expected_fingerprint)
    return str(caught.value)


@pytest.mark.parametrize("model_name", ["model.json", "model.ubj"])
def test_a_model_beside_its_contract_is_loaded(tmp_path: Path, model_name: str) -> None:
    """In either safe form."""
    folder = make_tiny_model_folder(tmp_path, model_name=model_name)
    model = load_model_folder(folder, threads=1, expected_fingerprint=None)
    assert model.scorer.model.feature_count == len(model.contract.features) == 3


def test_the_fingerprint_of_the_run_may_be_this_contracts(tmp_path: Path) -> None:
    """That is how it should be."""
    folder = make_tiny_model_folder(tmp_path)
    contract = load_model_folder(folder, threads=1, expected_fingerprint=None).contract
    load_model_folder(folder, threads=1, expected_fingerprint=contract.fingerprint)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """It says where, what is expected and how to get it."""
    assert refusal(tmp_path) == (
        f"{tmp_path}: expected exactly one of model.json, model.ubj, model.txt, model.onnx, found none; "
        "make artifacts with `batchscore package`"
    )


def test_a_folder_with_a_pickle_in_the_place_of_a_model_is_told_the_way_out(tmp_path: Path) -> None:
    """SageMaker unpacks whatever is in the archive that it was given."""
    (tmp_path / "model.joblib").write_bytes(b"")
    message = refusal(tmp_path)
    assert "model.joblib: may hold a pickle" in message
    assert "LightGBM model with booster.save_model('model.txt')" in message


def test_two_models_are_refused(tmp_path: Path) -> None:
    """Nobody should have to guess which one scored."""
    make_tiny_model(make_tiny_model_folder(tmp_path) / "model.ubj")
    assert "found model.json, model.ubj" in refusal(tmp_path)


def test_a_missing_contract_is_refused(tmp_path: Path) -> None:
    """A model without its contract cannot be fed."""
    make_tiny_model(tmp_path / "model.json")
    assert "contract.json: cannot read the contract" in refusal(tmp_path)


def test_another_number_of_features_is_refused(tmp_path: Path) -> None:
    """Both numbers are in the message."""
    folder = make_tiny_model_folder(tmp_path)
    contract = folder / "contract.json"
    contract.write_text(contract.read_text().replace("[age, plan, active]", "[age, plan]"))
    assert "the model reads 3 features, the contract names 2 (age, plan)" in refusal(folder)


def test_features_that_only_the_model_or_the_contract_has_are_named(tmp_path: Path) -> None:
    """Where the model has names."""
    vectors = np.eye(4, dtype=np.float32)
    names = ["age", "plan", "tenure", "charges"]
    matrix = xgboost.DMatrix(vectors, vectors[:, 0], feature_names=names)
    xgboost.train({"nthread": 1}, matrix, 1).save_model(tmp_path / "model.json")
    (tmp_path / "contract.json").write_text(TINY_CONTRACT)
    assert "; the contract lacks 'tenure', 'charges'; the model lacks 'active'; train on" in refusal(tmp_path)


def test_features_in_another_order_are_refused(tmp_path: Path) -> None:
    """A model that knows its features' names tells; else the scores would be silently wrong."""
    vectors = np.eye(3, dtype=np.float32)
    matrix = xgboost.DMatrix(vectors, vectors[:, 0], feature_names=["plan", "age", "active"])
    xgboost.train({"nthread": 1}, matrix, 1).save_model(tmp_path / "model.json")
    (tmp_path / "contract.json").write_text(TINY_CONTRACT)
    assert "feature 1 of the model is 'plan', the contract says 'age'" in refusal(tmp_path)


def test_the_fingerprint_of_another_contract_is_refused(tmp_path: Path) -> None:
    """The run's shards and the model's contract must belong together."""
    message = refusal(make_tiny_model_folder(tmp_path), "0123456789abcdef")
    assert "the fingerprint 0123456789abcdef" in message


def test_a_primary_key_that_is_called_like_an_answer_column_is_refused(tmp_path: Path) -> None:
    """The answer could not hold both."""
    folder = make_tiny_model_folder(tmp_path)
    contract = folder / "contract.json"
    contract.write_text(contract.read_text().replace("customer_id", "score"))
    assert "the primary key is called 'score'" in refusal(folder)


def test_a_baseline_that_cannot_be_read_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What drift is measured with is no reason not to score."""
    folder = make_tiny_model_folder(tmp_path)
    (folder / "baseline.json").write_text("[]")
    model = load_model_folder(folder, threads=1, expected_fingerprint=None)
    assert model.baseline == b""
    assert "the training baseline is left out: baseline.json: expected a profile" in caplog.text
