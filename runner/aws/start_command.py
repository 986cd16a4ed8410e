"""`batchscore start`: start a run in AWS, and on request follow it to its end."""

from __future__ import annotations

import json

import typer

from runner.aws.session import AwsConnection
from runner.aws.start import StartedRun, StartRequest, start_run


def start_command(request: StartRequest, connection: AwsConnection, *, as_json: bool) -> StartedRun:
    """Start a run and say which."""
    run = start_run(request, connection)
    if as_json:
        facts = {"pipeline": run.pipeline_name, "run_id": run.run_id, "execution_arn": run.arn}
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo(f"started run {run.run_id} of {run.pipeline_name}")
        typer.echo(f"  follow it: batchscore status {run.arn} --wait")
    return run
