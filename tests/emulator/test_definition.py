"""A definition is read whole, or refused with every fault named."""

from __future__ import annotations

import json

import pytest

from contracts.errors import CallerError
from emulator.definition import parameter_values, read_definition

DOCUMENT = {
    "Parameters": [
        {"Name": "InputUri", "Type": "String"},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 2},
        {"Name": "Fraction", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "Format", "Type": "String", "DefaultValue": "csv", "EnumValues": ["csv", "parquet"]},
    ],
    "Steps": [
        {"Name": "First", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}},
        {
            "Name": "Gate",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Steps.First.A"}, "RightValue": 1}],
                "IfSteps": [{"Name": "Yes", "Type": "Fail", "Arguments": {}, "DependsOn": ["First"]}],
                "ElseSteps": [{"Name": "No", "Type": "Fail", "Arguments": {}}],
            },
        },
    ],
}


def test_steps_wait_for_what_they_refer_to_and_for_their_gate() -> None:
    steps = read_definition(json.dumps(DOCUMENT)).steps

    assert {name: set(step.waits_for) for name, step in steps.items()} == {
        "First": set(),
        "Gate": {"First"},
        "Yes": {"First", "Gate"},
        "No": {"Gate"},
    }
    assert (steps["Yes"].gate, steps["No"].gate) == (("Gate", True), ("Gate", False))


def test_given_values_are_read_in_the_declared_type() -> None:
    definition = read_definition(json.dumps(DOCUMENT))

    values = parameter_values(definition, {"InputUri": "s3://b/", "Count": "7"})

    assert values == {"InputUri": "s3://b/", "Count": 7, "Fraction": 0.5, "Format": "csv"}


def test_every_fault_in_the_parameters_is_named_at_once() -> None:
    definition = read_definition(json.dumps(DOCUMENT))

    with pytest.raises(CallerError) as caught:
        parameter_values(definition, {"Count": "many", "Fractoin": "1", "Format": "xml"})

    message = str(caught.value)
    assert "unknown parameter 'Fractoin'; did you mean 'Fraction'?" in message
    assert "parameter 'InputUri' has no default" in message
    assert "parameter 'Count' is 'many'; expected integer" in message
    assert "parameter 'Format' is 'xml'; valid: csv, parquet" in message


def test_a_step_that_is_not_emulated_is_refused_by_name() -> None:
    document = {"Steps": [{"Name": "Learn", "Type": "Training"}]}

    with pytest.raises(CallerError, match="step Learn is of type Training, which is not emulated"):
        read_definition(json.dumps(document))


def test_a_reference_to_a_step_that_is_not_there_is_refused() -> None:
    document = {"Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.B.X"}}}]}

    with pytest.raises(CallerError, match="step A waits for B, which is no step"):
        read_definition(json.dumps(document))


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(CallerError, match="not JSON"):
        read_definition("{")


def test_steps_that_wait_for_each_other_are_refused() -> None:
    steps = [
        {"Name": "A", "Type": "Fail", "Arguments": {}, "DependsOn": ["B"]},
        {"Name": "B", "Type": "Fail", "Arguments": {}, "DependsOn": ["A"]},
    ]

    with pytest.raises(CallerError, match=r"steps wait for each other: [AB] -> [AB] -> [AB]"):
        read_definition(json.dumps({"Steps": steps}))


def test_a_condition_inside_a_condition_is_refused() -> None:
    """[doc] Condition steps do not nest."""
    inner = {"Name": "Inner", "Type": "Condition", "Arguments": {"Conditions": []}}
    outer = {"Name": "Outer", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [inner]}}

    with pytest.raises(CallerError, match="condition Inner stands inside condition Outer"):
        read_definition(json.dumps({"Steps": [outer]}))


@pytest.mark.parametrize(
    ("text", "reason"), [("nan", "expected float"), ("inf", "expected float"), ("", "float")]
)
def test_a_fraction_is_a_finite_number(text: str, reason: str) -> None:
    definition = read_definition(json.dumps(DOCUMENT))

    with pytest.raises(CallerError, match=reason):
        parameter_values(definition, {"InputUri": "s3://b/", "Fraction": text})


def test_a_value_is_at_most_1024_characters_long() -> None:
    """[doc] StartPipelineExecution."""
    definition = read_definition(json.dumps(DOCUMENT))

    with pytest.raises(CallerError, match="has 1025 characters, at most 1024"):
        parameter_values(definition, {"InputUri": "s" * 1025})
