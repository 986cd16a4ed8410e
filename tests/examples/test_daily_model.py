"""The model is made the same every time, and knows flights that it never saw."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from contracts.encoding import encode
from examples.daily import data, train
from serving.scorer import load_scorer

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.ubj"
    train.write_model(path)
    return path


def test_training_twice_gives_the_same_bytes(model_path: Path, tmp_path: Path) -> None:
    train.write_model(tmp_path / "model.ubj")
    assert (tmp_path / "model.ubj").read_bytes() == model_path.read_bytes()


def test_the_model_ranks_flights_of_a_week_that_it_never_saw(model_path: Path) -> None:
    """By the timetable alone; through the code that serves it, on distances in miles."""
    contract = data.flight_contract()
    held_out = pa.concat_tables(
        [data.delivered_flights(day) for day in data.DAYS if day < data.FAULTY_FROM]
    ).drop_null()
    scores = load_scorer(model_path, threads=1).score(encode(held_out, contract)).values
    assert roc_auc_score(train.labels_of(held_out, contract), scores) >= 0.72
