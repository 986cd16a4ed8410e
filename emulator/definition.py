"""Read a compiled pipeline definition: its parameters, its steps, and what each step waits for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from contracts.errors import CallerError, near_matches

STEP_TYPES = ("Processing", "Transform", "Model", "RegisterModel", "Condition", "Fail")

_STEP_REFERENCE = re.compile(r"^Steps\.([A-Za-z0-9\-_]+)(?:\.|$)")
MAX_VALUE_CHARS = 1024
"""Of a parameter's value [doc: StartPipelineExecution]."""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_PARSERS: dict[str, Callable[[str], Any]] = {"String": str, "Integer": int, "Float": _finite}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One node of the graph.

    Attributes:
        name: Unique in the definition.
        type: One of STEP_TYPES.
        arguments: As in the definition, references unresolved.
        property_files: Name of each property file to its (output name, path in the output).
        waits_for: Names of the steps that must have succeeded before it starts.
        gate: (condition step, branch taken) for a step inside a condition, else None.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    property_files: Mapping[str, tuple[str, str]]
    waits_for: frozenset[str]
    gate: tuple[str, bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A definition that can be executed.

    Attributes:
        parameters: Declared parameters by name, as in the definition.
        steps: All steps by name, those inside conditions included, in the order of the definition.
    """

    parameters: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, Step]


def read_definition(text: str) -> Definition:
    """Parse a definition and refuse what is not emulated, all faults at once.

    Raises:
        CallerError: It is not JSON, has a step of another type, or refers to a step that is not there.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CallerError(f"the pipeline definition is not JSON: {error}") from error
    parameters = {entry["Name"]: entry for entry in document.get("Parameters", [])}
    steps = {step.name: step for step in _steps(document.get("Steps", []), gate=None)}
    faults = [
        f"step {step.name} is of type {step.type}, which is not emulated ({', '.join(STEP_TYPES)} are)"
        for step in steps.values()
        if step.type not in STEP_TYPES
    ]
    for step in steps.values():
        faults += [
            f"step {step.name} waits for {name}, which is no step" for name in step.waits_for - set(steps)
        ]
    faults += [
        f"condition {step.name} stands inside condition {step.gate[0]}, which the service does not allow"
        for step in steps.values()
        if step.type == "Condition" and step.gate is not None
    ]
    if not faults:
        faults += _cycles(steps)
    if faults:
        raise CallerError("the pipeline definition cannot be executed: " + "; ".join(faults))
    return Definition(parameters=parameters, steps=steps)


def _cycles(steps: Mapping[str, Step]) -> list[str]:
    try:
        TopologicalSorter({name: step.waits_for for name, step in steps.items()}).prepare()
    except CycleError as error:
        return [f"steps wait for each other: {' -> '.join(error.args[1])}"]
    return []


def _steps(documents: list[dict[str, Any]], gate: tuple[str, bool] | None) -> Iterator[Step]:
    for document in documents:
        arguments = dict(document.get("Arguments", {}))
        inner = {True: arguments.pop("IfSteps", []), False: arguments.pop("ElseSteps", [])}
        waits_for = set(document.get("DependsOn", [])) | set(referenced_steps(arguments))
        if gate is not None:
            waits_for.add(gate[0])
        yield Step(
            name=document["Name"],
            type=document["Type"],
            arguments=arguments,
            property_files={
                entry["PropertyFileName"]: (entry["OutputName"], entry["FilePath"])
                for entry in document.get("PropertyFiles", [])
            },
            waits_for=frozenset(waits_for),
            gate=gate,
        )
        for branch, steps in inner.items():
            yield from _steps(steps, gate=(document["Name"], branch))


def referenced_steps(value: Any) -> Iterator[str]:
    """Yield the name of every step that a value refers to."""
    if isinstance(value, Mapping):
        match = _STEP_REFERENCE.match(str(value.get("Get", "")))
        if match:
            yield match.group(1)
        for part in value.values():
            yield from referenced_steps(part)
    elif isinstance(value, list):
        for part in value:
            yield from referenced_steps(part)


def parameter_values(definition: Definition, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every parameter: the given one, else its default.

    Args:
        definition: Declares the parameters.
        given: Values as text, as a person types them.

    Raises:
        CallerError: A name is unknown, a value is not of the declared type, or one without a default is
            not given; all such faults are named at once.
    """
    faults = [
        f"unknown parameter {name!r}; {near_matches(name, definition.parameters)}"
        for name in given
        if name not in definition.parameters
    ]
    values: dict[str, Any] = {}
    for name, declared in definition.parameters.items():
        if name not in given:
            if "DefaultValue" not in declared:
                faults.append(f"parameter {name!r} has no default and no value was given")
            values[name] = declared.get("DefaultValue")
            continue
        if len(given[name]) > MAX_VALUE_CHARS:
            faults.append(f"parameter {name!r} has {len(given[name])} characters, at most {MAX_VALUE_CHARS}")
        try:
            values[name] = _PARSERS[declared["Type"]](given[name])
        except ValueError:
            faults.append(f"parameter {name!r} is {given[name]!r}; expected {declared['Type'].lower()}")
        allowed = declared.get("EnumValues", [])
        if allowed and values.get(name) not in allowed:
            faults.append(f"parameter {name!r} is {given[name]!r}; {near_matches(given[name], allowed)}")
    if faults:
        raise CallerError("; ".join(faults))
    return values
