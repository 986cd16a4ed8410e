"""The pipeline that a plan is for: its definition, deployed or compiled, and the values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import CallerError, near_matches
from emulator.definition import Definition, parameter_values, read_definition
from pipelines.parameter_specs import PARAMETER_SPECS, check_values
from runner.aws.session import AwsConnection
from runner.aws.upsert import deployed_pipeline

_PREPARE, _SCORE = "PrepareInput", "ScoreShards"


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What is to be planned.

    Attributes:
        name: Of a deployed pipeline; empty for one as the code has it.
        pipeline: Where none is deployed: one of `pipelines.definition.PIPELINES`.
        choices: Where none is deployed: what its `get_pipeline` takes, such as `wire`.
        role_arn: Role of every job; empty for that of the deployed pipeline.
        parameters: By name, as text; they beat the defaults.
        instance_types: Types to compare for scoring, each `TYPE` or `TYPE=RECORDS_PER_SECOND`; none for that
            of the parameters.
    """

    name: str = ""
    pipeline: str = "production"
    choices: Mapping[str, str] = field(default_factory=dict)
    role_arn: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    instance_types: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlannedPipeline:
    """A pipeline with its parameters.

    Attributes:
        definition: As AWS has it, or would.
        role_arn: Role of every job; empty where it is not known.
        values: Of each parameter that has one which is allowed, in its type.
        faults: What is wrong with parameters.
    """

    definition: Definition
    role_arn: str
    values: Mapping[str, Any]
    faults: tuple[str, ...]

    @property
    def wire_name(self) -> str:
        """Name of the wire format."""
        arguments = self.definition.steps[_PREPARE].arguments["AppSpecification"]["ContainerArguments"]
        return str(arguments[arguments.index("--wire-format") + 1])

    @property
    def has_disk_key(self) -> bool:
        """Whether the disks of transform instances are encrypted with a key of one's own."""
        return bool(self.definition.steps[_SCORE].arguments["TransformResources"].get("VolumeKmsKeyId"))

    @property
    def host_count(self) -> int:
        """Instances that prepare."""
        return int(self.values.get("ProcessingInstanceCount", 1))


def find_pipeline_to_plan(request: PlanRequest, connection: AwsConnection) -> PlannedPipeline:
    """Return the pipeline and its parameters, with every fault of those.

    Raises:
        CallerError: There is no such pipeline, or it is none of ours.
    """
    role_arn = request.role_arn
    if request.name:
        deployed = deployed_pipeline(connection, request.name)
        text, role_arn = deployed.definition_text, role_arn or deployed.role_arn
    else:
        text = _compiled(request, connection.region)
    definition = read_definition(text)
    if not {_PREPARE, _SCORE} <= set(definition.steps):
        raise CallerError(
            f"{request.name or request.pipeline}: has no step {_PREPARE} or {_SCORE}; nothing to plan"
        )
    values, faults = values_and_faults(definition, request.parameters)
    return PlannedPipeline(definition=definition, role_arn=role_arn, values=values, faults=tuple(faults))


def values_and_faults(definition: Definition, given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the values that are allowed, and what is wrong with the others."""
    faults = [
        f"unknown parameter {name!r}; {near_matches(name, definition.parameters)}"
        for name in given
        if name not in definition.parameters
    ]
    values: dict[str, Any] = {}
    for name, declared in definition.parameters.items():
        alone = Definition(parameters={name: declared}, steps={})
        try:
            value = parameter_values(alone, {name: given[name]} if name in given else {})
            check_values(value)
        except CallerError as fault:
            faults.append(str(fault))
        else:
            values.update(value)
    try:
        check_values(values)  # what two of them say together
    except CallerError as fault:
        faults.append(str(fault))
    return values, faults


def choices_of(request: PlanRequest, values: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return each instance type to compare, with the records that one instance scores a second.

    Raises:
        CallerError: A rate is no whole number above 0.
    """
    spec = PARAMETER_SPECS["RecordsPerSecondPerInstance"]
    rate = int(values.get(spec.name, spec.default))
    choices = []
    for text in request.instance_types or (str(values.get("TransformInstanceType", "")),):
        name, _, own_rate = text.partition("=")
        if own_rate and not (own_rate.isdecimal() and int(own_rate)):
            raise CallerError(
                f"--instance-type {text}: the rate is {own_rate!r}; expected whole records a second"
            )
        choices.append((name, int(own_rate or rate)))
    return [choice for choice in choices if choice[0]]


def _compiled(request: PlanRequest, region: str) -> str:
    from pipelines.definition import definition_text  # noqa: PLC0415 - imports the SDK, which takes seconds

    return definition_text(request.pipeline, **request.choices, region=region)
