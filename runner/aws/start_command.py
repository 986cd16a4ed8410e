"""`batchscore start`: start a run in AWS, and on request follow it to its end."""

from __future__ import annotations

import json

import typer

from runner.aws.session import AwsConnection
from runner.aws.start import StartedRun, StartRequest, start_run
from runner.aws.watch import WatchOptions, wait_for_run


def start_command(
    request: StartRequest, connection: AwsConnection, watch: WatchOptions | None, *, as_json: bool
) -> StartedRun:
    """Start a run, say which, and follow it if there are options for that.

    Raises:
        RunFailedError: It was followed, and failed.
    """
    run = start_run(request, connection)
    if as_json:
        facts = {"pipeline": run.pipeline_name, "run_id": run.run_id, "execution_arn": run.arn}
        typer.echo(json.dumps({**facts, "parameters": run.parameters}, indent=2))
    else:
        typer.echo(f"started run {run.run_id} of {run.pipeline_name}")
        for name in run.parameters.keys() - request.parameters.keys():
            typer.echo(f"  {name}={run.parameters[name]}, computed from the input")
    if watch is not None:
        wait_for_run(connection, run.arn, watch)
    elif not as_json:
        typer.echo(f"  follow it: batchscore status {run.arn} --wait")
    return run
