"""A model that reads text goes the whole way: packaged with its tokenizer, served, published, reported."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tiny_customers import TinyBusiness, published
from tiny_text import MAX_TOKENS, TEXT_CONTRACT, make_text_model, make_tokenizer, tiny_vector

from contracts.data_profile import parse_profile
from contracts.errors import BatchScoreError, CallerError
from runner.local_run import RunOptions
from runner.package import package_model

pytestmark = pytest.mark.end_to_end

REVIEWS: dict[str, Any] = {
    "plain": "very good",
    "two lines": "bad\nbad",
    "cut": "good " * (MAX_TOKENS + 3),
    "marks": '"good", <b>very</b>',
    "no token": "   ",
    "missing": None,
    "too long": "good " * 60,
}
SCORED = ["plain", "two lines", "cut"]


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    """Return a business with reviews in the place of customers."""
    business = TinyBusiness(tmp_path_factory.mktemp("text"))
    business.contract.write_text(TEXT_CONTRACT)
    (business.source / "customers.csv").unlink()
    lines = [json.dumps({"id": name, "review": text}) for name, text in REVIEWS.items()]
    (business.source / "reviews.jsonl").write_text("\n".join(lines))
    make_text_model(business.folder / "model.onnx")
    make_tokenizer(business.folder / "tokenizer.json")
    package(business, business.model, baseline=business.source)
    return business


def package(business: TinyBusiness, out: Path, **more: Any) -> None:
    given = {"tokenizer": business.folder / "tokenizer.json", **more}
    package_model(business.folder / "model.onnx", business.contract, out, **given)


@pytest.mark.parametrize("wire", ["arrow", "parquet"])
def test_every_text_has_its_vector_its_error_or_its_reason(business: TinyBusiness, wire: str) -> None:
    results = business.run(RunOptions(wire=wire, parameters={"MaxQuarantineFraction": "0.5"}))

    assert results.counts == {"read": 7, "valid": 6, "quarantined": 1, "scored": 4, "unscorable": 2}
    scores = published(results)
    assert scores.schema.field("score").type == pa.list_(pa.field("element", pa.float32()), 2)
    rows = {row["id"]: row for row in scores.to_pylist()}
    assert [rows[name]["score"] for name in SCORED] == [tiny_vector(str(REVIEWS[name])) for name in SCORED]
    assert rows["no token"]["error"] == "the text has no token that the tokenizer knows"
    assert rows["missing"] == rows["no token"] | {"id": "missing", "error": "the text is missing"}
    assert rows["missing"]["score"] == [None, None]
    assert results.report is not None
    assert "<b>very</b>" not in results.report.read_text()


def test_a_text_that_goes_on_a_wire_of_vectors_starts_no_run(business: TinyBusiness) -> None:
    with pytest.raises(CallerError, match="wire format 'csv' carries vectors of numbers"):
        business.run(RunOptions(wire="csv"))


def test_an_artifact_holds_the_tokenizer_and_the_lengths_of_the_training_texts(
    business: TinyBusiness,
) -> None:
    with tarfile.open(business.model) as archive:
        assert archive.getnames() == ["baseline.json", "contract.json", "model.onnx", "tokenizer.json"]
        content = archive.extractfile("baseline.json")
        assert content is not None
        profile = parse_profile(content.read(), name="baseline.json")
    feature = profile.features["review"]
    assert (feature.record_count, feature.missing_count, feature.values) == (6, 1, {})


def test_a_tokenizer_that_is_missing_or_too_many_is_told(business: TinyBusiness, tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="says `modelInput: text`; add --tokenizer tokenizer"):
        package(business, tmp_path / "model.tar.gz", tokenizer=None)
    silent = tmp_path / "vector.yaml"
    number = TEXT_CONTRACT.replace(
        "review, type: string, constraints: {maxLength: 200}", "review, type: number"
    )
    silent.write_text(number.replace("  modelInput: text\n", ""))
    with pytest.raises(CallerError, match="says `modelInput: vector`; leave --tokenizer out"):
        package_model(
            business.folder / "model.onnx",
            silent,
            tmp_path / "model.tar.gz",
            tokenizer=business.folder / "tokenizer.json",
        )
    assert not (tmp_path / "model.tar.gz").exists()


def test_a_damaged_tokenizer_is_told_by_the_name_that_it_was_given_by(
    business: TinyBusiness, tmp_path: Path
) -> None:
    damaged = tmp_path / "words.json"
    damaged.write_text('{"model": {')

    with pytest.raises(BatchScoreError) as caught:
        package(business, tmp_path / "model.tar.gz", tokenizer=damaged)

    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{damaged}: is no tokenizer of Hugging Face's `tokenizers`: ")


def test_a_tokenizer_of_another_model_is_told_in_one_line(business: TinyBusiness, tmp_path: Path) -> None:
    """Also where a library has a word of its own to say: here the ids of the tokenizer are too large."""
    larger = json.loads((business.folder / "tokenizer.json").read_text())
    larger["model"]["vocab"]["more"] = 1000
    (tmp_path / "larger.json").write_text(json.dumps(larger))

    with pytest.raises(BatchScoreError) as caught:
        package(business, tmp_path / "model.tar.gz", tokenizer=tmp_path / "larger.json")

    assert str(caught.value).startswith(f"{business.folder / 'model.onnx'}: onnxruntime ")
    assert "\n" not in str(caught.value)
