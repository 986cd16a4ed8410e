"""Differences of two definitions, as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from runner.aws.definition_diff import changes

STEP = {"Name": "Prepare", "Arguments": {"Disk": {"SizeInGB": 100}, "Words": ["a", "b"]}}
DEFINITION: dict[str, Any] = {
    "Parameters": [{"Name": "InputUri", "Type": "String"}, {"Name": "Count", "DefaultValue": 1}],
    "Steps": [STEP],
}


def test_the_same_definition_has_no_difference() -> None:
    """Whatever the order of its keys."""
    assert changes(DEFINITION, dict(reversed(DEFINITION.items()))) == []


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (
            {"Parameters": [{"Name": "InputUri", "Type": "String"}, {"Name": "Count", "DefaultValue": 2}]},
            "~ Parameters.Count.DefaultValue: 1 -> 2",
        ),
        ({"Parameters": [DEFINITION["Parameters"][0]]}, '- Parameters.Count: {"DefaultValue": 1}'),
        (
            {"Steps": [{"Name": "First", "Type": "Fail"}, STEP]},
            '+ Steps.First: {"Type": "Fail"}',
        ),
        (
            {"Steps": [{**STEP, "Arguments": {"Disk": {"SizeInGB": 200}, "Words": ["a", "b"]}}]},
            "~ Steps.Prepare.Arguments.Disk.SizeInGB: 100 -> 200",
        ),
        (
            {"Steps": [{**STEP, "Arguments": {"Disk": {"SizeInGB": 100}, "Words": ["a"]}}]},
            '~ Steps.Prepare.Arguments.Words: ["a", "b"] -> ["a"]',
        ),
    ],
)
def test_each_difference_is_one_line_with_its_path(wanted: dict[str, Any], line: str) -> None:
    """Named things are compared by name, wherever they stand."""
    assert changes(DEFINITION, {**DEFINITION, **wanted}) == [line]


def test_arguments_of_a_container_are_compared_by_name() -> None:
    """A list of forty words, of which one is another, tells a person nothing."""

    def told(name: str) -> list[Any]:
        return ["--parameter", {"Std:Join": {"On": "=", "Values": [name, {"Get": f"Parameters.{name}"}]}}]

    before = {"Words": ["--wire-format", "parquet", *told("A"), *told("B")]}
    after = {"Words": ["--wire-format", "csv", *told("A"), *told("New"), *told("B")]}
    assert changes(before, after) == [
        '~ Words.--wire-format: "parquet" -> "csv"',
        '+ Words.--parameter New: {"Std:Join": {"On": "=", "Values": ["New", {"Get": "Parameters.New"}]}}',
    ]


def test_a_number_that_became_text_is_a_difference() -> None:
    """And so is a truth that became a one, which Python takes for equal."""
    assert changes({"a": 1}, {"a": True}) == ["~ a: 1 -> true"]


def test_long_values_are_shortened() -> None:
    """A step's whole arguments would fill the screen."""
    (line,) = changes({}, {"a": "x" * 500})
    assert len(line) < 130
