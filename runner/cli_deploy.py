"""Commands of `batchscore` that bring something to AWS: pipelines, the stack, the image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli_options import (
    JsonOption,
    ProfileOption,
    RegionOption,
    ShapePrepareOption,
    ShapeWireOption,
    StackOption,
    YesOption,
    given,
)

deploy_app = typer.Typer()


@deploy_app.command()
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
    wire: ShapeWireOption = None,
    prepare: ShapePrepareOption = None,
    transform_sizing: Annotated[
        str | None,
        typer.Option(
            help="planned or fixed: by the plan or a parameter [default: as deployed, else planned]",
            show_default=False,
        ),
    ] = None,
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
    reset_defaults: Annotated[
        bool, typer.Option("--reset-defaults", help="The code's defaults instead of those that are deployed.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Say what would change, and change nothing.")] = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create or update a pipeline in AWS; says first what changes, and does nothing where nothing does.

    Shape, tags, the parallelism configuration and the defaults of parameters stay as they are deployed where
    no others are given.

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

    choices = given(wire=wire, prepare=prepare, transform_sizing=transform_sizing, model_image=model_image)
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
        resets_defaults=reset_defaults,
    )
    connection = connect(AwsSettings(region=region, profile=profile))
    upsert_command(options, connection, as_json=as_json, only_show=show)


@deploy_app.command()
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
    wire: ShapeWireOption = None,
    prepare: ShapePrepareOption = None,
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
        choices=given(wire=wire, prepare=prepare),
        tags=parse_pairs("--tag", tag or []),
        is_confirmed=yes,
    )
    deploy_command(options, connect(AwsSettings(region=region, profile=profile)))


@deploy_app.command()
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


@deploy_app.command("image-push")
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
