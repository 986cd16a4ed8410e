"""A model of each format goes the whole way: packaged, registered, served, published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_customers import SCORES, TinyBusiness, published
from tiny_other_models import make_tiny_lightgbm, make_tiny_onnx

from contracts.errors import BatchScoreError
from runner.local_run import RunOptions
from runner.package import package_model

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    return TinyBusiness(tmp_path_factory.mktemp("formats"))


@pytest.mark.parametrize("wire", ["parquet", "csv"])
@pytest.mark.parametrize(("name", "make"), [("a.txt", make_tiny_lightgbm), ("b.ONNX", make_tiny_onnx)])
def test_every_customer_gets_the_score_that_adds_up(
    business: TinyBusiness, name: str, make: Callable[[Path], Path], wire: str
) -> None:
    """The XGBoost formats are what the other tests run with."""
    package_model(make(business.folder / name), business.contract, business.model)

    results = business.run(RunOptions(wire=wire, parameters={"MaxQuarantineFraction": "0.25"}))

    scores = published(results)
    assert scores.column("customer_id").to_pylist() == list(SCORES)
    assert scores.column("score").to_pylist() == list(SCORES.values())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("m.pkl", b"\x80\x04", "/m.pkl: may hold a pickle"),
        ("m.onnx", b"PK\x03\x04", "/m.onnx: is a zip archive, as PyTorch and Keras write them"),
        ("m.bst", b"binf", "/m.bst: may be an XGBoost model in the old binary form"),
        ("m.bin", b"", r"ends in '\.bin'; taken are XGBoost JSON \(\.json\)"),
        ("m.txt", b"tree\nversion=v4\n", "/m.txt: is no whole LightGBM model"),
        ("m.onnx", b"\x08\x08", "/m.onnx: onnxruntime .* cannot use this model"),
    ],
)
def test_another_file_is_not_packaged(
    business: TinyBusiness, name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    """Of whatever it is; the message names the file that was given, and nothing is written."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BatchScoreError, match=reason):
        package_model(tmp_path / name, business.contract, tmp_path / "model.tar.gz")

    assert not (tmp_path / "model.tar.gz").exists()
