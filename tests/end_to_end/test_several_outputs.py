"""A model with several outputs goes the whole way: packaged, registered, served, published, reported."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost
from tiny_customers import SCORES, TinyBusiness
from tiny_formats import valid_customers
from tiny_model import TINY_CONTRACT
from tiny_outputs import LARGEST_CONTRACT, OUTPUT_NAMES, OUTPUTS_CONTRACT, make_tiny_outputs, tiny_outputs

from contracts.contract_file import read_contract
from contracts.encoding import encode
from contracts.errors import BatchScoreError, CallerError
from contracts.wire import WIRE_FORMATS
from runner.local_run import RunOptions
from runner.package import package_model
from runner.results import RunResults
from runner.scores_head import head

pytestmark = pytest.mark.end_to_end

EXPECTED = [
    tiny_outputs(customer["age"], customer["plan"], customer["active"]) for customer in valid_customers()
]
OPTIONS = {"MaxQuarantineFraction": "0.25"}


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    return TinyBusiness(tmp_path_factory.mktemp("outputs"))


def run(business: TinyBusiness, contract: str, model: Path, **options: Any) -> RunResults:
    business.contract.write_text(contract)
    package_model(model, business.contract, business.model)
    parameters = OPTIONS | options.pop("parameters", {})
    return business.run(RunOptions(parameters=parameters, **options))


def rows(results: RunResults) -> list[dict[str, Any]]:
    assert results.scores is not None
    found: list[dict[str, Any]] = []
    for path in sorted(results.scores.glob("part-*")):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as stream:
                found += csv.DictReader(stream)
        else:
            found += pq.read_table(path).to_pylist()
    return found


@pytest.mark.parametrize("wire", WIRE_FORMATS)
def test_every_customer_gets_all_outputs_on_every_wire(business: TinyBusiness, wire: str) -> None:
    model = make_tiny_outputs(business.folder / "outputs.json")

    found = rows(run(business, OUTPUTS_CONTRACT, model, wire=wire))

    assert [one["customer_id"] for one in found] == list(SCORES)
    assert [one["score"] for one in found] == EXPECTED
    assert all(one["error"] is None for one in found)


@pytest.mark.parametrize("wire", ["csv", "jsonlines"])
def test_every_customer_gets_the_largest_with_their_names(business: TinyBusiness, wire: str) -> None:
    model = make_tiny_outputs(business.folder / "outputs.txt")

    found = rows(run(business, LARGEST_CONTRACT, model, wire=wire))

    assert [one["score"] for one in found] == [outputs[:0:-1] for outputs in EXPECTED]
    assert {tuple(one["top"]) for one in found} == {("active_term", "plan_term")}


def test_csv_has_a_column_for_each_output_and_can_be_shown(business: TinyBusiness) -> None:
    model = make_tiny_outputs(business.folder / "outputs.onnx")

    results = run(business, OUTPUTS_CONTRACT, model, parameters={"OutputFormat": "csv"})

    columns = [f"score_{name}" for name in OUTPUT_NAMES]
    assert [[float(one[name]) for name in columns] for one in rows(results)] == EXPECTED
    assert head(results, 1).column_names[:4] == ["customer_id", *columns]
    assert results.report is not None
    assert "Which output is the largest" in results.report.read_text()


def test_three_classes_have_the_probabilities_of_the_model(business: TinyBusiness) -> None:
    """As XGBoost gives them for the same vectors."""
    contract = f"{TINY_CONTRACT}  outputs: [stays, leaves, returns]\n"
    business.contract.write_text(contract)
    vectors = encode(pa.Table.from_pylist(valid_customers()), read_contract(business.contract))
    data = xgboost.DMatrix(vectors, [number % 3 for number in range(len(vectors))])
    settings = {"objective": "multi:softprob", "num_class": 3, "nthread": 1, "min_child_weight": 0}
    booster = xgboost.train(settings, data, 4)
    booster.save_model(business.folder / "classes.ubj")

    found = rows(run(business, contract, business.folder / "classes.ubj", wire="csv"))

    assert [one["score"] for one in found] == booster.predict(data).astype("float64").tolist()


def test_a_model_of_another_number_of_outputs_is_not_packaged(business: TinyBusiness, tmp_path: Path) -> None:
    model = make_tiny_outputs(tmp_path / "outputs.ubj")
    business.contract.write_text(TINY_CONTRACT)

    with pytest.raises(
        BatchScoreError,
        match=r"outputs\.ubj: the model has 3 outputs for each record, the contract says 1; write",
    ):
        package_model(model, business.contract, tmp_path / "model.tar.gz")

    assert not (tmp_path / "model.tar.gz").exists()


def test_a_contract_of_other_outputs_than_the_models_starts_no_run(business: TinyBusiness) -> None:
    business.contract.write_text(OUTPUTS_CONTRACT)
    package_model(make_tiny_outputs(business.folder / "outputs.json"), business.contract, business.model)
    business.contract.write_text(LARGEST_CONTRACT)

    with pytest.raises(CallerError, match="use the contract that the model was trained under"):
        business.run(RunOptions(parameters=OPTIONS))


def test_a_kept_column_called_like_an_output_starts_no_run(business: TinyBusiness) -> None:
    contract = OUTPUTS_CONTRACT.replace("fields:\n", "fields:\n  - {name: score_plan_term, type: number}\n")

    with pytest.raises(CallerError, match="'score_plan_term' is also a published column"):
        run(
            business,
            contract,
            make_tiny_outputs(business.folder / "outputs.json"),
            parameters={"KeepColumns": "score_plan_term"},
        )
