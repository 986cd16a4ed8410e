"""A contract is read whole or refused with every fault named."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.contract_file import check_patterns, parse_contract
from contracts.dataset import DatasetContract
from contracts.errors import CallerError

GOOD = """
fields:
  - {name: id, type: string}
  - {name: tenure, type: integer, constraints: {minimum: 0}}
  - {name: plan, type: string, categories: [a, b]}
  - {name: churn, type: string, constraints: {enum: ["No", "Yes"]}}
primaryKey: id
scoring: {features: [tenure, plan], label: churn, positiveLabel: "Yes"}
"""


def _parse(text: str) -> DatasetContract:
    return parse_contract(text.encode(), name="contract.yaml")


def test_a_good_contract_is_read() -> None:
    contract = _parse(GOOD)
    assert (contract.id_field, contract.features, contract.label) == ("id", ("tenure", "plan"), "churn")
    assert contract.field("plan").categories == ("a", "b")
    assert (contract.missing_values, contract.unseen_category, contract.positive_label) == (
        ("",),
        "quarantine",
        "Yes",
    )


def test_the_fingerprint_changes_with_what_changes_a_feature_vector_and_with_nothing_else() -> None:
    fingerprint = _parse(GOOD).fingerprint
    assert _parse(GOOD.replace("minimum: 0", "minimum: 1")).fingerprint == fingerprint
    assert _parse(GOOD.replace("[a, b]", "[b, a]")).fingerprint != fingerprint
    assert _parse(GOOD.replace("[tenure, plan]", "[plan, tenure]")).fingerprint != fingerprint


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('positiveLabel: "Yes"', 'positiveLabel: "yes"', "is 'yes', which no label has; did you mean 'Yes'?"),
        ('positiveLabel: "Yes"', 'positiveLabel: "1"', "is '1', which no label has; valid: 'No', 'Yes'"),
        ("constraints: {minimum: 0}", "requird: true", "'requird'; `required` belongs under `constraints`"),
        ("constraints: {minimum: 0}", "minimum: 0", "'minimum'; `minimum` belongs under `constraints`"),
        ("constraints: {minimum: 0}", "exampl: 0", "'exampl'; did you mean 'example'?"),
        ("primaryKey: id", "primaryKey: ident", "`primaryKey` names 'ident', which is no field"),
        ("[tenure, plan]", "[tenur]", "did you mean 'tenure'?"),
        ("[tenure, plan]", "[]", "at least one field"),
        ("[tenure, plan]", "[tenure, churn]", "'churn' is the label"),
        ("[tenure, plan]", "[tenure, tenure]", "names a value twice"),
        (", categories: [a, b]", "", "give its `categories`"),
        ("[a, b]", "[a, yes]", "expected text: quote it"),
        ('["No", "Yes"]', "[No, Yes]", "expected string; quote it"),
        ("type: integer", "type: int", "did you mean 'integer'?"),
        ("minimum: 0", "minimun: 0", "did you mean 'minimum'"),
        ("minimum: 0", "minimum: a", "expected integer"),
        ("minimum: 0", "minimum: true", "expected integer"),
        ("minimum: 0", "minimum: 99999999999999999999", "64 bits"),
        ("minimum: 0", "minimum: 2, maximum: 1", "above `maximum`"),
        ("minimum: 0", "pattern: a", "`pattern` is for string fields"),
        ("minimum: 0", "enum: [1, null]", "`enum` has an empty value"),
        ("type: integer, constraints: {minimum: 0}", "type: number, constraints: {minimum: .nan}", "finite"),
        ("name: id, type: string", "name: id, constraints: {minLength: 3, maxLength: 2}", "nothing through"),
        (
            "name: id, type: string",
            "name: id, type: date, constraints: {minimum: 2024-01-01 00:00:00}",
            "expected date",
        ),
        (', positiveLabel: "Yes"', "", "say with `scoring.positiveLabel`"),
        ("primaryKey: id", "primaryKey: id\nprimarykey: id", "did you mean 'primaryKey'?"),
    ],
)
def test_a_wrong_contract_is_refused_with_the_place_and_the_remedy(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(CallerError, match=r"^contract\.yaml: the contract is wrong") as caught:
        _parse(GOOD.replace(old, new))
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["{", "a: 2024-13-45", "\x00", "[" * 5000, "a: !!python/object:os.system x"])
def test_what_is_neither_yaml_nor_json_is_refused(text: str) -> None:
    with pytest.raises(CallerError, match="neither YAML nor JSON"):
        _parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: [1\nc: 2", "line 3, column 2: "),
        ("a: b: c", "line 1, column 5: mapping values are not allowed"),
        ("a: \x01", "control characters are not allowed at position 3"),
    ],
)
def test_a_fault_of_syntax_is_told_with_its_line_and_the_file_once(text: str, expected: str) -> None:
    with pytest.raises(CallerError) as caught:
        _parse(text)
    message = str(caught.value)
    assert message.startswith(f"contract.yaml: is neither YAML nor JSON: {expected}")
    assert "<" not in message


def test_a_misspelt_label_is_one_fault() -> None:
    """And not that the label is missing, too."""
    with pytest.raises(CallerError) as caught:
        _parse(GOOD.replace("label: churn", "label: chrun"))
    assert str(caught.value).endswith("names 'chrun', which is no field; did you mean 'churn'?")


@pytest.mark.parametrize("text", ["", "[]", "text", "{fields: []}"])
def test_what_is_no_mapping_with_fields_is_refused(text: str) -> None:
    with pytest.raises(CallerError, match="the contract is wrong"):
        _parse(text)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(CallerError) as caught:
        _parse(GOOD.replace("primaryKey: id", "primaryKey: nope").replace("type: integer", "type: int"))
    assert "`primaryKey` names" in str(caught.value)
    assert "has the type 'int'" in str(caught.value)


def test_moments_with_and_without_a_zone_compare() -> None:
    """A moment without a zone is UTC, as text and as YAML reads it."""
    moment = "{minimum: 2024-01-01T00:00:00, maximum: '2024-01-02T00:00:00Z'}"
    contract = _parse(
        GOOD.replace("name: id, type: string", f"name: id, type: datetime, constraints: {moment}")
    )
    assert contract.field("id").constraints.minimum == dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)


def test_a_pattern_that_validation_cannot_use_is_refused() -> None:
    """Look-ahead is no part of RE2."""
    text = GOOD.replace("name: id, type: string", "name: id, constraints: {pattern: '(?=a)'}")

    with pytest.raises(CallerError, match=r"c\.yaml: the contract is wrong: field 'id': `pattern` is .* RE2"):
        check_patterns(_parse(text), name="c.yaml")
