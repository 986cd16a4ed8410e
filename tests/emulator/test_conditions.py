"""Conditions compare as their names say."""

from __future__ import annotations

import pytest

from contracts.errors import CallerError
from emulator.conditions import holds


@pytest.mark.parametrize(
    ("kind", "truths"),
    [
        ("Equals", (False, True, False)),
        ("GreaterThan", (False, False, True)),
        ("GreaterThanOrEqualTo", (False, True, True)),
        ("LessThan", (True, False, False)),
        ("LessThanOrEqualTo", (True, True, False)),
    ],
)
def test_a_comparison_holds_below_at_and_above(kind: str, truths: tuple[bool, ...]) -> None:
    answers = tuple(holds({"Type": kind, "LeftValue": left, "RightValue": 2}) for left in (1, 2, 3))

    assert answers == truths


def test_not_or_and_in_combine() -> None:
    one_is_in = {"Type": "In", "QueryValue": 1, "Values": [1, 2]}
    three_is_in = {"Type": "In", "QueryValue": 3, "Values": [1, 2]}

    assert holds({"Type": "Or", "Conditions": [three_is_in, one_is_in]})
    assert holds({"Type": "Not", "Expression": three_is_in})


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(CallerError, match="Resembles is not emulated"):
        holds({"Type": "Resembles", "LeftValue": 1, "RightValue": 1})


def test_values_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(CallerError, match="cannot compare 'a' with 1"):
        holds({"Type": "LessThan", "LeftValue": "a", "RightValue": 1})
