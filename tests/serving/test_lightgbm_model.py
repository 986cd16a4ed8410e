"""A LightGBM model answers what LightGBM answers, and a damaged one ends nothing but its own loading."""

from __future__ import annotations

import re
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from tiny_model import TINY_CONTRACT
from tiny_other_models import make_tiny_lightgbm

from contracts.errors import CallerError
from serving.lightgbm_text import check_model_text
from serving.model_folder import load_model_folder
from serving.scorer import load_scorer

pytestmark = pytest.mark.functional

GENERATOR = np.random.default_rng(7)
NUMBERS = GENERATOR.normal(size=(400, 4)).astype(np.float32)
NUMBERS[GENERATOR.random(NUMBERS.shape) < 0.1] = np.nan
NUMBERS[:, 3] = GENERATOR.integers(0, 12, 400)
IS_POSITIVE = (np.nan_to_num(NUMBERS[:, 0]) + (NUMBERS[:, 3] % 3) > 1).astype(int)


def trained(path: Path, target: np.ndarray = IS_POSITIVE, rounds: int = 5, **parameters: object) -> Path:
    """Train on three numbers and a category, both with missing values, and save."""
    data = lightgbm.Dataset(NUMBERS, target, categorical_feature=[3])
    settings = {"num_threads": 1, "verbosity": -1, "min_data_per_group": 1, "seed": 7, **parameters}
    lightgbm.train(settings, data, rounds).save_model(path)
    return path


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("objective", ["regression", "binary", "poisson"])
def test_scores_are_lightgbms_own(tmp_path: Path, objective: str, linear: bool) -> None:
    """With missing values, categories and linear leaves, to the last bit."""
    path = trained(tmp_path / "model.txt", objective=objective, linear_tree=linear)
    expected = lightgbm.Booster(model_file=path).predict(NUMBERS)

    scorer = load_scorer(path, threads=2)

    np.testing.assert_array_equal(scorer.score(NUMBERS).values, expected)
    assert scorer.model.feature_names == ()


def test_a_model_with_several_outputs_is_refused(tmp_path: Path) -> None:
    target = GENERATOR.integers(0, 3, 400)
    path = trained(tmp_path / "model.txt", target, objective="multiclass", num_class=3)

    with pytest.raises(
        CallerError, match="has 3 outputs for each record, the contract says 1; write `outputs: 3` below"
    ):
        load_scorer(path, threads=1)


def folder_with(folder: Path, names: str) -> Path:
    path = make_tiny_lightgbm(folder / "model.txt")
    path.write_text(path.read_text().replace("age plan active", names))
    (folder / "contract.json").write_text(TINY_CONTRACT)
    return folder


def test_features_in_another_order_are_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "plan age active")

    with pytest.raises(CallerError, match="feature 1 of the model is 'plan', the contract says 'age'"):
        load_model_folder(folder, threads=1, expected_fingerprint=None)


def test_underlines_may_stand_for_spaces(tmp_path: Path) -> None:
    """[ran] LightGBM replaces the spaces in names."""
    folder = folder_with(tmp_path, "age the_plan active")
    contract = folder / "contract.json"
    contract.write_text(TINY_CONTRACT.replace("plan", "the plan"))

    load_model_folder(folder, threads=1, expected_fingerprint=None)


def test_categories_in_another_order_are_refused(tmp_path: Path) -> None:
    """The codes of a pandas frame are in its order; the scores would be silently wrong."""
    folder = folder_with(tmp_path, "age plan active")
    model = folder / "model.txt"
    model.write_text(model.read_text().replace("categorical:null", 'categorical:[["plus", "basic", "pro"]]'))

    with pytest.raises(CallerError, match=r"categories plus, basic, pro, in this order; .* 'plan'"):
        load_model_folder(folder, threads=1, expected_fingerprint=None)


@pytest.mark.parametrize("kept", [0, 4, 5, 100, 300, 400, 800, 1150])
def test_a_model_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    """[ran] LightGBM 4.7.0 ends the whole process on such a text."""
    path = make_tiny_lightgbm(tmp_path / "model.txt")
    content = path.read_bytes()
    assert kept < content.index(b"end of trees")
    path.write_bytes(content[:kept])

    with pytest.raises(CallerError, match=r"is no whole LightGBM model: .* save it anew"):
        load_scorer(path, threads=1)


@pytest.mark.parametrize(
    ("pattern", "damaged", "reason"),
    [
        ("split_feature=1", "split_feature=7", "tree 1: split_feature has another length, or points outside"),
        ("left_child=-1", "left_child=-3", "tree 0: left_child"),
        ("left_child=-1", "left_child=+0", "tree 0: left_child"),
        ("num_leaves=2", "num_leaves=9", "tree 0: leaf_value"),
        ("num_leaves=2", "num_leaves=x", "tree 0: num_leaves has something else than numbers"),
        ("decision_type=10", "decision_type=11", "tree 0: threshold"),
        ("leaf_value", "leaf_xalue", "tree 0: has no leaf_value"),
        ("leaf_weight=1 1", "leaf_weight=1x1", "tree 0: leaf_weight has something else than numbers"),
        ("internal_count=2", "internal_count=22", "'end of trees' is not where the header says"),
        ("leaf_value=1.5", "leaf_value=inf", "tree 0: leaf_value"),
        ("threshold=29.75", "threshold=nan  ", "tree 0: threshold"),
        ("split_gain=1", "split_gain01", "tree 0: has a line without '='"),
        ("null", "null\n\nparameters:\n[odd 1]\n", "is no '[name: value]'"),
        ("Tree=0", "Tree=5", "tree 0 does not begin where the header says"),
        ("max_feature_idx", "max_xeature_idx", "has no max_feature_idx"),
        ("end of trees", "end of", "'end of trees' is not where the header says"),
    ],
)
def test_an_index_that_points_outside_is_found_before_lightgbm_follows_it(
    tmp_path: Path, pattern: str, damaged: str, reason: str
) -> None:
    path = make_tiny_lightgbm(tmp_path / "model.txt")
    path.write_text(path.read_text().replace(pattern, damaged, 1))

    with pytest.raises(CallerError, match=re.escape(reason)):
        check_model_text(path)


@pytest.mark.parametrize("last_line", ["pandas_categorical:[", "pandas_categorical:\udcff"])
def test_a_last_line_that_is_no_json_is_refused(tmp_path: Path, last_line: str) -> None:
    path = make_tiny_lightgbm(tmp_path / "model.txt")
    text = path.read_text().replace("pandas_categorical:null", last_line)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(CallerError, match="LightGBM cannot use this model"):
        load_scorer(path, threads=1)


def test_a_threshold_may_be_infinite(tmp_path: Path) -> None:
    """[ran] LightGBM 4.7.0 trains such a split where only missing values go right."""
    path = make_tiny_lightgbm(tmp_path / "model.txt")
    path.write_text(path.read_text().replace("threshold=29.75", "threshold=inf  "))
    expected = lightgbm.Booster(model_file=path).predict(NUMBERS[:, :3])

    np.testing.assert_array_equal(load_scorer(path, threads=1).score(NUMBERS[:, :3]).values, expected)


class Printing:
    """What LightGBM does with its messages by itself."""

    info = warning = staticmethod(print)


def test_what_lightgbm_has_to_say_stays_out_of_the_request_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """[ran] It writes warnings to standard output."""
    path = make_tiny_lightgbm(tmp_path / "model.txt")
    remark = "end of trees\n\nparameters:\n[odd: 1]\nend of parameters\n"
    path.write_text(path.read_text().replace("end of trees\n", remark))
    lightgbm.register_logger(Printing())
    trained(tmp_path / "other.txt", rounds=1, verbosity=1)  # training sets it for the whole process
    assert capsys.readouterr().out

    load_scorer(path, threads=1)

    assert capsys.readouterr().out == ""
    assert "Ignoring unrecognized parameter 'odd'" in caplog.text
