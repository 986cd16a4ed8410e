"""A contract says what its model reads, and a model that reads a text or an image has that one feature."""

from __future__ import annotations

import pytest

from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.wire import WIRE_FORMATS, check_carries

GOOD = """
fields:
  - {name: id, type: string}
  - {name: review, type: string, constraints: {required: true, maxLength: 5000}}
  - {name: stars, type: integer}
  - {name: shop, type: string, categories: [a, b]}
primaryKey: id
scoring: {features: [review], modelInput: text}
"""


def _parse(text: str) -> DatasetContract:
    return parse_contract(text.encode(), name="contract.yaml")


def test_a_model_reads_a_vector_unless_the_contract_says_otherwise() -> None:
    assert _parse(GOOD).model_input == "text"
    assert _parse(GOOD.replace("[review], modelInput: text", "[stars, shop]")).model_input == "vector"


def test_what_the_model_reads_is_in_the_fingerprint_and_its_default_is_not() -> None:
    """Contracts that say nothing keep the fingerprint that they always had."""
    silent = GOOD.replace("[review], modelInput: text", "[stars]")
    assert (
        _parse(silent.replace("[stars]", "[stars], modelInput: vector")).fingerprint
        == _parse(silent).fingerprint
    )
    one_category = GOOD.replace("name: review", "name: review, categories: [a]")
    as_vector = one_category.replace(", modelInput: text", "")
    as_text = _parse(GOOD)
    assert as_text.fingerprint != _parse(as_vector).fingerprint


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "modelInput: text",
            "modelInput: words",
            "`scoring.modelInput` is 'words'; valid: vector, text, image",
        ),
        ("[review]", "[review, stars]", "is text, but there are 2 features; expected exactly one, the text"),
        ("[review]", "[stars]", "feature 'stars' is of the type integer; `scoring.modelInput` is text"),
        (
            "[review]",
            "[shop]",
            "feature 'shop' is of the type string with `categories`; `scoring.modelInput` is text",
        ),
        (
            ", modelInput: text",
            "",
            "give its `categories`, in the order of their codes, or if the model reads",
        ),
        ("modelInput: text", "modelInput: image", "which is a field {type: string, format: binary}"),
    ],
)
def test_features_that_such_a_model_cannot_read_are_refused(old: str, new: str, expected: str) -> None:
    with pytest.raises(CallerError) as caught:
        _parse(GOOD.replace(old, new))
    assert expected in str(caught.value)


@pytest.mark.parametrize("wire", WIRE_FORMATS)
def test_only_wires_of_columns_carry_what_is_no_vector(wire: str) -> None:
    check_carries(wire, "vector")
    if WIRE_FORMATS[wire].has_columns:
        check_carries(wire, "text")
        return
    with pytest.raises(CallerError, match=f"'{wire}' carries vectors .*use the wire format arrow or parquet"):
        check_carries(wire, "text")
