"""Scores can be added up by hand, and a model that cannot be served is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import xgboost
from tiny_model import PLAN_TERMS, make_tiny_model, tiny_score

from contracts.errors import CallerError
from serving.scorer import Scorer, load_scorer

pytestmark = pytest.mark.functional

GENERATOR = np.random.default_rng(7)
FEATURES = GENERATOR.normal(size=(60, 3)).astype(np.float32)


@pytest.fixture(params=["json", "ubj"])
def scorer(request: pytest.FixtureRequest, tmp_path: Path) -> Scorer:
    return load_scorer(make_tiny_model(tmp_path / f"model.{request.param}"), threads=1)


def trained(path: Path, target: np.ndarray, **parameters: object) -> Path:
    xgboost.train({"nthread": 1, **parameters}, xgboost.DMatrix(FEATURES, target), 2).save_model(path)
    return path


def test_every_kind_of_record_scores_what_its_terms_add_up_to(scorer: Scorer) -> None:
    """All ages around the split, all plans, active or not, and each value missing."""
    records = list(
        itertools.product((None, 0, 29, 30, 31), (None, "basic", "plus", "pro"), (None, False, True))
    )
    codes = {None: np.nan, **{plan: code for code, plan in enumerate(PLAN_TERMS)}}
    numbers = [
        [np.nan if age is None else age, codes[plan], np.nan if on is None else on]
        for age, plan, on in records
    ]
    scores = scorer.score(np.array(numbers, dtype=np.float32))
    assert scores.values.tolist() == [tiny_score(*record) for record in records]
    assert scores.values.dtype == np.float64


def test_no_records_get_no_scores(scorer: Scorer) -> None:
    """An empty shard is no error."""
    assert scorer.score(np.empty((0, 3), np.float32)).values.shape == (0,)


def test_one_record_gets_one_score(scorer: Scorer) -> None:
    """Not a bare number."""
    assert scorer.score(np.array([[31, 2, 1]], np.float32)).values.tolist() == [232.5]


def test_an_infinite_feature_is_a_fault_of_its_record_only(scorer: Scorer) -> None:
    """A number too large for 32 bits is not scored as if it were another one."""
    scores = scorer.score(np.array([[np.inf, 0, 0], [31, 2, 1]], np.float32))
    assert dict(scores.faults) == {0: "a feature is too large for a 32-bit float"}
    assert np.isnan(scores.values[0])
    assert scores.values[1] == 232.5


def test_a_score_that_is_not_finite_is_a_fault(tmp_path: Path) -> None:
    """Downstream jobs get a number or a reason, never a NaN that looks like a number."""
    path = make_tiny_model(tmp_path / "model.json")
    path.write_text(
        path.read_text().replace('"base_score":"[5E-1]"', '"base_score":"[3.4E38]"').replace("2E2", "3.4E38")
    )
    scores = load_scorer(path, threads=1).score(np.array([[31, 2, 1], [31, 2, 0]], np.float32))
    assert dict(scores.faults) == {0: "the score is inf which is no finite number"}


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "rank:pairwise"])
def test_objectives_with_one_output_are_served(tmp_path: Path, objective: str) -> None:
    """What XGBoost itself predicts comes out."""
    path = trained(tmp_path / "model.ubj", FEATURES[:, 0] > 0, objective=objective)
    expected = xgboost.Booster(model_file=path).predict(xgboost.DMatrix(FEATURES)).astype(np.float64)
    np.testing.assert_array_equal(expected, load_scorer(path, threads=1).score(FEATURES).values)


def test_the_best_class_alone_is_one_output(tmp_path: Path) -> None:
    """Its number, as XGBoost answers under multi:softmax."""
    classes = GENERATOR.integers(0, 3, 60)
    path = trained(tmp_path / "model.json", classes, objective="multi:softmax", num_class=3)

    values = load_scorer(path, threads=1).score(FEATURES).values

    assert values.shape == (60,)
    assert set(values) <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize("content", [b"", b"{}", b"no model", b'{"learner": {}}', b"{" + bytes(100)])
@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_what_is_no_model_is_refused_without_a_stack_trace(tmp_path: Path, name: str, content: bytes) -> None:
    """The message says which file, and how to save a model."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CallerError, match=r"XGBoost cannot use this model: .*save it with") as caught:
        load_scorer(tmp_path / name, threads=1)
    assert "Stack trace" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_a_model_that_was_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    """An upload that broke."""
    path = make_tiny_model(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CallerError, match="XGBoost cannot use this model"):
        load_scorer(path, threads=1)
