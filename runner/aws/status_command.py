"""`batchscore status` and `batchscore stop`: how a run in AWS is, and its end."""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console

from runner.aws.execution import execution_id
from runner.aws.session import AwsConnection
from runner.aws.status import RunObserver, RunStatus
from runner.aws.status_view import print_status
from runner.aws.stop import stop_run
from runner.aws.watch import WatchOptions, follow
from runner.console import PatientConsole


def status_command(
    arn: str, connection: AwsConnection, options: WatchOptions, *, waits: bool, as_json: bool
) -> None:
    """Print how a run is, now or once it has ended.

    Args:
        arn: Of the pipeline execution.
        connection: Where it is.
        options: How it is followed, and the prices that are known.
        waits: Follow it to its end first.
        as_json: Print JSON to standard output, and no text there.

    Raises:
        RunFailedError: It was waited for, and failed or was stopped.
    """
    if waits:
        status = follow(connection, arn, options, PatientConsole(stderr=True))
    else:
        status = RunObserver(connection, arn, options.now).look()
    _show(status, options, PatientConsole(), as_json=as_json)
    if waits:
        status.check_succeeded()


def stop_command(
    arn: str, connection: AwsConnection, options: WatchOptions, *, waits: bool, as_json: bool
) -> None:
    """Stop a run, or say that there is nothing to stop any more; both are what was wanted.

    Args:
        arn: Of the pipeline execution.
        connection: Where it is.
        options: How its end is waited for.
        waits: Return once it has ended.
        as_json: Print JSON to standard output, and no text there.
    """
    outcome = stop_run(connection, arn)
    status = outcome.status
    if waits and not outcome.has_ended:
        status = follow(connection, arn, options, PatientConsole(stderr=True)).state.status
    if as_json:
        facts = {
            "run_id": execution_id(arn),
            "execution_arn": arn,
            "status": status,
            "asked": outcome.was_asked,
        }
        typer.echo(json.dumps(facts, indent=2))
        return
    if outcome.was_asked or not outcome.has_ended:
        typer.echo(f"run {execution_id(arn)}: {status}; shards that have scores keep them")
        typer.echo(f"  to go on with it: batchscore resume {arn}")
    else:
        typer.echo(f"run {execution_id(arn)} has ended already: {status}")


def _show(status: RunStatus, options: WatchOptions, console: Console, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(status.as_json(options.prices), indent=2) + "\n")
        return
    print_status(status, options.prices, console)
