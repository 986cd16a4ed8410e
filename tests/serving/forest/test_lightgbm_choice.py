"""LightGBM models that the evaluator can take are evaluated by it; LightGBM predicts the others."""

from __future__ import annotations

import logging
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from made_lightgbm import made_lightgbm, model_text, tree_text

from contracts.errors import InternalError
from serving import lightgbm_model
from serving.forest import choice, forest

FEATURE_COUNT = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    text = made_lightgbm(
        np.random.default_rng(1),
        tree_count=5,
        leaf_count=9,
        feature_count=FEATURE_COUNT,
        objective="binary sigmoid:1",
    )
    return written(tmp_path, text)


def written(folder: Path, text: str) -> Path:
    path = folder / "model.txt"
    path.write_text(text)
    return path


def vectors(count: int = 100) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(count, FEATURE_COUNT)).astype(np.float32)


def assert_library_predicts(path: Path, cause: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        model = lightgbm_model.load_model(path, threads=1)
    assert cause in caplog.text
    assert "evaluated by LightGBM" in model.description
    given = np.abs(vectors()).round()
    np.testing.assert_array_equal(model.predict(given), lightgbm.Booster(model_file=path).predict(given))


def test_a_loaded_model_is_evaluated_by_the_forest(path: Path) -> None:
    model = lightgbm_model.load_model(path, threads=1)
    assert f"forest evaluator ({forest.instruction_sets()[0]})" in model.description
    np.testing.assert_array_equal(
        model.predict(vectors()), lightgbm.Booster(model_file=path).predict(vectors())
    )


def test_a_difference_in_one_bit_is_refused_when_the_model_is_loaded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = lightgbm_model.LightGBMModel.library_predict

    def one_bit_off(model: lightgbm_model.LightGBMModel, given: np.ndarray) -> np.ndarray:
        predictions = predict(model, given)
        predictions[-1] = np.nextafter(predictions[-1], 2)
        return predictions

    monkeypatch.setattr(lightgbm_model.LightGBMModel, "library_predict", one_bit_off)
    with pytest.raises(InternalError, match="BATCHSCORE_FOREST=off"):
        lightgbm_model.load_model(path, threads=1)


def test_records_that_are_all_infinite_prove_nothing(path: Path) -> None:
    """The first finite ones after them are compared; [ran] LightGBM refuses to predict no records."""
    model = lightgbm_model.load_model(path, threads=1)
    model.predict(np.full((3, FEATURE_COUNT), np.inf, dtype=np.float32))
    np.testing.assert_array_equal(
        model.predict(vectors()), lightgbm.Booster(model_file=path).predict(vectors())
    )


def test_the_variable_lets_the_library_predict(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(choice.FOREST_VARIABLE, "off")
    assert_library_predicts(path, "LightGBM predicts, since BATCHSCORE_FOREST is off", caplog)


def test_without_the_extension_the_library_predicts_and_the_log_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forest, "native_forest", None)
    assert_library_predicts(path, "install a C++ compiler", caplog)


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"objective": "regression", "linear_tree": True}, "linear models in its leaves"),
        ({"objective": "binary", "categorical_feature": [0]}, "splits by a set of categories"),
        ({"objective": "quantile", "reg_sqrt": True}, "its objective is quantile sqrt"),
        ({"objective": "binary", "sigmoid": 1e-7}, "its objective has the sigmoid 1e-07"),
    ],
)
def test_what_it_cannot_take_goes_to_the_library_and_the_log_names_the_cause(
    parameters: dict[str, object], cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = np.abs(vectors(400)).round()
    target = (given.sum(axis=1) > 3).astype(float)
    settings = {"verbosity": -1, "num_threads": 1, "min_data_per_group": 1, "cat_smooth": 0, **parameters}
    model = lightgbm.train(settings, lightgbm.Dataset(given, target, params=settings), 3)
    assert_library_predicts(written(tmp_path, model.model_to_string()), cause, caplog)


def test_a_tree_of_too_many_leaves_goes_to_the_library(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = made_lightgbm(np.random.default_rng(3), tree_count=1, leaf_count=4097, feature_count=FEATURE_COUNT)
    assert_library_predicts(written(tmp_path, text), "too many leaves", caplog)


def test_early_stopping_among_the_parameters_of_training_changes_nothing(tmp_path: Path) -> None:
    """[ran] LightGBM predicts with what it is called with, not with what stands in the model."""
    trees = [tree_text(number, [-1], [-2], [0], [0.0], [0], [-9.0, 9.0]) for number in range(50)]
    text = model_text(trees, feature_count=FEATURE_COUNT, objective="binary sigmoid:1")
    parameters = "\nparameters:\n[pred_early_stop: 1]\n[pred_early_stop_freq: 1]\nend of parameters\n"
    path = written(tmp_path, text.replace("end of trees\n", f"end of trees\n{parameters}"))
    model = lightgbm_model.load_model(path, threads=1)
    assert "forest evaluator" in model.description
    np.testing.assert_array_equal(
        model.predict(vectors()), lightgbm.Booster(model_file=path).predict(vectors())
    )
