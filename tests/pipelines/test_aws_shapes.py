"""The check of step arguments finds what it is there to find."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from aws_shapes import is_pipeline_variable, step_faults

TRANSFORM: dict[str, Any] = {
    "Name": "ScoreShards",
    "Type": "Transform",
    "Arguments": {
        "ModelName": "m",
        "MaxPayloadInMB": 6,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/shards/"}}
        },
        "TransformOutput": {"S3OutputPath": "s3://bucket/transform/"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        "Environment": {"NAME": "value"},
        "DataProcessing": {"InputFilter": "$[1:]"},
    },
}


def _faults_with(path: str, value: Any) -> list[str]:
    """Put `value` at the dotted path of the arguments, or remove what is there if it is None."""
    step = copy.deepcopy(TRANSFORM)
    *parents, last = path.split(".")
    place = step["Arguments"]
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return step_faults(step)


def test_sound_arguments_have_no_fault() -> None:
    """The job's name is missing, as it must be: the pipeline gives it."""
    assert step_faults(TRANSFORM) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("Instances", 1, "ScoreShards: Instances is unknown"),
        ("TransformOutput.S3OutputPath", None, "required S3OutputPath is missing"),
        ("TransformResources.InstanceType", "ml.m5.huge", "'ml.m5.huge' is none of"),
        ("TransformResources.InstanceCount", 0, "0 as value is below the minimum of 1"),
        ("TransformResources.InstanceCount", "2", "'2' is not of type integer"),
        ("TransformResources.InstanceCount", True, "True is not of type integer"),
        ("ModelName", "a_b", "'a_b' does not match"),
        ("ModelName", "m" * 64, "64 characters is above the maximum of 63"),
        ("DataProcessing.InputFilter", "$" * 64, "64 characters is above the maximum of 63"),
        ("MaxPayloadInMB", 1.5, "1.5 is not of type integer"),
        ("TransformInput.DataSource", "s3://bucket/", "'s3://bucket/' is not a structure"),
        ("Environment", {f"N{number}": "v" for number in range(17)}, "17 entries is above the maximum of 16"),
        ("Environment", {"1": "v"}, "key: '1' does not match"),
        ("Environment", {"NAME": 1}, "1 is not of type string"),
        ("Environment", ["NAME=value"], "is not a map"),
        ("Tags", {"Key": "k"}, "is not a list"),
        ("Tags", [{"Key": "k"}], "Tags[0]: required Value is missing"),
    ],
)
def test_planted_fault_is_found(path: str, value: Any, fault: str) -> None:
    """One fault planted, one found, and the message says where and what."""
    faults = _faults_with(path, value)
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    "variable",
    [
        {"Get": "Parameters.TransformInstanceCount"},
        {"Std:Join": {"On": "", "Values": ["a"]}},
        {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.PropertyFiles.B"}, "Path": "c"}},
    ],
)
def test_pipeline_variable_passes_where_a_scalar_is_expected(variable: dict[str, Any]) -> None:
    """Its value is known only when the pipeline runs."""
    assert is_pipeline_variable(variable)
    assert _faults_with("TransformResources.InstanceCount", variable) == []


def test_pipeline_variable_cannot_stand_for_a_structure() -> None:
    """Pipelines fills in scalars only."""
    assert _faults_with("TransformOutput", {"Get": "Parameters.Output"}) != []


def test_all_faults_are_told_at_once() -> None:
    """Each with its own path."""
    step = {"Name": "CreateModel", "Type": "Model", "Arguments": {"ModelName": "a_b", "Image": "i"}}
    assert len(step_faults(step)) == 2
