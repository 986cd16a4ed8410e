"""Evaluate the conditions of a condition step [doc: "Condition step"]: all of them must hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from contracts.errors import CallerError

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def holds(condition: Mapping[str, Any]) -> bool:
    """Return whether one condition, its references resolved, is true.

    Raises:
        CallerError: The kind is unknown, or the two values cannot be compared.
    """
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Expression"])
    if kind == "Or":
        return any(holds(part) for part in condition["Conditions"])
    if kind == "In":
        return condition["QueryValue"] in condition["Values"]
    if kind not in _COMPARISONS:
        raise CallerError(
            f"condition type {kind} is not emulated; known: {', '.join(_COMPARISONS)}, In, Not, Or"
        )
    left, right = condition["LeftValue"], condition["RightValue"]
    try:
        return _COMPARISONS[kind](left, right)
    except TypeError as error:
        raise CallerError(f"condition {kind} cannot compare {left!r} with {right!r}") from error
