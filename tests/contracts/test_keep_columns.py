"""KeepColumns names fields of the contract, in the user's order, and a slip is told before anything runs."""

from __future__ import annotations

import re

import pytest

from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.keep_columns import kept_names


def contract(*names: str) -> DatasetContract:
    fields = "".join(f"  - {{name: '{name}', type: integer}}\n" for name in ("id", *names))
    text = f"fields:\n{fields}primaryKey: id\nscoring: {{features: ['{names[0]}'], label: '{names[-1]}'}}\n"
    return parse_contract(text.encode(), name="contract.yaml")


CONTRACT = contract("plan", "tenure", "a,b", "churn")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("  ", ()),
        ("tenure,plan", ("tenure", "plan")),
        (" tenure , plan,tenure ", ("tenure", "plan")),
        ("*", ("plan", "tenure", "a,b", "churn")),
        ('["a,b", "plan"]', ("a,b", "plan")),
        ("[]", ()),
        ("churn,id", ("churn",)),
    ],
)
def test_names_are_read_in_the_order_asked_each_once(text: str, names: tuple[str, ...]) -> None:
    """The label is a column as any other; the id is published anyway."""
    assert kept_names(text, CONTRACT) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tenur", "'tenur' is no field of the contract, did you mean 'tenure'?"),
        ("a,b", "'a' is no field"),
        ("plan,,tenure", "a name between two commas is empty"),
        ("plan,*", "'*' is no field"),
        ('["plan"', "no JSON array"),
        ("[" * 100_000, "no JSON array"),
        ("[1]", "expected a JSON array of names"),
        ("-plan", "which containers would take for an option"),
    ],
)
def test_what_is_no_field_is_refused(text: str, message: str) -> None:
    with pytest.raises(CallerError, match=re.escape(message)):
        kept_names(text, CONTRACT)


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(CallerError, match=r"'x' is no field.*'y' is no field.*only fields that the contract"):
        kept_names("x,y", CONTRACT)


@pytest.mark.parametrize("name", ["score", "error", "model_package_arn", "run_id"])
@pytest.mark.parametrize("text", ["{}", "*"])
def test_a_name_that_is_published_anyway_is_refused(text: str, name: str) -> None:
    """Two columns of one name cannot be told apart."""
    with pytest.raises(CallerError, match=f"'{name}' is also a published column"):
        kept_names(text.format(name), contract("plan", name))
