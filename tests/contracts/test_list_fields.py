"""A field may be a list of texts, and one of them may say which outputs a record must not get."""

from __future__ import annotations

import pytest

from contracts.contract_file import parse_contract
from contracts.contract_outputs import check_wire
from contracts.dataset import Constraints, DatasetContract
from contracts.errors import CallerError
from contracts.wire import WIRE_FORMATS

CONTRACT = """
fields:
  - {{name: id, type: {id_type}}}
  - {{name: x, type: number}}
  - {{name: seen, {seen}}}
primaryKey: id
scoring: {{features: [x], {scoring}}}
"""
OUTPUTS = "outputs: [a, b, c], topK: 2"


def parse(seen: str = "type: list", scoring: str = OUTPUTS, id_type: str = "string") -> DatasetContract:
    text = CONTRACT.format(seen=seen, scoring=scoring, id_type=id_type)
    return parse_contract(text.encode(), name="contract.yaml")


def test_a_list_has_a_delimiter_and_its_lengths_are_those_of_lists() -> None:
    usual = parse().field("seen")
    field = parse('type: list, itemType: string, delimiter: " | ", constraints: {minLength: 1, maxLength: 3}')

    assert (usual.type, usual.delimiter) == ("list", ",")
    assert field.field("seen").delimiter == " | "
    assert field.field("seen").constraints == Constraints(min_length=1, max_length=3)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (
            "type: list, itemType: integer",
            "field 'seen': `itemType` is 'integer'; only `string` is supported",
        ),
        ('type: list, delimiter: ""', "`delimiter` is ''; expected text of 1 to 8 characters"),
        ("type: list, delimiter: 7", "`delimiter` is 7; expected text"),
        ("type: string, delimiter: ','", "has `delimiter`, which only a list field may have, but is string"),
        ("type: list, categories: [a]", "which only a string field may have, but is list"),
        ("type: list, constraints: {enum: [a]}", "`enum` is not for list fields; valid: required, minLength"),
        ("type: list, constraints: {pattern: a}", "`pattern` is not for list fields"),
        ("type: list, constraints: {minimum: 1}", "`minimum` is not for list fields"),
        ("type: list, constraints: {unique: true}", "`unique` is not for list fields"),
        ("type: list, constraints: {minLength: 3, maxLength: 2}", "let nothing through"),
    ],
)
def test_what_a_list_cannot_have_is_refused(seen: str, expected: str) -> None:
    with pytest.raises(CallerError, match="contract is wrong") as refused:
        parse(seen)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"scoring": "label: seen, positiveLabel: a"},
            "the label 'seen' is a list; expected a field with one",
        ),
        ({"id_type": "list"}, "the primary key 'id' is a list; expected a field with one value a record"),
        ({"scoring": "report: {segments: [seen]}"}, "'seen', which is a list; expected string"),
        ({"scoring": "report: {actionList: {value: {field: seen}}}"}, "which is a list; expected integer"),
    ],
)
def test_a_list_is_nothing_that_has_one_value(changed: dict[str, str], expected: str) -> None:
    with pytest.raises(CallerError, match="contract is wrong") as refused:
        parse(**changed)
    assert expected in str(refused.value)


def test_a_list_is_no_feature() -> None:
    with pytest.raises(CallerError, match="feature 'seen' is a list; a feature is string, integer, number"):
        parse_contract(
            CONTRACT.format(seen="type: list", scoring=OUTPUTS, id_type="string")
            .replace("[x]", "[seen]")
            .encode(),
            name="contract.yaml",
        )


def test_an_excluded_list_travels_beside_the_features() -> None:
    contract = parse(scoring=f"{OUTPUTS}, exclude: seen")

    assert contract.exclude == "seen"
    assert contract.features == ("x",)
    assert contract.sent_names == ("x", "seen")
    assert parse().sent_names == ("x",)


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        (
            f"{OUTPUTS}, exclude: sen",
            "`scoring.exclude` names 'sen', which is no field; did you mean 'seen'?",
        ),
        (f"{OUTPUTS}, exclude: [seen]", "`scoring.exclude` is ['seen']; expected the name of one field"),
        (f"{OUTPUTS}, exclude: x", "names 'x', which is a number; expected a list"),
        ("outputs: 3, topK: 2, exclude: seen", "`scoring.exclude` needs names under `scoring.outputs`"),
        ("outputs: [a, b], exclude: seen", "`scoring.exclude` needs `scoring.topK`"),
        ('outputs: [a, "b,c"], topK: 1, exclude: seen', "the output 'b,c' has the delimiter ',' of the list"),
    ],
)
def test_what_cannot_be_excluded_is_refused(scoring: str, expected: str) -> None:
    with pytest.raises(CallerError, match="contract is wrong") as refused:
        parse(scoring=scoring)
    assert expected in str(refused.value)


def test_the_fingerprint_changes_with_what_is_excluded_and_stays_without() -> None:
    """A list that excludes nothing changes no score."""
    without = parse("type: string").fingerprint
    excluding = [parse(f"type: list, delimiter: '{mark}'", f"{OUTPUTS}, exclude: seen") for mark in ",;"]

    assert parse().fingerprint == without == "d422e3c093641224"
    assert len({without, *(contract.fingerprint for contract in excluding)}) == 3


@pytest.mark.parametrize("wire", WIRE_FORMATS)
def test_a_wire_without_columns_cannot_exclude(wire: str) -> None:
    contract = parse(scoring=f"{OUTPUTS}, exclude: seen")
    check_wire(parse(), wire)
    if WIRE_FORMATS[wire].has_columns:
        check_wire(contract, wire)
        return
    with pytest.raises(
        CallerError, match=f"'{wire}', on which only features travel.*take the wire arrow or parq"
    ):
        check_wire(contract, wire)
