"""The commands of `batchscore` that work in AWS; they become part of the command line in `runner.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from runner.aws.session import AwsConnection
    from runner.aws.watch import WatchOptions

aws_app = typer.Typer()

RegionOption = Annotated[
    str | None, typer.Option(help="AWS region [default: the profile's]", show_default=False)
]
ProfileOption = Annotated[
    str | None, typer.Option(help="Profile of the shared AWS files.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
PollOption = Annotated[
    float, typer.Option("--poll", min=1, metavar="SECONDS", help="Ask AWS every so many seconds.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")]
StackOption = Annotated[
    str,
    typer.Option(metavar="NAME", help="CloudFormation stack that `make deploy` made, with the settings."),
]


@aws_app.command()
def upsert(  # noqa: PLR0913, PLR0917 - one argument an option; they become one UpsertOptions
    pipeline: Annotated[str, typer.Option(help="candidate, production or resume.")] = "production",
    name: Annotated[
        str, typer.Option(help="Name in AWS [default: the stack's, else batchscore-<pipeline>]")
    ] = "",
    stack: StackOption = "",
    role_arn: Annotated[str, typer.Option(help="Role of every job [default: the stack's]")] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Default of a parameter; repeatable."),
    ] = None,
    wire: Annotated[str, typer.Option(help="parquet, csv, jsonlines or recordio.")] = "parquet",
    prepare: Annotated[str, typer.Option(help="Prepare on one instance (single) or several (sharded).")] = (
        "single"
    ),
    transform_sizing: Annotated[
        str, typer.Option(help="Instances from the plan (planned) or a parameter (fixed).")
    ] = "planned",
    model_image: Annotated[str, typer.Option(help="Of the candidate: image of the model.")] = "",
    kms_key: Annotated[str, typer.Option(help="Key for disks and outputs [default: the stack's]")] = "",
    subnet: Annotated[list[str] | None, typer.Option(help="Subnet of the jobs; repeatable.")] = None,
    security_group: Annotated[list[str] | None, typer.Option(help="Of the jobs; repeatable.")] = None,
    encrypt_traffic: Annotated[
        bool, typer.Option("--encrypt-traffic", help="Between instances that prepare.")
    ] = False,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag to add; repeatable.")
    ] = None,
    max_parallel_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps that may execute at once [default: as deployed]")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Say what would change, and change nothing.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create or update a pipeline in AWS; says first what changes, and does nothing where nothing does.

    Tags, the parallelism configuration, and the defaults of parameters that have none in the code (InputUri,
    ImageUri, ModelPackageArn, …) stay as they are deployed where no others are given.

    \b
    Examples:
      batchscore upsert --pipeline production --stack batchscore
      batchscore upsert --pipeline candidate --role-arn arn:aws:iam::111122223333:role/scoring --show
      batchscore upsert --stack batchscore -p MaxTransformInstances=8 --tag team=growth
    """
    from runner.aws.options import UpsertOptions  # noqa: PLC0415 - see runner.cli
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415
    from runner.aws.upsert_command import upsert_command  # noqa: PLC0415
    from runner.run_command import parse_pairs, parse_parameters  # noqa: PLC0415

    choices = {"wire": wire, "prepare": prepare, "transform_sizing": transform_sizing}
    if model_image:
        choices["model_image"] = model_image
    options = UpsertOptions(
        pipeline=pipeline,
        name=name,
        stack=stack,
        role_arn=role_arn,
        choices=choices,
        defaults=parse_parameters(parameter or []),
        kms_key=kms_key,
        subnets=subnet or [],
        security_groups=security_group or [],
        encrypt_traffic=encrypt_traffic,
        tags=parse_pairs("--tag", tag or []),
        max_parallel_steps=max_parallel_steps,
    )
    connection = connect(AwsSettings(region=region, profile=profile))
    upsert_command(options, connection, as_json=as_json, only_show=show)


@aws_app.command()
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
    start_command(request, connection, watch_options(poll) if wait else None, as_json=as_json)


@aws_app.command()
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
    wire: Annotated[str, typer.Option(help="parquet, csv, jsonlines or recordio.")] = "parquet",
    prepare: Annotated[str, typer.Option(help="Prepare on one instance (single) or several (sharded).")] = (
        "single"
    ),
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
        choices={"wire": wire, "prepare": prepare},
        defaults=parse_parameters(parameter or []),
    )
    promote_command(
        options,
        connect(AwsSettings(region=region, profile=profile)),
        group=group,
        package_arn=package,
        if_running=if_running,
        watch=watch_options(poll) if wait else None,
        as_json=as_json,
    )


YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@aws_app.command()
def deploy(  # noqa: PLR0913, PLR0917 - one argument an option; they become one DeployOptions
    stack: Annotated[str, typer.Option(metavar="NAME", help="CloudFormation stack.")] = "batchscore",
    template: Annotated[Path, typer.Option(help="Its template.")] = Path("infra/batchscore.yaml"),
    settings: Annotated[
        Path | None, typer.Option(help="YAML file with `Parameter: value` lines.", show_default=False)
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A template parameter; repeatable."),
    ] = None,
    wire: Annotated[str, typer.Option(help="parquet, csv, jsonlines or recordio.")] = "parquet",
    prepare: Annotated[str, typer.Option(help="Prepare on one instance (single) or several (sharded).")] = (
        "single"
    ),
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag of everything; repeatable.")
    ] = None,
    yes: YesOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Create or update the stack, then upsert both pipelines; says first what changes, and asks.

    Parameters that are not given keep the values that the stack has.

    \b
    Examples:
      batchscore deploy --settings infra/settings.yaml
      batchscore deploy -p ScheduleState=DISABLED --yes
    """
    from runner.aws.deploy_command import DeployOptions, deploy_command  # noqa: PLC0415 - see runner.cli
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415
    from runner.run_command import parse_pairs, parse_parameters  # noqa: PLC0415

    options = DeployOptions(
        stack=stack,
        template=template,
        settings=settings,
        parameters=parse_parameters(parameter or []),
        choices={"wire": wire, "prepare": prepare},
        tags=parse_pairs("--tag", tag or []),
        is_confirmed=yes,
    )
    deploy_command(options, connect(AwsSettings(region=region, profile=profile)))


@aws_app.command()
def destroy(
    stack: Annotated[str, typer.Option(metavar="NAME", help="CloudFormation stack.")] = "batchscore",
    yes: YesOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Delete both pipelines and the stack; says first what goes, and asks. Scores and models stay.

    \b
    Example:
      batchscore destroy --stack batchscore
    """
    from runner.aws.deploy_command import destroy_command  # noqa: PLC0415 - see runner.cli
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415

    destroy_command(stack, connect(AwsSettings(region=region, profile=profile)), is_confirmed=yes)


@aws_app.command("image-push")
def image_push(
    image: Annotated[str, typer.Option(help="Local image, as `make image` built it.")] = "batchscore:local",
    repository: Annotated[str, typer.Option(help="Repository in ECR; made if needed.")] = "batchscore",
    engine: Annotated[str, typer.Option(help="Container engine: docker or podman.")] = "docker",
    yes: YesOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Push the container image to ECR and print the URI for the parameter ImageUri.

    \b
    Example:
      batchscore image-push --region eu-central-1
    """
    from runner.aws.deploy_command import image_push_command  # noqa: PLC0415 - see runner.cli
    from runner.aws.session import AwsSettings, connect  # noqa: PLC0415

    connection = connect(AwsSettings(region=region, profile=profile))
    image_push_command(image, repository, engine, connection, is_confirmed=yes)


RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", help="ARN or id of a pipeline execution [default: the newest]", show_default=False
    ),
]
NameOption = Annotated[
    str, typer.Option(help="Pipeline of the run, where RUN is no ARN [default: batchscore-production]")
]


@aws_app.command()
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
    status_command(arn, connection, watch_options(poll), waits=wait, as_json=as_json)


@aws_app.command()
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
    stop_command(arn, connection, watch_options(poll), waits=wait, as_json=as_json)


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


def watch_options(poll_seconds: float) -> WatchOptions:
    """Return how a run is followed."""
    from runner.aws.watch import WatchOptions  # noqa: PLC0415 - see runner.cli

    return WatchOptions(poll_seconds=poll_seconds)


@aws_app.command()
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
        str, typer.Option(help="Where none is deployed: parquet, csv, jsonlines or recordio.")
    ] = ("parquet"),
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
