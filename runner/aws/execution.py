"""Pipeline executions as AWS tells of them: which one is meant, how far its steps are, what it executes.

Asks only; changes nothing. What a step's job runs on and says itself is asked by `runner.aws.jobs`.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from contracts.errors import CallerError, near_matches
from runner.aws.session import AwsConnection, AwsSettings
from runner.aws.upsert import deployed_pipeline
from runner.lost_run import UNFINISHED

_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:([a-z0-9\-]*):[0-9]{12}:pipeline/([^/]+)/execution/([^/]+)")
"""[src] botocore's `PipelineExecutionArn` shape."""

_IDS_TOLD = 20
_OUTCOMES = {"True": "yes", "False": "no"}


@dataclass(frozen=True, kw_only=True)
class StepState:
    """One step of an execution.

    Attributes:
        name: As in the definition.
        kind: What AWS made for it, such as `ProcessingJob`, `TransformJob` or `Condition`; empty before that.
        arn: Of what AWS made; empty where it has none.
        status: `Starting`, `Executing`, `Stopping`, `Stopped`, `Failed` or `Succeeded`.
        started_at: UTC, or None.
        ended_at: UTC, or None.
        attempt: From 1; a retry policy makes more.
        reason: Why it failed, in full; or empty.
        branch: `yes` or `no` of a condition, else empty.
    """

    name: str
    kind: str
    arn: str
    status: str
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    attempt: int
    reason: str
    branch: str


@dataclass(frozen=True, kw_only=True)
class ExecutionState:
    """One execution at one moment.

    Attributes:
        arn: Its ARN.
        status: `Executing`, `Stopping`, `Stopped`, `Failed`, `Succeeded` or `CompletedWithFailures`.
        started_at: UTC.
        ended_at: UTC, or None while it goes on.
        reason: Why it failed, or empty.
        steps: In the order in which they began; steps that have not begun are not among them.
    """

    arn: str
    status: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    reason: str
    steps: tuple[StepState, ...]

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self.status not in UNFINISHED


@dataclass(frozen=True, kw_only=True)
class Executed:
    """What an execution executes; it stays the same for as long as the execution lasts.

    Attributes:
        arn: Of the execution.
        text: The definition, JSON.
        parameters: Value of every parameter that has one, as text.
    """

    arn: str
    text: str
    parameters: Mapping[str, str]

    @property
    def run_id(self) -> str:
        """The run that it writes for: its own, or the one that it resumes."""
        return self.parameters.get("RunId", execution_id(self.arn))

    @property
    def run_uri(self) -> str:
        """Prefix of what is the run's own; ends with `/`.

        Raises:
            CallerError: The pipeline is none of ours.
        """
        if "OutputUri" not in self.parameters:
            raise CallerError(
                f"{self.arn}: has no parameter OutputUri; its pipeline was not made by batchscore"
            )
        return f"{self.parameters['OutputUri'].rstrip('/')}/runs/{self.run_id}/"


def is_arn(run: str | None) -> bool:
    """Say whether a run is named by an ARN, so that AWS is meant."""
    return run is not None and run.startswith("arn:")


def execution_id(arn: str) -> str:
    """Return the last part of an execution's ARN."""
    return arn.rsplit("/", 1)[-1]


def pipeline_in(arn: str) -> str:
    """Return the pipeline's name as it stands in an execution's ARN, in lower case."""
    return arn.rsplit("/", 3)[-3]


def settings_for(run: str | None, settings: AwsSettings) -> AwsSettings:
    """Return the settings with the region that an execution's ARN names, where none was typed."""
    match = _ARN.fullmatch(run or "")
    if match is None or settings.region is not None:
        return settings
    return replace(settings, region=match.group(1))


def find_execution(connection: AwsConnection, run: str | None, pipeline_name: str) -> str:
    """Return the ARN of the execution that is meant.

    Args:
        connection: Where it is looked for.
        run: An execution's ARN; or its id; or None for the newest execution of the pipeline.
        pipeline_name: Of the pipeline, where `run` is no ARN.

    Raises:
        CallerError: It is in another region, or there is no such execution; near matches are named.
    """
    if run is not None and is_arn(run):
        _check_arn(run, connection.region)
        return run
    listed = (str(entry["PipelineExecutionArn"]) for entry in list_executions(connection, pipeline_name))
    seen: list[str] = []
    for arn in listed:
        if run in (None, execution_id(arn)):
            return arn
        seen.append(execution_id(arn))
    if not seen:
        raise CallerError(f"pipeline {pipeline_name} has no run yet; `batchscore start` makes one")
    raise CallerError(
        f"no run {run!r} of pipeline {pipeline_name}; {near_matches(str(run), seen[:_IDS_TOLD])}; "
        "runs of another pipeline are found with --name, local ones without --aws"
    )


def list_executions(
    connection: AwsConnection, pipeline_name: str, since: dt.datetime | None = None
) -> Iterator[Mapping[str, Any]]:
    """Yield the summaries of a pipeline's executions, newest first; those since a moment, if it is given.

    Raises:
        CallerError: There is no such pipeline; near matches are named.
    """
    deployed_pipeline(connection, pipeline_name)
    pages = connection.client("sagemaker").get_paginator("list_pipeline_executions")
    asked: dict[str, Any] = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    if since is not None:
        asked["CreatedAfter"] = since
    for page in pages.paginate(PipelineName=pipeline_name, **asked):
        yield from page["PipelineExecutionSummaries"]


def read_state(connection: AwsConnection, arn: str) -> ExecutionState:
    """Ask how an execution and its steps are now."""
    client = connection.client("sagemaker")
    answer = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    listed = itertools.chain.from_iterable(page["PipelineExecutionSteps"] for page in pages)
    status = answer["PipelineExecutionStatus"]
    return ExecutionState(
        arn=arn,
        status=status,
        started_at=answer["CreationTime"],
        ended_at=None if status in UNFINISHED else answer["LastModifiedTime"],
        reason=answer.get("FailureReason", ""),
        steps=tuple(_step(entry) for entry in listed),
    )


def read_executed(connection: AwsConnection, arn: str) -> Executed:
    """Ask what an execution executes.

    The service documents neither that it lists parameters that were left at their default nor that it does
    not; so defaults are taken from the definition, and what is listed beats them.

    Raises:
        CallerError: Its definition is no JSON.
    """
    client = connection.client("sagemaker")
    text = client.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CallerError(f"{arn}: its definition is no JSON: {error}") from error
    declared = document.get("Parameters", [])
    defaults = {entry["Name"]: str(entry["DefaultValue"]) for entry in declared if "DefaultValue" in entry}
    return Executed(arn=arn, text=text, parameters={**defaults, **given_parameters(connection, arn)})


def given_parameters(connection: AwsConnection, arn: str) -> dict[str, str]:
    """Return the parameters that AWS lists for an execution."""
    pages = connection.client("sagemaker").get_paginator("list_pipeline_parameters_for_execution")
    listed = (page["PipelineParameters"] for page in pages.paginate(PipelineExecutionArn=arn))
    return {entry["Name"]: entry["Value"] for entry in itertools.chain.from_iterable(listed)}


def _check_arn(arn: str, region: str) -> None:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise CallerError(
            f"{arn}: is not the ARN of a pipeline execution; "
            "expected arn:aws:sagemaker:REGION:ACCOUNT:pipeline/NAME/execution/ID"
        )
    if match.group(1) != region:
        raise CallerError(f"{arn}: is in {match.group(1)}, asked is {region}; give --region {match.group(1)}")


def _step(entry: Mapping[str, Any]) -> StepState:
    metadata: Mapping[str, Mapping[str, Any]] = entry.get("Metadata", {})
    kind, facts = next(iter(metadata.items()), ("", {}))
    return StepState(
        name=entry["StepName"],
        kind=kind,
        arn=facts.get("Arn", ""),
        status=entry["StepStatus"],
        started_at=entry.get("StartTime"),
        ended_at=entry.get("EndTime"),
        attempt=max(1, entry.get("AttemptCount", 1)),
        reason=entry.get("FailureReason", "") or facts.get("ErrorMessage", ""),
        branch=_OUTCOMES.get(facts.get("Outcome", ""), ""),
    )
