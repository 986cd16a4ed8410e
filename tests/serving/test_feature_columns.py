"""Features in columns get the scores and faults that their matrix gets, whatever the model takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tiny_model import TINY_CONTRACT, make_tiny_model

from contracts.contract_file import parse_contract
from contracts.dataset import ModelOutputs
from contracts.errors import InternalError
from serving import xgboost_model
from serving.feature_columns import FeatureColumns
from serving.forest import choice, forest
from serving.forest.checked_forest import CheckedForest, probe_vectors
from serving.forest.learner import learner_of
from serving.forest.xgboost_trees import read_trees
from serving.scorer import Scorer
from serving.xgboost_model import XGBoostModel

CONTRACT = parse_contract(
    TINY_CONTRACT.replace("age, type: integer", "age, type: number").encode(), name="tiny"
)
RECORDS = pa.table(
    {
        "age": pa.array([31, None, 1e39, 29.5, np.inf] * 3, pa.float64()),
        "plan": pa.array(["pro", "basic", None, "plus", "unheard of"] * 3).dictionary_encode(),
        "active": [True, False, None, True, False] * 3,
    }
)
INFINITE = (2, 4, 7, 9, 12, 14)


def columns_of(records: pa.Table = RECORDS) -> FeatureColumns:
    return FeatureColumns(records, CONTRACT)


def load(folder: Path) -> XGBoostModel:
    return xgboost_model.load_model(make_tiny_model(folder / "model.ubj"), threads=1)


class Undefined:
    """A model that has no number for anybody."""

    feature_count = 3
    feature_names = category_orders = ()
    description = "undefined"

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Answer NaN."""
        return np.full(len(vectors), np.nan)


class Mirror(Undefined):
    """A model whose outputs are its features, 0 where one is missing."""

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Answer the features."""
        return np.nan_to_num(vectors, posinf=0)


def assert_same_scores(scorer: Scorer, columns: FeatureColumns) -> None:
    found, expected = scorer.score(columns), scorer.score(columns.matrix())
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.faults == expected.faults
    assert found.faults.keys() >= set(INFINITE)


def test_the_forest_takes_the_columns_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the first records are compared with the library, nobody makes a matrix."""
    scorer = Scorer(load(tmp_path))
    assert_same_scores(scorer, columns_of())
    expected = scorer.score(columns_of())
    monkeypatch.setattr("serving.feature_columns.encode", None)
    np.testing.assert_array_equal(scorer.score(columns_of()).values, expected.values)


def test_columns_in_several_pieces_become_a_matrix(tmp_path: Path) -> None:
    """As a file of several record batches has them."""
    pieces = pa.concat_tables([RECORDS.slice(0, 7), RECORDS.slice(7)])
    assert columns_of(pieces).encoded() is None
    assert_same_scores(Scorer(load(tmp_path)), columns_of(pieces))


def test_the_library_gets_a_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the forest evaluator is off."""
    monkeypatch.setenv(choice.FOREST_VARIABLE, "off")
    assert_same_scores(Scorer(load(tmp_path)), columns_of())


def test_without_the_extension_the_scores_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the time that it takes depends on a compiler."""
    expected = Scorer(load(tmp_path)).score(columns_of())
    monkeypatch.setattr(forest, "native_forest", None)
    found = Scorer(load(tmp_path)).score(columns_of())
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.faults == expected.faults


def test_what_cannot_be_scored_has_the_same_reasons() -> None:
    """A missing feature is named as the cause where there is one."""
    assert_same_scores(Scorer(Undefined()), columns_of())


def test_the_largest_outputs_are_those_of_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where records are scored a few at a time."""
    monkeypatch.setattr("serving.scorer.SCORED_AT_ONCE", 6)
    assert_same_scores(Scorer(Mirror(), ModelOutputs(count=3, top_k=2)), columns_of())


def test_a_difference_in_the_first_records_is_refused(tmp_path: Path) -> None:
    """The library predicts from the matrix, so what is compared is how columns are read, too."""
    model = load(tmp_path)
    trees = read_trees(learner_of(model._booster))
    off = [0.0]
    checked = CheckedForest(
        forest.Forest(trees), lambda vectors: model.library_predict(vectors) + off[0], probe_vectors(trees)
    )
    off[0] = np.float32(1)
    with pytest.raises(InternalError, match="other numbers"):
        checked.predict_columns(columns_of())
