"""Commands of `batchscore` for runs in AWS: foretell, start, watch and stop them, and promote models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli_options import (
    JsonOption,
    NameOption,
    PollOption,
    ProfileOption,
    RegionOption,
    RunArgument,
    ShapePrepareOption,
    ShapeWireOption,
    StackOption,
    WaitOption,
    given,
)

if TYPE_CHECKING:
    from runner.aws.session import AwsConnection
    from runner.aws.watch import WatchOptions

runs_app = typer.Typer()


@runs_app.command()
def plan(  # noqa: PLR0913, PLR0917 - one argument an option; they become one PlanRequest
    name: Annotated[str, typer.Option(help="Deployed pipeline, for its parameters and role.")] = "",
    stack: StackOption = "",
    pipeline: Annotated[
        str,
        typer.Option(help="candidate or production; with neither --name nor --stack, as the code has it."),
    ] = "production",
    instance_type: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE[=RATE]",
            help="Type to score on, and the records that one scores a second; repeatable, to compare.",
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A pipeline parameter; repeatable."),
    ] = None,
    role_arn: Annotated[str, typer.Option(help="Role of every job [default: the deployed one]")] = "",
    wire: Annotated[
        str, typer.Option(help="Where none is deployed: arrow, parquet, csv, jsonlines or recordio.")
    ] = "arrow",
    prepare: Annotated[str, typer.Option(help="Where none is deployed: single or sharded.")] = "single",
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Folder that keeps prices [default: .batchscore]", show_default=False),
    ] = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a run, and foretell its shards, instances, time and cost; starts nothing and changes nothing.

    Says every fault at once and ends with 2 if there is one. What may not be asked is `not checked`. Prices
    come from the AWS Price List API and are kept for the day.

    \b
    Examples:
      batchscore plan --stack batchscore
      batchscore plan --stack batchscore --instance-type ml.m5.xlarge --instance-type ml.c5.2xlarge
      batchscore plan --name batchscore-production -p InputUri=s3://data/2026-11-23/ --json
    """
    import datetime as dt  # noqa: PLC0415 - see runner.cli
    import os  # noqa: PLC0415

    from runner.aws.plan import make_plan  # noqa: PLC0415
    from runner.aws.plan_command import show_plan  # noqa: PLC0415
    from runner.aws.planned_pipeline import PlanRequest  # noqa: PLC0415
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415
    from runner.aws.stack import deployed_name  # noqa: PLC0415
    from runner.local_state import state_folder  # noqa: PLC0415
    from runner.run_command import parse_parameters  # noqa: PLC0415

    connection = connect(AwsSettings(region=region, profile=profile))
    request = PlanRequest(
        name=deployed_name(connection, pipeline, name, stack) if name or stack else "",
        pipeline=pipeline,
        choices={"wire": wire, "prepare": prepare},
        role_arn=role_arn,
        parameters=parse_parameters(parameter or []),
        instance_types=tuple(instance_type or ()),
    )
    today = dt.datetime.now(dt.timezone.utc).date()
    show_plan(
        make_plan(request, connection, state_folder(os.environ, state) / "prices", today), as_json=as_json
    )


@runs_app.command()
def start(  # noqa: PLR0913, PLR0917 - one argument an option
    name: Annotated[
        str, typer.Option(help="Pipeline in AWS [default: the stack's, else batchscore-production]")
    ] = (""),
    stack: StackOption = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A pipeline parameter; repeatable."),
    ] = None,
    if_running: Annotated[
        str, typer.Option(help="Where a run executes already: refuse, queue (wait for it) or start.")
    ] = "refuse",
    display_name: Annotated[str, typer.Option(help="Name of the run in Studio.")] = "",
    wait: WaitOption = False,
    poll: PollOption = 15,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a run of a deployed pipeline; everything that can be checked is checked before.

    With --wait the exit code is 1 if the run failed or was stopped. Ctrl-C ends the watching, not the run.

    \b
    Examples:
      batchscore start --stack batchscore --wait
      batchscore start --name batchscore-candidate -p ModelArtifactUri=s3://models/churn/model.tar.gz
      batchscore start --stack batchscore --if-running queue -p RunDate=2026-11-23
    """
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415 - see runner.cli
    from runner.aws.stack import deployed_name  # noqa: PLC0415
    from runner.aws.start import StartRequest  # noqa: PLC0415
    from runner.aws.start_command import start_command  # noqa: PLC0415
    from runner.run_command import parse_parameters  # noqa: PLC0415

    connection = connect(AwsSettings(region=region, profile=profile))
    request = StartRequest(
        name=deployed_name(connection, "production", name, stack),
        parameters=parse_parameters(parameter or []),
        if_running=if_running,
        display_name=display_name,
    )
    start_command(request, connection, watch_options(poll, connection) if wait else None, as_json=as_json)


@runs_app.command()
def status(  # noqa: PLR0913, PLR0917 - one argument an option
    run: RunArgument = None,
    name: NameOption = "",
    stack: StackOption = "",
    wait: WaitOption = False,
    poll: PollOption = 15,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a run in AWS is: its steps, why one failed, the rate, and what it cost so far.

    With --wait the exit code is 1 if the run failed or was stopped. Ctrl-C ends the watching, not the run.

    \b
    Examples:
      batchscore status
      batchscore status --name batchscore-candidate --wait
      batchscore status arn:aws:sagemaker:eu-central-1:1111…:pipeline/churn/execution/abc123def456 --json
    """
    from runner.aws.status_command import status_command  # noqa: PLC0415 - see runner.cli

    arn, connection = find_run(run, name, stack, region, profile)
    status_command(arn, connection, watch_options(poll, connection), waits=wait, as_json=as_json)


@runs_app.command()
def stop(  # noqa: PLR0913, PLR0917 - one argument an option
    run: Annotated[
        str, typer.Argument(help="ARN or id of a pipeline execution, as `batchscore status` shows it.")
    ],
    name: NameOption = "",
    stack: StackOption = "",
    wait: Annotated[bool, typer.Option("--wait", help="Return once it has ended.")] = False,
    poll: PollOption = 15,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop a run in AWS; one that has ended already is left as it is, which is no error.

    \b
    Examples:
      batchscore stop abc123def456
      batchscore stop abc123def456 --name batchscore-candidate --wait
    """
    from runner.aws.status_command import stop_command  # noqa: PLC0415 - see runner.cli

    arn, connection = find_run(run, name, stack, region, profile)
    stop_command(arn, connection, watch_options(poll, connection), waits=wait, as_json=as_json)


@runs_app.command()
def promote(  # noqa: PLR0913, PLR0917 - one argument an option
    group: Annotated[str, typer.Option(help="Model package group [default: the stack's]")] = "",
    name: Annotated[
        str, typer.Option("--pipeline", help="Name in AWS [default: the stack's, else batchscore-production]")
    ] = "",
    stack: StackOption = "",
    role_arn: Annotated[str, typer.Option(help="Role of every job [default: the stack's]")] = "",
    package: Annotated[
        str, typer.Option(metavar="ARN", help="Package that an event is about; must be of the group.")
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Default of a parameter; repeatable."),
    ] = None,
    wire: ShapeWireOption = None,
    prepare: ShapePrepareOption = None,
    if_running: Annotated[
        str, typer.Option(help="Where a run executes already: queue (wait for it), refuse or start.")
    ] = "queue",
    wait: WaitOption = False,
    poll: PollOption = 15,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the newest approved model package score in production, and start a run with it.

    Looks at the registry as it is: after an approval, the newest package takes over and is started once;
    after a rejection, production goes back to the newest package that is still approved, and nothing is
    started. Doing it twice does no harm.

    \b
    Examples:
      batchscore promote --stack batchscore --wait
      batchscore promote --group churn --pipeline churn-production --role-arn arn:aws:iam::1111…:role/scoring
    """
    from runner.aws.options import UpsertOptions  # noqa: PLC0415 - see runner.cli
    from runner.aws.promote_command import promote_command  # noqa: PLC0415
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415
    from runner.run_command import parse_parameters  # noqa: PLC0415

    options = UpsertOptions(
        pipeline="production",
        name=name,
        stack=stack,
        role_arn=role_arn,
        choices=given(wire=wire, prepare=prepare),
        defaults=parse_parameters(parameter or []),
    )
    connection = connect(AwsSettings(region=region, profile=profile))
    promote_command(
        options,
        connection,
        group=group,
        package_arn=package,
        if_running=if_running,
        watch=watch_options(poll, connection) if wait else None,
        as_json=as_json,
    )


def find_run(
    run: str | None, name: str, stack: str, region: str | None, profile: str | None
) -> tuple[str, AwsConnection]:
    """Return the ARN of the execution that is meant, and a connection to where it is."""
    from runner.aws.execution import find_execution, is_arn, settings_for  # noqa: PLC0415 - see runner.cli
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415
    from runner.aws.stack import deployed_name  # noqa: PLC0415

    connection = connect(settings_for(run, AwsSettings(region=region, profile=profile)))
    pipeline = "" if is_arn(run) else deployed_name(connection, "production", name, stack)
    return find_execution(connection, run, pipeline), connection


def watch_options(poll_seconds: float, connection: AwsConnection) -> WatchOptions:
    """Return how a run is followed, with the prices that `plan` has kept."""
    import datetime as dt  # noqa: PLC0415 - see runner.cli
    import os  # noqa: PLC0415

    from runner.aws.prices import kept_prices  # noqa: PLC0415
    from runner.aws.watch import WatchOptions  # noqa: PLC0415
    from runner.local_state import state_folder  # noqa: PLC0415

    today = dt.datetime.now(dt.timezone.utc).date()
    prices = kept_prices(connection.region, state_folder(os.environ) / "prices", today)
    return WatchOptions(poll_seconds=poll_seconds, prices=prices)
