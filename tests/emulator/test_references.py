"""References are replaced by what they point to, and never by a guess."""

from __future__ import annotations

import re

import pytest

from contracts.errors import CallerError
from emulator.references import Facts, resolve

FACTS = Facts(
    parameters={"Fraction": 0.25, "Uri": "s3://b/in/"},
    execution={"PipelineExecutionId": "run-1"},
    properties={
        "Prepare": {
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "plan", "S3Output": {"S3Uri": "s3://b/plan/"}},
                    {"OutputName": "shards", "S3Output": {"S3Uri": "s3://b/shards/"}},
                ]
            }
        }
    },
    property_file=lambda step, name: {"shards": [{"count": 7}], "from": f"{step}/{name}"},
)


def test_a_parameter_keeps_its_type() -> None:
    assert resolve({"Get": "Parameters.Fraction"}, FACTS) == 0.25


def test_a_join_puts_texts_together() -> None:
    join = {"Std:Join": {"On": "/", "Values": ["a", {"Get": "Execution.PipelineExecutionId"}, 3, True]}}

    assert resolve(join, FACTS) == "a/run-1/3/true"


@pytest.mark.parametrize("step", ["['shards']", "[1]"])
def test_a_property_is_reached_by_name_and_by_position(step: str) -> None:
    reference = f"Steps.Prepare.ProcessingOutputConfig.Outputs{step}.S3Output.S3Uri"

    assert resolve([{"Get": reference}], FACTS) == ["s3://b/shards/"]


def test_a_json_get_reads_the_property_file() -> None:
    reference = {
        "PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.ScoringPlan"},
        "Path": "shards[0].count",
    }

    assert resolve({"Std:JsonGet": reference}, FACTS) == 7


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"Get": "Parameters.Missing"}, "Parameters.Missing points to nothing"),
        ({"Get": "Steps.Other.Name"}, "Steps.Other.Name points to nothing"),
        ({"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['none'].S3Output"}, "'none'"),
        ({"Get": "Nothing.Here"}, "starts with Nothing; expected Parameters, Execution or Steps"),
        (
            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Plan"}, "Path": "no"}},
            "property file Plan of step Prepare has no value at 'no'",
        ),
    ],
)
def test_a_reference_to_nothing_is_refused(reference: dict[str, object], message: str) -> None:
    with pytest.raises(CallerError, match=re.escape(message)):
        resolve(reference, FACTS)
