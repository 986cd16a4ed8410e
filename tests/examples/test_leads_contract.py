"""The leads example's contract is a Table Schema that other tools read too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from frictionless import Resource, Schema

from examples.leads import data


@pytest.fixture(scope="module")
def table_schema() -> dict[str, Any]:
    document = yaml.safe_load(data.CONTRACT_PATH.read_bytes())
    return {key: document[key] for key in ("fields", "primaryKey", "missingValues")}


def test_the_model_reads_everything_but_id_label_and_premium() -> None:
    """What a sale would bring is for the action list, not for the model."""
    contract = data.leads_contract()
    assert contract.features == tuple(data.PUBLISHED_NAMES)
    assert (contract.id_field, contract.label, contract.positive_label) == (data.ID, data.LABEL, "Yes")
    value = contract.report.action_list.value
    assert value is not None
    assert value.field == data.PREMIUM


def test_every_field_is_described() -> None:
    """The premium says that it is assumed, the label for whom it is empty."""
    contract = data.leads_contract()
    assert [field.name for field in contract.fields if not field.description] == []
    assert "Assumed by this example" in contract.field(data.PREMIUM).description
    assert "Empty for households that the model was trained on" in contract.field(data.LABEL).description


def test_categories_are_the_words_that_the_data_use() -> None:
    """In the order of the published numbers."""
    declared = {field.name: field.categories for field in data.leads_contract().fields if field.categories}
    assert declared == data.WORDS


def test_another_validator_finds_the_same_faulty_lines(table_schema: dict[str, Any], tmp_path: Any) -> None:
    """But for the unseen type, which is no rule of a Table Schema."""
    data.write_households(tmp_path / "households.csv")
    resource = Resource(
        path="households.csv", basepath=str(tmp_path), schema=Schema.from_descriptor(table_schema)
    )
    errors = {tuple(error) for error in resource.validate().flatten(["rowNumber", "fieldName", "type"])}
    first = 5824  # the header is row 1
    assert {(row, name) for row, name, _ in errors if name} == {
        (first, "customer_type"),
        (first + 1, "household_size"),
        (first + 2, "car_class"),
        (first + 4, data.ID),
        (first + 5, data.ID),
    }
