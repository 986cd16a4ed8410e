"""A run in AWS as one `RunRecord`: its own execution and, if it was resumed, those that went on with it.

So that what is said of a run, and whether it can be resumed, is decided by the same code as for a local run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.errors import CallerError
from emulator.run_record import RunRecord, StepRecord
from pipelines.definition import DEFAULT_NAMES
from runner.aws.execution import (
    Executed,
    ExecutionState,
    StepState,
    execution_id,
    given_parameters,
    list_executions,
    pipeline_in,
    read_executed,
    read_state,
)
from runner.aws.run_shape import RunShape, shape_of
from runner.aws.session import AwsConnection
from runner.aws.status import iso
from runner.aws.upsert import describe_deployed

RESUME_NAME = DEFAULT_NAMES["resume"]


@dataclass(frozen=True, kw_only=True)
class AwsRun:
    """A run and all that executed for it.

    Attributes:
        executed: What the run's own execution executes.
        shape: Read off that.
        record: The run as it is now, its resumptions included; `process_id` is 0.
        newest: The execution that was started last: the run's own, or its last resumption.
    """

    executed: Executed
    shape: RunShape
    record: RunRecord
    newest: ExecutionState


def read_run(connection: AwsConnection, arn: str) -> AwsRun:
    """Ask for a run, by the ARN of its own execution or of a resumption of it.

    Raises:
        CallerError: The execution is of no pipeline of ours.
    """
    executed = _of_run_itself(connection, read_executed(connection, arn))
    shape, own = shape_of(executed), read_state(connection, executed.arn)
    resumed = resumptions(connection, executed.run_id, own.started_at)
    attempts = [own, *(read_state(connection, resumption) for resumption in resumed)]
    return AwsRun(
        executed=executed, shape=shape, record=_record(executed, shape, attempts), newest=attempts[-1]
    )


def resumptions(connection: AwsConnection, run_id: str, since: dt.datetime) -> list[str]:
    """Return the ARN of every execution that resumed a run which began at `since`, oldest first."""
    if describe_deployed(connection, RESUME_NAME) is None:
        return []
    listed = sorted(list_executions(connection, RESUME_NAME, since), key=lambda entry: entry["StartTime"])
    arns = [str(entry["PipelineExecutionArn"]) for entry in listed]
    return [arn for arn in arns if given_parameters(connection, arn).get("RunId") == run_id]


def _of_run_itself(connection: AwsConnection, executed: Executed) -> Executed:
    if "RunId" not in executed.parameters:
        return executed
    base = executed.arn.split(":pipeline/", 1)[0]
    # [doc] Names of pipelines stand in ARNs in lower case.
    name = executed.parameters["RunPipelineName"].lower()
    return read_executed(connection, f"{base}:pipeline/{name}/execution/{executed.run_id}")


def _record(executed: Executed, shape: RunShape, attempts: list[ExecutionState]) -> RunRecord:
    if "OutputUri" not in executed.parameters:
        raise CallerError(
            f"{executed.arn}: has no parameter OutputUri; its pipeline was not made by batchscore"
        )
    own, newest = attempts[0], attempts[-1]
    steps: dict[str, StepRecord] = {}
    for attempt in attempts:
        for step in attempt.steps:
            steps.pop(step.name, None)  # what was executed again stands where it was executed last
            steps[step.name] = _step(step)
    return RunRecord(
        run_id=execution_id(own.arn),
        pipeline_name=pipeline_in(own.arn),
        parameters=executed.parameters,
        process_id=0,
        started_at=iso(own.started_at),
        finished_at=iso(newest.ended_at),
        status=newest.status,
        failure_reason=_reason(newest, steps),
        steps=steps,
        choices=shape.choices,
        resumed_at=tuple(iso(attempt.started_at) for attempt in attempts[1:]),
    )


def _step(step: StepState) -> StepRecord:
    seconds = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else 0.0
    return StepRecord(
        type=step.kind,
        status=step.status,
        started_at=iso(step.started_at),
        finished_at=iso(step.ended_at),
        seconds=seconds,
        outcome=step.branch or step.reason,
        made=step.arn if step.kind == "RegisterModel" else "",
    )


def _reason(newest: ExecutionState, steps: Mapping[str, StepRecord]) -> str:
    if newest.status == "Succeeded":
        return ""
    failed = [f"{name}: {step.outcome}" for name, step in steps.items() if step.status == "Failed"]
    return "; ".join(failed) or newest.reason
