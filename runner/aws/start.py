"""Start a run of a deployed pipeline, once everything that can be checked is right.

Parameters are checked against the definition that is deployed, not against the code at hand: what AWS
executes is what is there. A run that executes already is found by listing; AWS itself would start a second
one beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import typer

from contracts.errors import CallerError, near_matches
from emulator.definition import parameter_values, read_definition
from pipelines.parameter_specs import check_values
from runner.aws.fixed_sizing import computed_instance_count, is_to_be_computed
from runner.aws.model_packages import check_package
from runner.aws.session import AwsConnection
from runner.aws.upsert import deployed_pipeline
from runner.lost_run import INSTANCE_COUNT, UNFINISHED

IF_RUNNING = ("refuse", "queue", "start")
MAX_PARAMETERS = 200
"""[doc] Of one start."""

QUEUE_POLL_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class StartRequest:
    """Which run is wanted.

    Attributes:
        name: Of the deployed pipeline.
        parameters: By name, as text; the others have their defaults.
        if_running: What to do where a run of the pipeline executes: `refuse`, `queue` (wait for its end) or
            `start` one beside it.
        display_name: Of the execution, in Studio; empty for one that AWS makes.
        token: Of 32 to 128 characters: two starts with the same are one. Empty for a new one.
        needs_approval: Whether the model package must be approved; a candidate's, which a resumption scores
            with, waits for its approval still.
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    if_running: str = "refuse"
    display_name: str = ""
    token: str = ""
    needs_approval: bool = True


@dataclass(frozen=True, kw_only=True)
class StartedRun:
    """A run that AWS has taken.

    Attributes:
        arn: Of the pipeline execution.
        pipeline_name: Of its pipeline.
        parameters: What it was started with, computed ones included, as text.
    """

    arn: str
    pipeline_name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The last part of the ARN, by which the run's files are named."""
        return self.arn.rsplit("/", 1)[-1]


def check_start(request: StartRequest, connection: AwsConnection) -> dict[str, Any]:
    """Return the value of every parameter, having checked them; starts nothing.

    Raises:
        CallerError: There is no such pipeline, a parameter is unknown, missing or not allowed, or the model
            package may not be used; faults of parameters are all named.
    """
    if request.if_running not in IF_RUNNING:
        raise CallerError(
            f"--if-running {request.if_running!r} is unknown; {near_matches(request.if_running, IF_RUNNING)}"
        )
    if len(request.parameters) > MAX_PARAMETERS:
        raise CallerError(f"{len(request.parameters)} parameters are given, AWS takes {MAX_PARAMETERS}")
    deployed = deployed_pipeline(connection, request.name)
    values = parameter_values(read_definition(deployed.definition_text), request.parameters)
    check_values(values)
    if request.needs_approval and "ModelPackageArn" in values:
        check_package(connection, values["ModelPackageArn"])
    return values


def start_run(
    request: StartRequest, connection: AwsConnection, sleep: Callable[[float], None] = time.sleep
) -> StartedRun:
    """Check and start a run.

    Raises:
        CallerError: As `check_start`, or a run executes already and `if_running` is `refuse`.
    """
    values = check_start(request, connection)
    if _wait_for_turn(request, connection, sleep):
        values = check_start(request, connection)  # a model may have been rejected meanwhile
    parameters = dict(request.parameters)
    if is_to_be_computed(values, parameters):
        parameters[INSTANCE_COUNT] = str(computed_instance_count(request.name, parameters, connection))
    wanted: dict[str, Any] = {
        "PipelineName": request.name,
        "PipelineParameters": [{"Name": name, "Value": value} for name, value in parameters.items()],
    }
    if request.display_name:
        wanted["PipelineExecutionDisplayName"] = request.display_name
    if request.token:
        wanted["ClientRequestToken"] = request.token
    answer = connection.client("sagemaker").start_pipeline_execution(**wanted)
    return StartedRun(arn=answer["PipelineExecutionArn"], pipeline_name=request.name, parameters=parameters)


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """A run as AWS lists it.

    Attributes:
        arn: Of the pipeline execution.
        status: `Executing`, `Stopping`, `Stopped`, `Failed`, `Succeeded` or `CompletedWithFailures`.
        display_name: In Studio; empty for none.
    """

    arn: str
    status: str
    display_name: str


def list_runs(connection: AwsConnection, name: str) -> Iterator[ListedRun]:
    """Yield every run of a pipeline, newest first."""
    pages = connection.client("sagemaker").get_paginator("list_pipeline_executions")
    for page in pages.paginate(PipelineName=name, SortBy="CreationTime", SortOrder="Descending"):
        for execution in page["PipelineExecutionSummaries"]:
            yield ListedRun(
                arn=execution["PipelineExecutionArn"],
                status=execution["PipelineExecutionStatus"],
                display_name=execution.get("PipelineExecutionDisplayName", ""),
            )


def executing_run(connection: AwsConnection, name: str) -> str:
    """Return the ARN of the newest run of a pipeline that has not ended; empty if there is none."""
    return next((run.arn for run in list_runs(connection, name) if run.status in UNFINISHED), "")


def _wait_for_turn(request: StartRequest, connection: AwsConnection, sleep: Callable[[float], None]) -> bool:
    """Wait until no run executes, where that was asked for; return whether there was one."""
    has_waited = False
    if request.if_running == "start":
        return has_waited
    while running := executing_run(connection, request.name):
        if request.if_running == "refuse":
            raise CallerError(
                f"{request.name} runs already: {running}; wait with `batchscore status --wait`, end it "
                "with `batchscore stop`, or start with --if-running queue or --if-running start"
            )
        if not has_waited:
            typer.echo(f"{request.name}: waits for its turn; {running} executes", err=True)
        has_waited = True
        sleep(QUEUE_POLL_SECONDS)
    return has_waited
