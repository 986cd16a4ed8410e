"""What is typed for a command in AWS, put together with what the stack of the deployment says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import CallerError, near_matches
from pipelines.definition import DEFAULT_NAMES
from runner.aws.run_shape import RunShape, shape_in
from runner.aws.session import AwsConnection
from runner.aws.stack import StackSettings, stack_settings
from runner.aws.upsert import Deployed, UpsertRequest, describe_deployed


@dataclass(frozen=True, kw_only=True)
class UpsertOptions:
    """The options of `batchscore upsert`, as typed; what is empty comes from the stack, else as deployed.

    Attributes:
        pipeline: `candidate`, `production` or `resume`.
        name: Under which it is deployed.
        stack: CloudFormation stack with the settings of the deployment.
        role_arn: Role of every job.
        choices: Of the shape, such as `wire`.
        defaults: Defaults of parameters, by name.
        kms_key: Key for disks and outputs.
        subnets: Of the VPC.
        security_groups: Of the VPC.
        encrypt_traffic: Between several preparing instances.
        tags: By key.
        max_parallel_steps: Or None to keep what is deployed.
        resets_defaults: Defaults of the code instead of those that are deployed.
    """

    pipeline: str
    name: str = ""
    stack: str = ""
    role_arn: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    kms_key: str = ""
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    encrypt_traffic: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    max_parallel_steps: int | None = None
    resets_defaults: bool = False


def upsert_request(options: UpsertOptions, connection: AwsConnection) -> UpsertRequest:
    """Return the request that the options and the stack mean together.

    Raises:
        CallerError: There is no such pipeline or stack, or no role is named anywhere.
    """
    if options.pipeline not in DEFAULT_NAMES:
        raise CallerError(
            f"pipeline {options.pipeline!r} is unknown; {near_matches(options.pipeline, DEFAULT_NAMES)}"
        )
    stack = stack_settings(connection, options.stack)
    name = options.name or stack.pipeline_name(options.pipeline) or DEFAULT_NAMES[options.pipeline]
    deployed = describe_deployed(connection, name)
    role_arn = options.role_arn or stack.role_arn or (deployed.role_arn if deployed else "")
    if not role_arn:
        raise CallerError(
            "no role is named; give --role-arn, or --stack with the name of a stack whose outputs have "
            "PipelineRoleArn"
        )
    shape = _deployed_shape(deployed, options.pipeline)
    choices = {**(shape.choices if shape else {}), **options.choices}
    return UpsertRequest(
        pipeline=options.pipeline,
        name=name,
        role_arn=role_arn,
        choices={**choices, "security": _security(options, stack, shape)},
        defaults={**_defaults_for(options.pipeline, stack), **options.defaults},
        tags=options.tags,
        max_parallel_steps=options.max_parallel_steps,
        resets_defaults=options.resets_defaults,
    )


def _deployed_shape(deployed: Deployed | None, pipeline: str) -> RunShape | None:
    """Return the shape of what is deployed; None where there is nothing, or only resumptions."""
    if deployed is None or pipeline == "resume":
        return None
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in deployed.definition["Parameters"]}
    shape = shape_in(deployed.definition_text, defaults, deployed.arn)
    if shape.resumed != pipeline:
        raise CallerError(f"{deployed.arn} is a {shape.resumed} pipeline, no {pipeline}; name another")
    return shape


def _security(options: UpsertOptions, stack: StackSettings, shape: RunShape | None) -> Any:
    from steps.job_security import JobSecurity  # noqa: PLC0415 - steps come with the SDK

    # A stack says all of it; without one, what is deployed stays.
    known = dict(shape.security) if shape and not options.stack else dict(stack.security)
    typed: dict[str, Any] = {}
    if options.encrypt_traffic or (shape and shape.security["encrypt_traffic"]):
        typed["encrypt_traffic"] = True
    if options.kms_key:
        typed["kms_key_id"] = options.kms_key
    if options.subnets or options.security_groups:
        typed["subnet_ids"] = tuple(options.subnets)
        typed["security_group_ids"] = tuple(options.security_groups)
    return JobSecurity(**{**known, **typed})


def _defaults_for(pipeline: str, stack: StackSettings) -> dict[str, str]:
    """Return the stack's defaults, as far as the pipeline has such parameters."""
    if pipeline == "candidate":
        return stack.defaults
    return {name: value for name, value in stack.defaults.items() if name != "ModelPackageGroupName"}
