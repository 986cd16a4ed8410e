"""What holds for a model of every format."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tiny_model import PLAN_TERMS, TINY_CONTRACT, make_tiny_model, tiny_score
from tiny_other_models import make_tiny_lightgbm, make_tiny_onnx

from contracts.errors import CallerError
from contracts.model_formats import MODEL_FORMATS
from serving import scorer as scorer_module
from serving.model_folder import load_model_folder
from serving.scorer import Scorer, load_scorer

pytestmark = pytest.mark.functional

MAKERS: dict[str, Callable[[Path], Path]] = {
    "model.json": make_tiny_model,
    "model.ubj": make_tiny_model,
    "model.txt": make_tiny_lightgbm,
    "model.onnx": make_tiny_onnx,
}


@pytest.fixture(params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return an unpacked artifact with a model of each format."""
    MAKERS[request.param](tmp_path / request.param)
    (tmp_path / "contract.json").write_text(TINY_CONTRACT)
    return tmp_path


@pytest.fixture
def scorer(folder: Path) -> Scorer:
    return load_model_folder(folder, threads=1, expected_fingerprint=None).scorer


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


def test_every_format_is_tried_here() -> None:
    assert list(MAKERS) == [entry.file_name for entry in MODEL_FORMATS]
    assert {entry.suffix for entry in MODEL_FORMATS} == set(scorer_module._LOADERS["vector"])


def test_every_kind_of_record_scores_what_its_terms_add_up_to(scorer: Scorer) -> None:
    scores = scorer.score(tiny_vectors())

    assert scores.values.tolist() == [tiny_score(*record) for record in tiny_records()]
    assert scores.values.dtype == np.float64
    assert scores.faults == {}


def test_no_records_get_no_scores_and_one_gets_one(scorer: Scorer) -> None:
    assert scorer.score(np.empty((0, 3), np.float32)).values.shape == (0,)
    assert scorer.score(np.array([[31, 2, 1]], np.float32)).values.tolist() == [232.5]


def test_an_infinite_feature_is_a_fault_of_its_record_only(scorer: Scorer) -> None:
    scores = scorer.score(np.array([[np.inf, 0, 0], [31, 2, 1]], np.float32))

    assert dict(scores.faults) == {0: "a feature is too large for a 32-bit float"}
    assert scores.values[1] == 232.5


def test_requests_side_by_side_get_the_scores_that_they_get_alone(scorer: Scorer) -> None:
    """Threads of one process share the model."""
    payloads = [np.roll(np.tile(tiny_vectors(), (50, 1)), shift, axis=0) for shift in range(32)]
    alone = [scorer.score(vectors).values for vectors in payloads]

    with ThreadPoolExecutor(8) as executor:
        together = list(executor.map(lambda vectors: scorer.score(vectors).values, payloads))

    np.testing.assert_array_equal(alone, together)


def test_several_threads_for_a_payload_change_no_score(folder: Path, scorer: Scorer) -> None:
    vectors = np.tile(tiny_vectors(), (200, 1))
    several = load_model_folder(folder, threads=4, expected_fingerprint=None).scorer

    np.testing.assert_array_equal(several.score(vectors).values, scorer.score(vectors).values)


def test_another_number_of_features_is_refused(folder: Path) -> None:
    contract = folder / "contract.json"
    contract.write_text(TINY_CONTRACT.replace("[age, plan, active]", "[age, plan]"))

    with pytest.raises(CallerError, match=r"reads 3 features, the contract names 2 \(age, plan\)"):
        load_model_folder(folder, threads=1, expected_fingerprint=None)


def test_a_pickle_under_a_models_name_is_never_opened(folder: Path) -> None:
    """No library gets to see it."""
    (model,) = folder.glob("model.*")
    model.write_bytes(b"\x80\x04\x95 a pickle")

    with pytest.raises(CallerError, match="may hold a pickle, which runs code when it is read"):
        load_model_folder(folder, threads=1, expected_fingerprint=None)


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("model.txt", "lightgbm", "lightgbm"), ("model.onnx", "onnxruntime", "onnx")],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    name: str, library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = MAKERS[name](tmp_path / name)
    for module in (f"serving.{library.removesuffix('runtime')}_model", "serving.onnx_session"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(CallerError, match=rf"{library}.*pip install 'batchscore\[{extra}\]'"):
        load_scorer(path, threads=1)


def test_a_system_library_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[ran] LightGBM's wheel brings no OpenMP library along; slim images of Debian have none."""

    def fail(_name: str) -> None:
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(scorer_module.importlib, "import_module", fail)

    with pytest.raises(CallerError, match=r"libgomp\.so\.1.* and from the distribution libgomp1"):
        load_scorer(tmp_path / "model.txt", threads=1)
