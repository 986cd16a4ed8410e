"""The example's contract is a Table Schema that other tools read too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from frictionless import Resource, Schema

from examples.churn import data


@pytest.fixture(scope="module")
def table_schema() -> dict[str, Any]:
    document = yaml.safe_load(data.CONTRACT_PATH.read_bytes())
    return {key: document[key] for key in ("fields", "primaryKey", "missingValues")}


def test_the_project_reads_it() -> None:
    """Label, id and nineteen features."""
    contract = data.churn_contract()
    assert (contract.id_field, contract.label, contract.positive_label) == ("customer_id", "churn", "Yes")
    assert len(contract.features) == 19
    assert contract.field("total_charges").constraints.required


def test_every_field_is_described() -> None:
    """The label says for whom it is empty."""
    contract = data.churn_contract()
    assert [field.name for field in contract.fields if not field.description] == []
    assert "Empty for customers that the model was trained on" in contract.field("churn").description


def test_categories_are_exactly_the_published_ones() -> None:
    """No value of a real customer is unseen, and no code is spent on one that never comes."""
    real = data.real_customers()
    declared = {
        field.name: sorted(field.categories) for field in data.churn_contract().fields if field.categories
    }
    assert declared == {name: sorted(real[name].unique().to_pylist()) for name in declared}
    assert len(declared) == 10


def test_frictionless_reads_the_table_schema(table_schema: dict[str, Any]) -> None:
    """An independent reader of the same standard finds the same fields."""
    schema = Schema.from_descriptor(table_schema)
    assert schema.field_names == [field.name for field in data.churn_contract().fields]
    assert schema.primary_key == ["customer_id"]


def test_frictionless_finds_the_eleven_faulty_customers(table_schema: dict[str, Any], tmp_path: Any) -> None:
    """An independent validator holds back the same records as this project should."""
    data.write_customers(tmp_path / "customers.csv")
    resource = Resource(
        path="customers.csv", basepath=str(tmp_path), schema=Schema.from_descriptor(table_schema)
    )
    errors = resource.validate().flatten(["fieldName", "type"])
    assert errors == [["total_charges", "constraint-error"]] * 11
