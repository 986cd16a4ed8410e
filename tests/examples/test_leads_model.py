"""The lead model is made the same every time, and is good enough to be worth scoring with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from contracts.encoding import encode
from examples.leads import data, train
from serving.scorer import load_scorer

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.txt"
    train.write_model(path)
    return path


def test_training_twice_gives_the_same_bytes(model_path: Path, tmp_path: Path) -> None:
    """So that a report can be made again."""
    train.write_model(tmp_path / "model.txt")
    assert (tmp_path / "model.txt").read_bytes() == model_path.read_bytes()


def test_the_model_reads_the_contracts_features(model_path: Path) -> None:
    """By name and in order, which the server compares."""
    assert load_scorer(model_path, threads=1).model.feature_names == data.leads_contract().features


def test_the_model_knows_households_that_it_never_saw(model_path: Path) -> None:
    """On the held-out half, by other code than the report's: AUC, and lift of the highest tenth."""
    contract = data.leads_contract()
    base = data.households()
    held_out = base.filter(base[data.LABEL].is_valid())
    scores = load_scorer(model_path, threads=1).score(encode(held_out, contract)).values
    labels = train.labels_of(held_out, contract)
    highest = np.argsort(-scores, kind="stable")[: len(scores) // 10]
    assert roc_auc_score(labels, scores) >= 0.70
    assert labels[highest].mean() / labels.mean() >= 2.5


def test_scores_are_probabilities(model_path: Path) -> None:
    """Expected values are made of them: on average as many buy as the scores say, within a fifth."""
    contract = data.leads_contract()
    base = data.households()
    held_out = base.filter(base[data.LABEL].is_valid())
    scores = load_scorer(model_path, threads=1).score(encode(held_out, contract)).values
    assert float(np.mean(scores)) == pytest.approx(train.labels_of(held_out, contract).mean(), rel=0.2)
