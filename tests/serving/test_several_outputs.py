"""Models with several outputs answer all, or the largest, in every format; other numbers are refused."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import lightgbm
import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression
from tiny_model import PLAN_TERMS, TINY_CONTRACT
from tiny_other_models import make_tiny_lightgbm
from tiny_outputs import (
    LARGEST_CONTRACT,
    OUTPUTS_CONTRACT,
    make_tiny_outputs,
    make_tiny_outputs_folder,
    tiny_outputs,
)

from contracts.dataset import ModelOutputs
from contracts.errors import CallerError
from serving import scorer as scorer_module
from serving.invocation import answer_payload, codecs_for
from serving.model_folder import load_model_folder
from serving.scorer import Scorer, load_scorer

pytestmark = pytest.mark.functional

GENERATOR = np.random.default_rng(7)
NUMBERS = GENERATOR.normal(size=(60, 3)).astype(np.float32)
CLASSES = GENERATOR.integers(0, 3, 60)
TARGETS = np.column_stack([NUMBERS[:, 0], NUMBERS[:, 1] * 2])
NAMES = ["model.json", "model.ubj", "model.txt", "model.onnx"]
THREE = ModelOutputs(count=3)


def tiny_records() -> list[tuple[int | None, str | None, bool | None]]:
    """All ages around the split, all plans, active or not, and each value missing."""
    return list(itertools.product((None, 0, 29, 30, 31), (None, *PLAN_TERMS), (None, False, True)))


def tiny_vectors() -> np.ndarray:
    codes = {None: np.nan, **{plan: code for code, plan in enumerate(PLAN_TERMS)}}
    numbers = [
        [np.nan if age is None else age, codes[plan], np.nan if on is None else on]
        for age, plan, on in tiny_records()
    ]
    return np.array(numbers, dtype=np.float32)


def served(folder: Path, name: str, contract: str = OUTPUTS_CONTRACT) -> Scorer:
    make_tiny_outputs_folder(folder, name, contract)
    return load_model_folder(folder, threads=1, expected_fingerprint=None).scorer


@pytest.mark.parametrize("name", NAMES)
def test_every_record_gets_all_outputs_in_the_models_order(tmp_path: Path, name: str) -> None:
    scores = served(tmp_path, name).score(tiny_vectors())

    assert scores.values.tolist() == [tiny_outputs(*record) for record in tiny_records()]
    assert scores.values.dtype == np.float64
    assert (scores.faults, scores.top) == ({}, None)


@pytest.mark.parametrize("name", NAMES)
def test_only_the_largest_are_kept_if_the_contract_says_so(tmp_path: Path, name: str) -> None:
    scores = served(tmp_path, name, LARGEST_CONTRACT).score(tiny_vectors())

    assert scores.values.tolist() == [tiny_outputs(*record)[:0:-1] for record in tiny_records()]
    assert scores.top is not None
    assert scores.top.tolist() == [[2, 1]] * len(tiny_records())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("contract", "kept"), [(OUTPUTS_CONTRACT, 3), (LARGEST_CONTRACT, 2)])
def test_no_records_get_no_outputs_and_one_gets_its_own(
    tmp_path: Path, name: str, contract: str, kept: int
) -> None:
    scorer = served(tmp_path, name, contract)

    assert scorer.score(np.empty((0, 3), np.float32)).values.shape == (0, kept)
    assert scorer.score(np.array([[31, 2, 1]], np.float32)).values.shape == (1, kept)


class Mirror:
    """A model whose outputs are the features."""

    feature_count = 3
    feature_names = category_orders = ()
    description = "mirror"

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the vectors."""
        return vectors


def test_of_equal_outputs_the_models_order_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever portions they are scored."""
    monkeypatch.setattr(scorer_module, "SCORED_AT_ONCE", 5)
    scorer = Scorer(Mirror(), ModelOutputs(count=3, top_k=2))

    scores = scorer.score(np.array([[1, 2, 2], [0.0, -0.0, -1], [3, 3, 3], [-1, 5, 1]], np.float32))

    assert scores.top is not None
    assert scores.top.tolist() == [[1, 2], [0, 1], [0, 1], [1, 2]]
    assert scores.values.tolist() == [[2, 2], [0, 0], [3, 3], [5, 1]]


@pytest.mark.parametrize("max_searches", [0, 50])
@given(st.data(), st.integers(1, 8), st.integers(0, 20))
def test_the_largest_are_those_of_a_stable_sort(
    max_searches: int, data: st.DataObject, width: int, height: int
) -> None:
    """With many equal values, and rows of NaN, whose order means nothing."""
    top_k = data.draw(st.integers(1, width))
    values = np.random.default_rng(data.draw(st.integers(0, 2**32))).integers(-2, 3, (height, width)) * 0.5
    expected = np.argsort(-values, axis=1, kind="stable")[:, :top_k]
    with_gap = np.vstack([values, np.full((1, width), np.nan)])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scorer_module, "MAX_SEARCHES", max_searches)
        found = scorer_module._largest(with_gap, top_k)

    assert found[:-1].tolist() == expected.tolist()


@pytest.mark.parametrize("top_k", [None, 1])
def test_a_record_with_one_output_that_is_not_finite_is_a_fault(top_k: int | None) -> None:
    outputs = ModelOutputs(count=3, names=("a", "b", "c"), top_k=top_k)
    vectors = np.array([[1, 2, 3], [1, np.nan, 3], [1, np.inf, 3]], np.float32)

    scores = Scorer(Mirror(), outputs).score(vectors)

    assert dict(scores.faults) == {
        1: "output b: the score is nan which is no finite number; a feature is missing",
        2: "a feature is too large for a 32-bit float",
    }
    assert np.isnan(scores.values[1:]).all()
    assert np.isfinite(scores.values[0]).all()


@pytest.mark.parametrize("name", NAMES)
def test_another_number_of_outputs_is_refused_with_the_line_to_write(tmp_path: Path, name: str) -> None:
    has = "model has 3 outputs for each record, the contract says"
    for contract, said in ((TINY_CONTRACT, 1), (f"{TINY_CONTRACT}  outputs: 4\n", 4)):
        with pytest.raises(CallerError, match=f"{name}: the {has} {said}; write `outputs: 3` below its"):
            served(tmp_path, name, contract)


@pytest.mark.parametrize("name", NAMES)
def test_the_line_to_write_keeps_a_type(tmp_path: Path, name: str) -> None:
    contract = f"{TINY_CONTRACT}  outputs: {{count: 4, type: float32}}\n"
    with pytest.raises(CallerError, match=r"says 4; write .* \(`{count: 3, type: …}` where it has a type\)"):
        served(tmp_path, name, contract)


def test_one_output_is_not_taken_for_several(tmp_path: Path) -> None:
    path = make_tiny_lightgbm(tmp_path / "model.txt")

    with pytest.raises(
        CallerError, match="has 1 output for each record, the contract says 3; leave `outputs`"
    ):
        load_scorer(path, threads=1, outputs=THREE)


def test_classes_of_xgboost_are_its_own_probabilities(tmp_path: Path) -> None:
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3, "nthread": 1}, xgboost.DMatrix(NUMBERS, CLASSES), 3
    )
    booster.save_model(tmp_path / "model.ubj")

    values = load_scorer(tmp_path / "model.ubj", threads=1, outputs=THREE).score(NUMBERS).values

    np.testing.assert_array_equal(values, booster.predict(xgboost.DMatrix(NUMBERS)).astype(np.float64))


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_classes_of_lightgbm_are_its_own_probabilities(tmp_path: Path, objective: str) -> None:
    settings = {"objective": objective, "num_class": 3, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(NUMBERS, CLASSES), 3)
    booster.save_model(tmp_path / "model.txt")

    values = load_scorer(tmp_path / "model.txt", threads=1, outputs=THREE).score(NUMBERS).values

    np.testing.assert_array_equal(values, booster.predict(NUMBERS))


def exported(path: Path, model: object, **options: object) -> Path:
    path.write_bytes(to_onnx(model, NUMBERS[:1], target_opset=17, **options).SerializeToString())
    return path


@pytest.mark.parametrize("class_count", [2, 3])
def test_a_classifier_in_onnx_has_an_output_for_each_class(tmp_path: Path, class_count: int) -> None:
    """Of two classes too, if the contract says two outputs."""
    model = LogisticRegression().fit(NUMBERS, CLASSES % class_count)
    path = exported(tmp_path / "model.onnx", model, options={"zipmap": False})

    values = load_scorer(path, threads=1, outputs=ModelOutputs(count=class_count)).score(NUMBERS).values

    np.testing.assert_allclose(values, model.predict_proba(NUMBERS), rtol=1e-4, atol=1e-6)


def test_a_classifier_with_a_list_of_maps_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path / "model.onnx", LogisticRegression().fit(NUMBERS, CLASSES))

    with pytest.raises(CallerError, match=r"probabilities as a list of maps \(ZipMap\); export it with"):
        load_scorer(path, threads=1, outputs=THREE)


def test_a_regression_in_onnx_has_an_output_for_each_target(tmp_path: Path) -> None:
    model = LinearRegression().fit(NUMBERS, TARGETS)
    path = exported(tmp_path / "model.onnx", model)

    values = load_scorer(path, threads=1, outputs=ModelOutputs(count=2)).score(NUMBERS).values

    np.testing.assert_allclose(values, model.predict(NUMBERS), rtol=1e-4, atol=1e-5)


def test_trees_with_several_numbers_in_a_leaf_are_refused(tmp_path: Path) -> None:
    """[ran] Damaged ones end XGBoost 3.2's process."""
    settings = {"multi_strategy": "multi_output_tree", "tree_method": "hist", "nthread": 1}
    xgboost.train(settings, xgboost.DMatrix(NUMBERS, TARGETS), 2).save_model(tmp_path / "model.json")

    with pytest.raises(CallerError, match="train with multi_strategy='one_output_per_tree'"):
        load_scorer(tmp_path / "model.json", threads=1, outputs=ModelOutputs(count=2))


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
@pytest.mark.parametrize("place", [3, -1, 7_000_000])
def test_a_tree_that_adds_to_an_output_that_is_not_there_is_refused(
    tmp_path: Path, name: str, place: int
) -> None:
    """[ran] XGBoost 3.2 writes into other memory, or ends the process."""
    model = json.loads(make_tiny_outputs(tmp_path / "model.json").read_bytes())
    model["learner"]["gradient_booster"]["model"]["tree_info"][1] = place
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(model).encode()))
    booster.save_model(tmp_path / name)

    with pytest.raises(CallerError, match=r"a tree adds to an output that is not there \(there are 3\)"):
        load_scorer(tmp_path / name, threads=1, outputs=THREE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("num_class=3", "num_class=5"),
        ("num_class=3", "num_class=1"),
        ("num_tree_per_iteration=3", "num_tree_per_iteration=5"),
        ("num_tree_per_iteration=3", "num_tree_per_iteration=1"),
        ("feature_names", "objective=multiclass num_class:3000000\nfeature_names"),
        ("feature_names", "objective=regression\nfeature_names"),
    ],
)
def test_numbers_of_outputs_that_differ_are_refused(tmp_path: Path, old: str, new: str) -> None:
    """[ran] LightGBM 4.7 reads and writes other memory."""
    path = make_tiny_outputs(tmp_path / "model.txt")
    path.write_text(path.read_text().replace(old, new, 1))

    with pytest.raises(CallerError, match="do not say the same number of outputs"):
        load_scorer(path, threads=1, outputs=THREE)


def test_trees_that_cannot_be_shared_out_are_refused(tmp_path: Path) -> None:
    path = make_tiny_outputs(tmp_path / "model.txt")
    text = path.read_text()
    for key in ("num_class", "num_tree_per_iteration"):
        text = text.replace(f"{key}=3", f"{key}=4")
    path.write_text(text)

    with pytest.raises(CallerError, match="6 trees cannot be shared out evenly among 4 outputs"):
        load_scorer(path, threads=1, outputs=ModelOutputs(count=4))


def test_a_line_that_cannot_be_read_is_a_fault_beside_the_outputs_of_others(tmp_path: Path) -> None:
    make_tiny_outputs_folder(tmp_path, "model.json", LARGEST_CONTRACT)
    model = load_model_folder(tmp_path, threads=1, expected_fingerprint=None)

    answer = answer_payload(b"31,2,1\noops,1,2\n", codecs_for(model.contract)["text/csv"], model.scorer)

    assert (answer.record_count, answer.fault_count) == (2, 1)
    assert answer.body == b"2:200 1:30\nerror: feature age is 'oops'; expected a number or nothing\n"
