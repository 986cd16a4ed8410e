"""An ONNX model answers what its maker answers, to 32-bit floats; shapes that could mislead are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from tiny_other_models import make_tiny_onnx, write_onnx

from contracts.errors import CallerError
from serving.scorer import load_scorer

pytestmark = [
    pytest.mark.functional,
    # skl2onnx 1.20 hands a truth value on where protobuf 6.33 expects a number.
    pytest.mark.filterwarnings("ignore:Field onnx.AttributeProto.ints:DeprecationWarning"),
]

GENERATOR = np.random.default_rng(7)
NUMBERS = GENERATOR.normal(size=(300, 3)).astype(np.float32)
IS_POSITIVE = (NUMBERS[:, 0] + 0.1 * NUMBERS[:, 1] > 0).astype(int)
RECORD_WITH_A_GAP = np.array([[np.nan, 1, 1]], np.float32)


def exported(path: Path, model: object, **options: object) -> Path:
    content = to_onnx(model, NUMBERS[:1], options=options or None).SerializeToString()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", [LogisticRegression, HistGradientBoostingClassifier])
def test_a_binary_classifier_scores_the_probability_of_its_second_class(tmp_path: Path, kind: type) -> None:
    model = kind().fit(NUMBERS, IS_POSITIVE)
    path = exported(tmp_path / "model.onnx", model, zipmap=False)

    scores = load_scorer(path, threads=1).score(NUMBERS)

    np.testing.assert_allclose(scores.values, model.predict_proba(NUMBERS)[:, 1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", [LinearRegression(), RandomForestRegressor(5, random_state=7)])
def test_a_regression_scores_its_value(tmp_path: Path, model: LinearRegression) -> None:
    model.fit(NUMBERS, NUMBERS[:, 0] * 3)
    path = exported(tmp_path / "model.onnx", model)

    scores = load_scorer(path, threads=1).score(NUMBERS)

    np.testing.assert_allclose(scores.values, model.predict(NUMBERS), rtol=1e-5, atol=1e-5)


def test_arithmetic_on_a_missing_value_is_an_error_of_its_record(tmp_path: Path) -> None:
    path = exported(tmp_path / "model.onnx", LinearRegression().fit(NUMBERS, NUMBERS[:, 0]))

    scores = load_scorer(path, threads=1).score(np.vstack([RECORD_WITH_A_GAP, NUMBERS[:1]]))

    assert dict(scores.faults) == {0: "the score is nan which is no finite number; a feature is missing"}
    assert np.isfinite(scores.values[1])


def test_an_imputer_in_the_graph_replaces_a_missing_value(tmp_path: Path) -> None:
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(NUMBERS, NUMBERS[:, 0])
    path = exported(tmp_path / "model.onnx", model)

    scores = load_scorer(path, threads=1).score(RECORD_WITH_A_GAP)

    np.testing.assert_allclose(scores.values, model.predict(RECORD_WITH_A_GAP), rtol=1e-4, atol=1e-6)


def test_trees_send_a_missing_value_where_their_maker_does(tmp_path: Path) -> None:
    """Gradient boosting of histograms learns where; the exporter writes it down."""
    gaps = np.where(GENERATOR.random(NUMBERS.shape) < 0.2, np.nan, NUMBERS).astype(np.float32)
    model = HistGradientBoostingClassifier(max_iter=5).fit(gaps, IS_POSITIVE)
    path = exported(tmp_path / "model.onnx", model, zipmap=False)

    scores = load_scorer(path, threads=1).score(gaps)

    np.testing.assert_allclose(scores.values, model.predict_proba(gaps)[:, 1], rtol=1e-5, atol=1e-6)


def refusal(path: Path) -> str:
    with pytest.raises(CallerError) as caught:
        load_scorer(path, threads=1)
    return str(caught.value)


def test_a_zip_map_is_refused_with_the_option_that_leaves_it_out(tmp_path: Path) -> None:
    path = exported(tmp_path / "model.onnx", LogisticRegression().fit(NUMBERS, IS_POSITIVE))

    assert "export it with options={'zipmap': False}" in refusal(path)


def test_several_classes_are_refused(tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, GENERATOR.integers(0, 4, 300))
    path = exported(tmp_path / "model.onnx", model, zipmap=False)

    assert "has 4 outputs for each record, the contract says 1" in refusal(path)


def test_two_numbers_without_labels_are_not_taken_for_probabilities(tmp_path: Path) -> None:
    """They may as well be two targets."""
    model = LinearRegression().fit(NUMBERS, NUMBERS[:, :2])
    path = exported(tmp_path / "model.onnx", model)

    assert "has 2 outputs for each record, the contract says 1" in refusal(path)


SUM = helper.make_node("ReduceSum", ["X"], ["score"], keepdims=1, noop_with_empty_axes=0)
SAME = helper.make_node("Identity", ["X"], ["score"])


@pytest.mark.parametrize("shape", [[1, 3], [None, None], [None], [None, 3, 1]])
def test_an_input_that_is_no_list_of_vectors_is_refused(tmp_path: Path, shape: list[int | None]) -> None:
    """A fixed number of records, an unknown number of features, another rank."""
    path = write_onnx(tmp_path / "model.onnx", [SAME], inputs={"X": shape}, outputs={"score": shape})

    assert "expected exactly one, of the type tensor(float) and the shape" in refusal(path)


def test_an_input_of_64_bit_floats_is_refused(tmp_path: Path) -> None:
    path = write_onnx(
        tmp_path / "model.onnx",
        [SAME],
        inputs={"X": [None, 3]},
        outputs={"score": [None, 3]},
        kinds={"X": TensorProto.DOUBLE, "score": TensorProto.DOUBLE},
    )

    assert "X: tensor(double)" in refusal(path)


def test_several_inputs_are_refused(tmp_path: Path) -> None:
    """One a column, as some exporters write them."""
    node = helper.make_node("Add", ["X", "Y"], ["score"])
    shapes: dict[str, list[int | None]] = {"X": [None, 1], "Y": [None, 1]}
    path = write_onnx(tmp_path / "model.onnx", [node], inputs=shapes, outputs={"score": [None, 1]})

    assert "the model's inputs are X: tensor(float)" in refusal(path)


def test_an_answer_with_labels_only_is_refused(tmp_path: Path) -> None:
    """A class is no score."""
    node = helper.make_node("ArgMax", ["X"], ["label"], axis=1, keepdims=0)
    path = write_onnx(
        tmp_path / "model.onnx",
        [node],
        inputs={"X": [None, 3]},
        outputs={"label": [None]},
        kinds={"label": TensorProto.INT64},
    )

    assert "expected exactly one tensor of floats" in refusal(path)


def test_one_number_for_the_whole_payload_is_refused(tmp_path: Path) -> None:
    path = write_onnx(
        tmp_path / "model.onnx", [SUM], inputs={"X": [None, 3]}, outputs={"score": [None, None]}
    )

    assert "answers 3 records with a tensor of the shape [1, 1]" in refusal(path)


@pytest.mark.parametrize("damage", [b"", b"\x08", b"\x08\x08 no model"])
def test_what_is_no_model_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(damage)

    assert "cannot use this model" in refusal(tmp_path / "model.onnx")


def test_a_model_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = make_tiny_onnx(tmp_path / "model.onnx")
    path.write_bytes(path.read_bytes()[:-50])

    assert "cannot use this model" in refusal(path)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    """[ran] Given a path, onnxruntime 1.23.2 reads weights from any file that the model names."""
    (tmp_path / "weights.bin").write_bytes(np.ones((3, 1), np.float32).tobytes())
    weights = TensorProto(
        name="W", data_type=TensorProto.FLOAT, dims=[3, 1], data_location=TensorProto.EXTERNAL
    )
    weights.external_data.add(key="location", value="../weights.bin")
    path = write_onnx(
        tmp_path / "model" / "model.onnx",
        [helper.make_node("MatMul", ["X", "W"], ["score"])],
        inputs={"X": [None, 3]},
        outputs={"score": [None, 1]},
        weights=[weights],
    )

    assert "cannot use this model" in refusal(path)
