"""Check step arguments against the shapes of the AWS API: names, types, enums, patterns, lengths and ranges.

botocore's own ParamValidator finds unknown names and wrong types only. This walks the service model and reads
the rest off the shapes. A value that the pipeline fills in when it runs (`{"Get": …}`, `{"Std:Join": …}`,
`{"Std:JsonGet": …}`) passes wherever a scalar is expected, because only its kind is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import Shape

OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Transform": "CreateTransformJob",
    "Model": "CreateModel",
    "RegisterModel": "CreateModelPackage",
}
"""Step type → API operation whose input its arguments are."""

SUPPLIED_BY_PIPELINES = {"ProcessingJobName", "TransformJobName", "ModelName"}
"""Required by the API, and named by the pipeline itself when it runs."""

_SCALARS = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}
_VARIABLES = ({"Get"}, {"Std:Join"}, {"Std:JsonGet"})


def step_faults(step: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with the arguments of one step, each with its path."""
    shape = _input_shape(OPERATIONS[step["Type"]])
    return list(_structure_faults(step["Arguments"], shape, step["Name"], SUPPLIED_BY_PIPELINES))


def request_faults(operation: str, request: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a request to SageMaker; botocore makes tokens itself."""
    shape = _input_shape(operation)
    made = {name for name, member in shape.members.items() if member.metadata.get("idempotencyToken")}
    return list(_structure_faults(request, shape, operation, made))


def is_pipeline_variable(value: Any) -> bool:
    """Whether a value is filled in when the pipeline runs."""
    return isinstance(value, dict) and set(value) in _VARIABLES


@lru_cache(maxsize=1)
def _service_model() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def _input_shape(operation: str) -> Shape:
    return _service_model().operation_model(operation).input_shape


def _faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure_faults(value, shape, path, set())
    elif shape.type_name == "list":
        yield from _list_faults(value, shape, path)
    elif shape.type_name == "map":
        yield from _map_faults(value, shape, path)
    elif not is_pipeline_variable(value):
        yield from _scalar_faults(value, shape, path)


def _structure_faults(value: Any, shape: Shape, path: str, supplied: set[str]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not a structure"
        return
    for name in sorted(set(shape.required_members) - set(value) - supplied):
        yield f"{path}: required {name} is missing"
    for name, member in value.items():
        if name not in shape.members:
            yield f"{path}: {name} is unknown; valid: {', '.join(shape.members)}"
        else:
            yield from _faults(member, shape.members[name], f"{path}.{name}")


def _list_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not a list"
        return
    yield from _bound_faults(len(value), shape, path, "members")
    for index, member in enumerate(value):
        yield from _faults(member, shape.member, f"{path}[{index}]")


def _map_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not a map"
        return
    yield from _bound_faults(len(value), shape, path, "entries")
    for key, member in value.items():
        yield from _scalar_faults(key, shape.key, f"{path} key")
        yield from _faults(member, shape.value, f"{path}[{key!r}]")


def _scalar_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    is_misplaced_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if is_misplaced_bool or not isinstance(value, _SCALARS[shape.type_name]):
        yield f"{path}: {value!r} is not of type {shape.type_name}"
    elif isinstance(value, str):
        yield from _bound_faults(len(value), shape, path, "characters")
        yield from _text_faults(value, shape, path)
    elif not isinstance(value, bool):
        yield from _bound_faults(value, shape, path, "as value")


def _text_faults(value: str, shape: Shape, path: str) -> Iterator[str]:
    if getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_python_pattern(pattern), value):
        yield f"{path}: {value!r} does not match {pattern}"


def _bound_faults(measure: float, shape: Shape, path: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measure < least:
        yield f"{path}: {measure} {unit} is below the minimum of {least}"
    if most is not None and measure > most:
        yield f"{path}: {measure} {unit} is above the maximum of {most}"


def _python_pattern(pattern: str) -> str:
    """Translate what Python's `re` lacks: a Unicode property within brackets is taken as any character.

    [src] The patterns of CustomerMetadataProperties end with `${1,256}`, an end that is repeated; minimum and
    maximum say their lengths too.
    """
    return re.sub(r"\\p\{\w+\}", r"\\s\\S", re.sub(r"\$\{\d+,\d+\}$", "", pattern))
