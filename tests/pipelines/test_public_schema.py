"""The definition satisfies the public JSON schema of pipeline definitions, where that is not out of date.

The schema is not part of this repository; the test is skipped where it is not found. What it lacks is added
by `_overlay`, each with the fact that makes it needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = Path(__file__).parents[3] / "shared" / "pipeline-definition-schema.json"

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The public schema with what it lacks."""
    if not SCHEMA.is_file():
        pytest.skip(f"the public schema is not at {SCHEMA}")
    public: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return _overlay(public)


def test_definition_satisfies_the_public_schema(document: dict[str, Any], schema: dict[str, Any]) -> None:
    """Every error is shown with its path."""
    errors = jsonschema.Draft7Validator(schema).iter_errors(document)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_resume_definition_satisfies_the_public_schema(
    resume_document: dict[str, Any], schema: dict[str, Any]
) -> None:
    """So does every shape of the pipeline that finishes a lost run."""
    errors = jsonschema.Draft7Validator(schema).iter_errors(resume_document)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_schema_still_refuses_what_is_wrong(default_document: dict[str, Any], schema: dict[str, Any]) -> None:
    """The overlay opens only what it means to open."""
    for change in ({"Version": "1"}, {"Steps": [{"Name": "x y", "Type": "Fail"}]}, {"Tasks": []}):
        assert list(jsonschema.Draft7Validator(schema).iter_errors({**default_document, **change}))


def _overlay(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema["definitions"]
    _correct_expressions(definitions)
    _correct_steps(definitions)
    # The SDK always emits both, null where they are not used [ran 3.27].
    schema["properties"]["PipelineExperimentConfig"] = {"type": ["object", "null"]}
    schema["properties"]["MlflowConfig"] = {"type": ["object", "null"]}
    # A string parameter may list its values [src 3.27].
    definitions["StringParameter"]["properties"]["EnumValues"] = {
        "type": "array",
        "items": {"type": "string"},
    }
    # Several kinds of exception may share a policy [ran 3.27].
    kinds = definitions["RetryPolicy"]["properties"]["ExceptionType"]
    definitions["RetryPolicy"]["properties"]["ExceptionType"] = {"type": "array", "items": kinds}
    return schema


def _correct_expressions(definitions: dict[str, Any]) -> None:
    """Let functions stand for values [doc: pipeline variables]; the schema knows `Get` only."""
    function = {"$ref": "#/definitions/AnyFunction"}
    joined = {"oneOf": [{"type": "string"}, function]}
    definitions["AnyFunction"] = {
        "oneOf": [
            {"$ref": "#/definitions/GetFunction"},
            _function("Std:Join", {"On": {"type": "string"}, "Values": {"type": "array", "items": joined}}),
            _function(
                "Std:JsonGet",
                {"PropertyFile": {"$ref": "#/definitions/GetFunction"}, "Path": {"type": "string"}},
            ),
        ]
    }
    for kind in ("String", "Integer", "Float", "Boolean"):
        values = definitions[f"{kind}ArgumentValue"]["oneOf"]
        definitions[f"{kind}ArgumentValue"]["oneOf"] = [values[0], function]


def _function(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """An object with the one key `name`, whose value has exactly the given arguments."""
    exactly = {"type": "object", "additionalProperties": False}
    body = {**exactly, "properties": arguments, "required": list(arguments)}
    return {**exactly, "properties": {name: body}, "required": [name]}


def _correct_steps(definitions: dict[str, Any]) -> None:
    branches = definitions["ConditionStep"]["properties"]["Arguments"]["properties"]
    for branch in ("IfSteps", "ElseSteps"):
        # A model may be created in a branch [doc]; the schema forgets it.
        branches[branch]["items"]["oneOf"].append({"$ref": "#/definitions/CreateModelStep"})
    for name in ("Condition", "Processing", "Transform", "CreateModel", "RegisterModel", "Fail"):
        # The API's `StepDisplayName` is any text of at most 256 characters.
        text = {"type": "string", "maxLength": 256}
        definitions[f"{name}Step"]["properties"]["DisplayName"] = text
    # CreateModelPackage takes an approval status; the schema forgets it.
    registration = definitions["RegisterModelStep"]["properties"]["Arguments"]["properties"]
    text_value = {"$ref": "#/definitions/StringArgumentValue"}
    registration["ModelApprovalStatus"] = text_value
    # It takes a description and properties of the customer's too [src: botocore's model].
    registration["ModelPackageDescription"] = text_value
    registration["CustomerMetadataProperties"] = {"type": "object", "additionalProperties": text_value}
    # `PropertyFiles` is what `Std:JsonGet` reads [doc].
    definitions["ProcessingStep"]["properties"]["PropertyFiles"] = {
        "type": "array",
        "items": {"type": "object", "required": ["PropertyFileName", "OutputName", "FilePath"]},
    }
