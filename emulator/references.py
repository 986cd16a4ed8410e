"""Resolve what stands for a value in a definition: `Get`, `Std:Join` and `Std:JsonGet`.

References name a parameter (`Parameters.X`), a fact of the run (`Execution.X`), or a property of a finished
step (`Steps.X.<path>`, where a path step is `.Name`, `['name']` or `[0]`). Properties are those of the
Describe call of the job that a step starts [doc: "Pass Data Between Steps"].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import CallerError

_PATH_STEP = re.compile(r"\.?([A-Za-z0-9_\-]+)|\['([^']*)'\]|\[(\d+)\]")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What references can point to at one moment of a run.

    Attributes:
        parameters: Value of each pipeline parameter.
        execution: Facts of the run by name, such as `PipelineExecutionId`.
        properties: Of each finished step, as its Describe call would tell.
        property_file: Returns the parsed JSON of (step name, property file name).
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, Any]
    properties: Mapping[str, Mapping[str, Any]]
    property_file: Callable[[str, str], Any]


def resolve(value: Any, facts: Facts) -> Any:
    """Return `value` with every reference in it, at any depth, replaced by what it points to.

    Raises:
        CallerError: A reference points nowhere.
    """
    if isinstance(value, list):
        return [resolve(part, facts) for part in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Get"}:
        return _get(value["Get"], facts)
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return str(join["On"]).join(as_text(resolve(part, facts)) for part in join["Values"])
    if set(value) == {"Std:JsonGet"}:
        return _json_get(value["Std:JsonGet"], facts)
    return {key: resolve(part, facts) for key, part in value.items()}


def as_text(value: Any) -> str:
    """Return a value as it reads inside a join: JSON's spelling for booleans, no quotes for text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def follow(document: Any, path: str) -> Any:
    """Return what `path` leads to in nested mappings and lists.

    Lists of named things (processing outputs) are reached by name, as the SDK's property paths do.

    Raises:
        KeyError: The path leads nowhere.
    """
    position = 0
    while position < len(path):
        match = _PATH_STEP.match(path, position)
        if match is None:
            raise KeyError(path)
        name, quoted, index = match.groups()
        document = _child(document, name if name is not None else quoted, index)
        position = match.end()
    return document


def _child(document: Any, name: str | None, index: str | None) -> Any:
    if index is not None:
        return document[int(index)]
    if isinstance(document, list):
        named = [entry for entry in document if entry.get("OutputName", entry.get("InputName")) == name]
        if not named:
            raise KeyError(name)
        return named[0]
    return document[name]


def _get(reference: str, facts: Facts) -> Any:
    root, _, rest = reference.partition(".")
    try:
        if root == "Parameters":
            return facts.parameters[rest]
        if root == "Execution":
            return facts.execution[rest]
        if root == "Steps":
            name = re.split(r"[.\[]", rest, maxsplit=1)[0]
            return follow(facts.properties[name], rest[len(name) :])
    except (KeyError, IndexError, TypeError) as error:
        raise CallerError(f"the reference {reference} points to nothing that is known: {error!r}") from error
    raise CallerError(
        f"the reference {reference} starts with {root}; expected Parameters, Execution or Steps"
    )


def _json_get(arguments: Mapping[str, Any], facts: Facts) -> Any:
    _, step_name, _, file_name = arguments["PropertyFile"]["Get"].split(".", 3)
    path = resolve(arguments["Path"], facts)
    try:
        return follow(facts.property_file(step_name, file_name), path)
    except (KeyError, IndexError, TypeError) as error:
        raise CallerError(
            f"property file {file_name} of step {step_name} has no value at {path!r}"
        ) from error
