"""`batchscore results` and `batchscore resume` for runs in AWS."""

from __future__ import annotations

import json

import typer

from runner.aws.results import came_to, results_in_aws, resume_refusal
from runner.aws.resume import resume_in_aws
from runner.aws.run_record import read_run
from runner.aws.session import AwsConnection
from runner.aws.start import StartedRun
from runner.aws.watch import WatchOptions, wait_for_run
from runner.console import PatientConsole
from runner.lost_run import UNFINISHED, Resumption
from runner.summary import print_summary


def results_command(arn: str, connection: AwsConnection, *, as_json: bool) -> None:
    """Print what came of a run; if it did not succeed, how far it came and which command goes on."""
    run = read_run(connection, arn)
    results = results_in_aws(run, connection)
    if as_json:
        document = {**results.as_json(), "execution_arn": run.newest.arn}
        typer.echo(json.dumps(document, indent=2, default=str))
        return
    print_summary(results)
    console = PatientConsole(highlight=False, soft_wrap=True)
    if run.record.status == "Succeeded":
        return
    console.print(f"  came to: {came_to(run, connection)}", markup=False)
    if run.record.status in UNFINISHED:
        console.print(f"  follow it: batchscore status {run.newest.arn} --wait", markup=False)
    elif results.resume_command is None:
        console.print(f"  {resume_refusal(run, connection)}", markup=False)


def resume_command(
    arn: str, connection: AwsConnection, options: WatchOptions, *, waits: bool, as_json: bool
) -> StartedRun:
    """Start the execution that finishes a lost run; on request, follow it and print what came of the run.

    Raises:
        CallerError: The run or a resumption of it executes, or it cannot be resumed.
        RunFailedError: It was waited for, and failed or was stopped again.
    """
    started = resume_in_aws(arn, connection, None if as_json else _tell)
    if as_json:
        facts = {"pipeline": started.pipeline_name, "run_id": started.run_id, "execution_arn": started.arn}
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo(f"resumed by {started.arn}")
    if not waits:
        if not as_json:
            typer.echo(f"  follow it: batchscore status {started.arn} --wait")
        return started
    wait_for_run(connection, started.arn, options)
    if not as_json:
        print_summary(results_in_aws(read_run(connection, arn), connection))
    return started


def _tell(resumption: Resumption) -> None:
    shards = f"{len(resumption.missing):,} of {resumption.plan.shard_count:,} shards are left to score"
    PatientConsole(stderr=True, highlight=False, soft_wrap=True).print(
        f"run {resumption.record.run_id}: {shards}"
    )
