"""Create or update a pipeline in AWS, having said what would change; nothing is done where nothing changes.

What UpdatePipeline would drop is given to it again: the parallelism configuration. What it does not touch
stays: tags are added or changed, never removed. And the defaults of parameters stay as they are deployed,
unless others are given or all are to be the code's: a schedule that relies on them goes on, and what an
operator tuned is not lost to whoever deploys next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from contracts.errors import CallerError, near_matches
from runner.aws.definition_diff import changes
from runner.aws.errors import is_missing
from runner.aws.session import AwsConnection

MAX_DEFINITION_BYTES = 1024 * 1024
"""[src] `PipelineDefinition` of CreatePipeline: what may be sent inline."""


@dataclass(frozen=True, kw_only=True)
class UpsertRequest:
    """Which pipeline is wanted.

    Attributes:
        pipeline: One of `pipelines.definition.PIPELINES`.
        name: Under which it is deployed.
        role_arn: Role of every job and of the model.
        choices: What its `get_pipeline` takes beside, such as `wire` or `security`.
        defaults: Defaults of parameters, by name, as text.
        tags: Added to those that the pipeline has.
        max_parallel_steps: Steps that may execute at once, or None to keep what is deployed.
        withdrawn: Parameters whose deployed default does not stay.
        resets_defaults: Only defaults that the code does not know stay as they are deployed.
    """

    pipeline: str
    name: str
    role_arn: str
    choices: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    max_parallel_steps: int | None = None
    withdrawn: tuple[str, ...] = ()
    resets_defaults: bool = False


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A pipeline as it is in AWS.

    Attributes:
        arn: Its ARN.
        definition_text: Its definition, JSON.
        role_arn: Role of every job.
        parallelism: Its ParallelismConfiguration; empty for none.
        tags: By key.
    """

    arn: str
    definition_text: str
    role_arn: str
    parallelism: Mapping[str, int]
    tags: Mapping[str, str]

    @property
    def definition(self) -> Mapping[str, Any]:
        """The definition, parsed.

        Raises:
            CallerError: It is no JSON.
        """
        try:
            parsed: Mapping[str, Any] = json.loads(self.definition_text)
        except ValueError as error:
            raise CallerError(f"{self.arn}: the definition that is deployed is no JSON: {error}") from error
        return parsed

    def default_of(self, name: str) -> Any:
        """Return the default of a parameter; None if it has none, or does not exist."""
        declared = {entry["Name"]: entry for entry in self.definition.get("Parameters", [])}
        return declared.get(name, {}).get("DefaultValue")


@dataclass(frozen=True, kw_only=True)
class UpsertPlan:
    """What an upsert would do.

    Attributes:
        request: What was asked for.
        definition: The definition wanted, as text.
        deployed: What there is; None where there is nothing.
        changed: A line for each difference; empty where nothing would be done.
        parallelism: The ParallelismConfiguration wanted; empty for none.
        new_tags: Tags to be added or changed.
    """

    request: UpsertRequest
    definition: str
    deployed: Deployed | None
    changed: tuple[str, ...]
    parallelism: Mapping[str, int]
    new_tags: Mapping[str, str]

    @property
    def action(self) -> str:
        """`create`, `update` or `nothing`."""
        if self.deployed is None:
            return "create"
        return "update" if self.changed else "nothing"


def describe_deployed(connection: AwsConnection, name: str) -> Deployed | None:
    """Return a pipeline as it is in AWS, or None if there is none of that name."""
    client = connection.client("sagemaker")
    try:
        answer = client.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    pages = client.get_paginator("list_tags").paginate(ResourceArn=answer["PipelineArn"])
    return Deployed(
        arn=answer["PipelineArn"],
        definition_text=answer["PipelineDefinition"],
        role_arn=answer["RoleArn"],
        parallelism=answer.get("ParallelismConfiguration") or {},
        tags={tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]},
    )


def deployed_pipeline(connection: AwsConnection, name: str) -> Deployed:
    """Return a pipeline as it is in AWS.

    Raises:
        CallerError: There is none; near matches are named.
    """
    deployed = describe_deployed(connection, name)
    if deployed is not None:
        return deployed
    pages = connection.client("sagemaker").get_paginator("list_pipelines").paginate()
    names = [entry["PipelineName"] for page in pages for entry in page["PipelineSummaries"]]
    known = near_matches(name, names) if names else "there is none at all"
    raise CallerError(
        f"pipeline {name!r} does not exist in {connection.region}; {known}; `batchscore upsert` makes one"
    )


def plan_upsert(request: UpsertRequest, connection: AwsConnection) -> UpsertPlan:
    """Compile what is wanted and compare it with what there is; changes nothing.

    Raises:
        CallerError: A choice or a default is not allowed.
    """
    deployed = describe_deployed(connection, request.name)
    definition = _compiled(request, deployed, connection.region)
    if len(definition.encode()) > MAX_DEFINITION_BYTES:
        raise CallerError(f"the definition of {request.name} is larger than {MAX_DEFINITION_BYTES} bytes")
    parallelism: Mapping[str, int] = deployed.parallelism if deployed else {}
    if request.max_parallel_steps is not None:
        parallelism = {"MaxParallelExecutionSteps": request.max_parallel_steps}
    tags = deployed.tags if deployed else {}
    new_tags = {key: value for key, value in request.tags.items() if tags.get(key) != value}
    changed: list[str] = []
    if deployed is not None:
        before = {"RoleArn": deployed.role_arn, "Parallelism": dict(deployed.parallelism), "Tags": dict(tags)}
        after = {"RoleArn": request.role_arn, "Parallelism": parallelism, "Tags": {**tags, **new_tags}}
        changed = changes(before, after) + changes(deployed.definition, json.loads(definition))
    return UpsertPlan(
        request=request,
        definition=definition,
        deployed=deployed,
        changed=tuple(changed),
        parallelism=parallelism,
        new_tags=new_tags,
    )


def apply_upsert(plan: UpsertPlan, connection: AwsConnection) -> str:
    """Do what was planned; return the pipeline's ARN."""
    client, request = connection.client("sagemaker"), plan.request
    wanted: dict[str, Any] = {
        "PipelineName": request.name,
        "PipelineDefinition": plan.definition,
        "RoleArn": request.role_arn,
    }
    if plan.parallelism:
        wanted["ParallelismConfiguration"] = dict(plan.parallelism)
    tags = [{"Key": key, "Value": value} for key, value in plan.new_tags.items()]
    if plan.deployed is None:
        # botocore makes the request's token: a call that it repeats creates one pipeline.
        return str(client.create_pipeline(**wanted, Tags=tags)["PipelineArn"])
    if plan.action == "update":
        client.update_pipeline(**wanted)
        if tags:
            client.add_tags(ResourceArn=plan.deployed.arn, Tags=tags)
    return plan.deployed.arn


def _compiled(request: UpsertRequest, deployed: Deployed | None, region: str) -> str:
    from pipelines.definition import definition_text  # noqa: PLC0415 - imports the SDK, which takes seconds

    def compiled(defaults: Mapping[str, Any]) -> str:
        text = definition_text(
            request.pipeline,
            **request.choices,
            role_arn=request.role_arn,
            pipeline_name=request.name,
            defaults=defaults,
            region=region,
        )
        return json.dumps(json.loads(text), ensure_ascii=False)

    text = compiled(request.defaults)
    if deployed is None:
        return text
    declared = {entry["Name"]: entry for entry in json.loads(text)["Parameters"]}
    kept_names = [
        name
        for name, entry in declared.items()
        if name not in {*request.withdrawn, *request.defaults}
        and not (request.resets_defaults and "DefaultValue" in entry)
    ]
    kept = {name: value for name in kept_names if (value := deployed.default_of(name)) is not None}
    return compiled({**request.defaults, **kept}) if kept else text
