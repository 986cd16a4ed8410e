"""A forest counts only where it agrees with the library; what it cannot take, the library predicts."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xgboost
from made_forests import made_booster, made_tree

from contracts.errors import InternalError
from serving import xgboost_model
from serving.forest import checked_forest as checking
from serving.forest import choice, forest
from serving.forest.checked_forest import CheckedForest, checked_forest, probe_vectors
from serving.forest.forest import Forest
from serving.forest.learner import learner_of
from serving.forest.trees import UnsupportedModelError
from serving.forest.xgboost_trees import read_trees

FEATURE_COUNT = 4


@pytest.fixture
def booster() -> xgboost.Booster:
    random = np.random.default_rng(1)
    trees = [made_tree(random, depth=4, feature_count=FEATURE_COUNT, number=number) for number in range(5)]
    return made_booster(trees, feature_count=FEATURE_COUNT, objective="binary:logistic")


def saved(booster: xgboost.Booster, folder: Path) -> Path:
    path = folder / "model.ubj"
    booster.save_model(path)
    return path


def vectors(count: int = 100) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(count, FEATURE_COUNT)).astype(np.float32)


def one_bit_off(predictions: np.ndarray) -> np.ndarray:
    """Return the same but for the last bit of the last prediction."""
    changed = predictions.copy()
    changed[-1] = np.nextafter(changed[-1], np.float32(2))
    return changed


def test_a_difference_in_one_bit_is_refused_when_the_model_is_loaded(booster: xgboost.Booster) -> None:
    with pytest.raises(InternalError, match="BATCHSCORE_FOREST=off"):
        checked_forest(
            read_trees(learner_of(booster)),
            lambda probes: one_bit_off(booster.inplace_predict(probes)),
            threads=1,
        )


def test_a_difference_in_the_first_real_records_is_refused(booster: xgboost.Booster) -> None:
    trees = read_trees(learner_of(booster))
    calls: list[int] = []

    def reference(given: np.ndarray) -> np.ndarray:
        calls.append(len(given))
        predictions = booster.inplace_predict(given)
        return predictions if len(calls) == 1 else one_bit_off(predictions)

    checked = CheckedForest(Forest(trees), reference, probe_vectors(trees))
    for _ in range(2):
        with pytest.raises(InternalError, match="other numbers"):
            checked.predict(vectors())


def test_the_library_is_asked_for_the_first_records_only(booster: xgboost.Booster) -> None:
    asked: list[int] = []

    def reference(given: np.ndarray) -> np.ndarray:
        asked.append(len(given))
        return booster.inplace_predict(given)

    checked = checked_forest(read_trees(learner_of(booster)), reference, threads=1)
    for _ in range(3):
        checked.predict(vectors(5000))
    assert asked[1:] == [checking.COMPARED_COUNT]


def test_two_threads_ask_the_library_once(booster: xgboost.Booster) -> None:
    """A second one that comes during the comparison waits for what the first one finds."""
    asked: list[int] = []
    is_asked_again = threading.Event()

    def reference(given: np.ndarray) -> np.ndarray:
        asked.append(len(given))
        if len(asked) == 2:
            second.append(executor.submit(checked.predict, vectors()))
            is_asked_again.wait(0.2)
        if len(asked) > 2:
            is_asked_again.set()
        return booster.inplace_predict(given)

    second: list[Future[np.ndarray]] = []
    checked = checked_forest(read_trees(learner_of(booster)), reference, threads=1)
    with ThreadPoolExecutor(1) as executor:
        first = checked.predict(vectors())
    np.testing.assert_array_equal(second[0].result(), first)
    assert asked[1:] == [100]


def test_infinite_values_are_left_out_of_the_comparison(booster: xgboost.Booster) -> None:
    given = vectors()
    given[0, 0] = np.inf

    def reference(compared: np.ndarray) -> np.ndarray:
        assert np.isfinite(compared).all() or np.isnan(compared).any()
        return booster.inplace_predict(compared)

    assert len(checked_forest(read_trees(learner_of(booster)), reference, threads=1).predict(given)) == len(
        given
    )


def test_probes_hit_thresholds_and_their_neighbours(booster: xgboost.Booster) -> None:
    trees = read_trees(learner_of(booster))
    probes = probe_vectors(trees)
    is_test = trees.left >= 0
    for feature in range(FEATURE_COUNT):
        own = trees.values[is_test & (trees.features == feature)]
        assert np.isin(own, probes[:, feature]).all()
        assert np.isnan(probes[:, feature]).any()
    np.testing.assert_array_equal(probes, probe_vectors(trees))


def test_a_loaded_model_is_evaluated_by_the_forest(booster: xgboost.Booster, tmp_path: Path) -> None:
    model = xgboost_model.load_model(saved(booster, tmp_path), threads=1)
    assert f"forest evaluator ({forest.instruction_sets()[0]})" in model.description
    np.testing.assert_array_equal(model.predict(vectors()), booster.inplace_predict(vectors()))


def test_the_variable_lets_the_library_predict(
    booster: xgboost.Booster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(choice.FOREST_VARIABLE, "off")
    model = xgboost_model.load_model(saved(booster, tmp_path), threads=1)
    assert "evaluated by XGBoost" in model.description


def test_without_the_extension_the_library_predicts_and_the_log_says_so(
    booster: xgboost.Booster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(forest, "native_forest", None)
    with caplog.at_level(logging.WARNING):
        model = xgboost_model.load_model(saved(booster, tmp_path), threads=1)
    assert "install a C++ compiler" in caplog.text
    np.testing.assert_array_equal(model.predict(vectors()), booster.inplace_predict(vectors()))


def trained(parameters: dict[str, object], labels: np.ndarray | None = None) -> xgboost.Booster:
    given = np.abs(vectors(400)).round(1)
    target = (given.sum(axis=1) > 3).astype(np.float32) if labels is None else labels
    kinds = ["c", "q", "q", "q"] if parameters.pop("categorical", False) else None
    given[:, 0] = given[:, 0].round()
    matrix = xgboost.DMatrix(given, target, feature_types=kinds, enable_categorical=kinds is not None)
    return xgboost.train({"nthread": 1, "max_depth": 3, **parameters}, matrix, 3)


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"booster": "dart", "objective": "binary:logistic"}, "booster is dart"),
        ({"objective": "binary:hinge"}, "objective is binary:hinge"),
        ({"objective": "multi:softmax", "num_class": 2}, "objective is multi:softmax"),
        ({"objective": "binary:logistic", "categorical": True, "max_cat_to_onehot": 1}, "set of categories"),
        ({"objective": "binary:logistic", "categorical": True, "max_cat_to_onehot": 9}, "set of categories"),
    ],
)
def test_what_it_cannot_take_goes_to_the_library_and_the_log_names_the_cause(
    parameters: dict[str, object], cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    booster = trained(dict(parameters))
    with caplog.at_level(logging.WARNING):
        model = xgboost_model.load_model(saved(booster, tmp_path), threads=1)
    assert cause in caplog.text
    assert "evaluated by XGBoost" in model.description
    given = np.abs(vectors()).round()
    np.testing.assert_array_equal(model.predict(given), booster.inplace_predict(given))


def test_a_tree_of_too_many_leaves_goes_to_the_library(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    full = made_tree(np.random.default_rng(3), depth=13, feature_count=FEATURE_COUNT, fullness=1.0)
    with caplog.at_level(logging.WARNING):
        xgboost_model.load_model(
            saved(made_booster([full], feature_count=FEATURE_COUNT), tmp_path), threads=1
        )
    assert "too many leaves" in caplog.text


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        ({"left": [99]}, "points outside"),
        ({"features": [FEATURE_COUNT]}, "a feature is not there"),
        ({"values": [np.nan]}, "not a number"),
        ({"outputs": [1]}, "an output is not there"),
        ({"ends": [10**6]}, "no nodes, or more"),
    ],
)
def test_trees_that_point_outside_are_not_laid_out(
    booster: xgboost.Booster, damage: dict[str, list[float]], cause: str
) -> None:
    trees = read_trees(learner_of(booster))
    ((name, values),) = damage.items()
    array = getattr(trees, name).copy()
    array[: len(values)] = values
    with pytest.raises(UnsupportedModelError, match=cause):
        Forest(type(trees)(**{**vars(trees), name: array}))


def test_arrays_of_other_lengths_or_shapes_are_refused(booster: xgboost.Booster) -> None:
    trees = read_trees(learner_of(booster))
    with pytest.raises(UnsupportedModelError, match="not of one length"):
        Forest(type(trees)(**{**vars(trees), "right": trees.right[1:]}))
    laid_out = Forest(trees)
    with pytest.raises(ValueError, match="another number of features"):
        laid_out.predict(np.zeros((3, FEATURE_COUNT + 1), dtype=np.float32))
    with pytest.raises(ValueError, match="vectors of float32"):
        laid_out.predict(np.zeros((3, FEATURE_COUNT), dtype=np.float64))
