"""The churn model is made the same every time, and is good enough to be worth scoring with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from contracts.encoding import encode
from examples.churn import data, train
from serving.scorer import load_scorer


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.ubj"
    train.write_model(path)
    return path


pytestmark = pytest.mark.functional


def test_training_twice_gives_the_same_bytes(model_path: Path, tmp_path: Path) -> None:
    """So that a report can be made again."""
    train.write_model(tmp_path / "model.ubj")
    assert (tmp_path / "model.ubj").read_bytes() == model_path.read_bytes()


def test_the_model_knows_customers_that_it_never_saw(model_path: Path) -> None:
    """AUC on the held-out half, through the code that serves the model."""
    contract = data.churn_contract()
    base = data.customers()
    held_out = base.filter(base[data.LABEL].is_valid()).drop_null()
    scores = load_scorer(model_path, threads=1).score(encode(held_out, contract)).values
    assert roc_auc_score(train.labels_of(held_out, contract), scores) >= 0.82


def test_the_model_reads_the_contracts_features(model_path: Path) -> None:
    """By name and in order, which the server compares."""
    assert load_scorer(model_path, threads=1).model.feature_names == data.churn_contract().features


def test_labels_are_one_for_those_who_left() -> None:
    """About one customer in four."""
    labels = train.labels_of(data.real_customers(), data.churn_contract())
    assert set(labels.tolist()) == {0.0, 1.0}
    assert float(np.sum(labels)) == 1869
