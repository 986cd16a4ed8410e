"""Resume a run in AWS: deploy the resume pipeline in the run's own shape, and start it under the run's id.

The S3 manifest file of the missing shards goes to `runs/<run id>/resume/<attempt>/`, beside those of earlier
attempts. An attempt is started at most once, whoever else resumes the same run at this moment: its number is
counted from the executions that there are, and makes the token of the start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from contracts.errors import CallerError
from contracts.ledger import POINTER_FILE
from contracts.plan import PLAN_FILE
from emulator.definition import parameter_values, read_definition
from pipelines.parameter_specs import check_values
from runner.aws.objects import list_objects, read_if_there, write_object
from runner.aws.resumption import find_resumption
from runner.aws.run_record import RESUME_NAME, AwsRun, read_run
from runner.aws.session import AwsConnection
from runner.aws.start import StartedRun, StartRequest, start_run
from runner.aws.upsert import UpsertPlan, UpsertRequest, apply_upsert, plan_upsert
from runner.lost_run import UNFINISHED, Resumption, resumed_parameters, run_prefix
from runner.missing_shards import s3_manifest


def resume_in_aws(
    arn: str, connection: AwsConnection, on_found: Callable[[Resumption], None] | None = None
) -> StartedRun:
    """Find out what is left of a run, and start the execution that finishes it.

    Args:
        arn: Of the run's own execution, or of one that resumed it.
        connection: Where it ran.
        on_found: Told what is left, before anything is changed.

    Raises:
        CallerError: The run or a resumption of it executes, or it cannot be resumed; nothing was changed.
    """
    run = read_run(connection, arn)
    _check_ended(run)
    resumption = find_resumption(run, connection)
    if on_found is not None:
        on_found(resumption)
    plan = plan_upsert(_request(run, resumption, connection), connection)
    definition = read_definition(plan.definition)
    parameters = resumed_parameters(resumption, definition.parameters)
    parameters |= _pipeline_name(run, connection)
    check_values(parameter_values(definition, parameters))
    return _start(run, resumption, plan, parameters, connection)


def _check_ended(run: AwsRun) -> None:
    if run.record.status in UNFINISHED:
        raise CallerError(
            f"run {run.record.run_id} is still executing: {run.newest.arn}; wait for its end with "
            f"`batchscore status {run.newest.arn} --wait`, or end it with `batchscore stop {run.newest.arn}`"
        )


def _request(run: AwsRun, resumption: Resumption, connection: AwsConnection) -> UpsertRequest:
    from steps.job_security import JobSecurity  # noqa: PLC0415 - steps come with the SDK

    is_overtaken = _is_overtaken(run, connection)
    return UpsertRequest(
        pipeline="resume",
        name=RESUME_NAME,
        role_arn=run.shape.role_arn,
        choices={
            **run.shape.choices,
            "resumed": run.shape.resumed,
            "resume_at": resumption.resume_at,
            "pointer": "keep" if is_overtaken else "move",
            "security": JobSecurity(**run.shape.security),
        },
    )


def _start(
    run: AwsRun,
    resumption: Resumption,
    plan: UpsertPlan,
    parameters: dict[str, str],
    connection: AwsConnection,
) -> StartedRun:
    s3, uri = connection.client("s3"), parameters.get("ShardManifestUri")
    if uri is not None:
        document = s3_manifest(resumption.shards_uri, [shard.name for shard in resumption.missing])
        write_object(s3, uri, json.dumps(document).encode(), run.shape.security["kms_key_id"])
    apply_upsert(plan, connection)
    token = hashlib.sha256(f"resume {run.executed.arn} {resumption.attempt}".encode()).hexdigest()
    request = StartRequest(
        name=RESUME_NAME,
        parameters=parameters,
        if_running="start",  # another run may be resumed meanwhile
        display_name=f"resume-{run.record.run_id}-{resumption.attempt}",
        token=token,
        needs_approval=False,  # checked above, where it is needed
    )
    return start_run(request, connection)


def _pipeline_name(run: AwsRun, connection: AwsConnection) -> dict[str, str]:
    """Return the pipeline's name as it is written: in ARNs it stands in lower case."""
    base = run.executed.arn.rsplit("/execution/", 1)[0]
    answer = connection.client("sagemaker").describe_pipeline(PipelineName=base)
    return {"RunPipelineName": str(answer["PipelineName"])}


def _is_overtaken(run: AwsRun, connection: AwsConnection) -> bool:
    """Whether the newest published run is one that was prepared later: then the pointer names that one.

    Told by when S3 says that both plans were written. A pointer to a run whose files are gone is moved.
    """
    s3: Any = connection.client("s3")
    output_uri = run_prefix(run.record).rsplit("runs/", 1)[0]
    content = read_if_there(s3, f"{output_uri}pointer/{POINTER_FILE}")
    newest_id = json.loads(content)["run_id"] if content is not None else run.record.run_id
    moments = []
    for run_id in (run.record.run_id, newest_id):
        plans = list_objects(s3, f"{output_uri}runs/{run_id}/plan/{PLAN_FILE}")
        moments += [fact.modified_at for fact in plans]
    return len(moments) == 2 and moments[1] > moments[0]
