"""`batchscore deploy`, `destroy` and `image-push`: each says what it will do, asks, and does it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer
from botocore.exceptions import ClientError

from contracts.errors import CallerError
from pipelines.definition import DEFAULT_NAMES
from runner.aws.change_set import (
    ChangeSet,
    StackRequest,
    discard_change_set,
    execute_change_set,
    make_change_set,
    read_settings,
    wait_for_end,
)
from runner.aws.errors import is_missing
from runner.aws.image_push import engine, local_image_id, push_image
from runner.aws.options import UpsertOptions
from runner.aws.session import AwsConnection
from runner.aws.stack import deployed_name, stack_settings
from runner.aws.start import executing_run
from runner.aws.upsert import describe_deployed
from runner.aws.upsert_command import upsert_command

DEPLOYED_PIPELINES = ("candidate", "production")


@dataclass(frozen=True, kw_only=True)
class DeployOptions:
    """The options of `batchscore deploy`, as typed.

    Attributes:
        stack: Name of the stack.
        template: Path of the template.
        settings: Path of a YAML mapping of template parameters, or None.
        parameters: Template parameters, which beat the settings.
        choices: Shape of the pipelines, such as `wire`.
        tags: Of the stack and the pipelines.
        is_confirmed: Nobody is asked.
    """

    stack: str
    template: Path
    settings: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    is_confirmed: bool = False


def deploy_command(options: DeployOptions, connection: AwsConnection) -> None:
    """Create or update the stack, then upsert candidate and production with its settings.

    Raises:
        CallerError: Something typed is wrong, or nobody agreed; the stack is as it was.
        PlatformError: CloudFormation rolled back.
    """
    now = dt.datetime.now(dt.timezone.utc)
    settings = read_settings(options.settings) if options.settings else {}
    request = StackRequest(
        name=options.stack,
        template=_read(options.template),
        parameters={**settings, **options.parameters},
        tags=options.tags,
    )
    typer.echo(f"stack {options.stack} in {connection.region}, account {connection.account_id()}:")
    change_set = make_change_set(request, connection, now)
    _show(change_set)
    if change_set.name:
        try:
            _ask(
                "deploy this, and then upsert the candidate and the production pipeline", options.is_confirmed
            )
        except BaseException:  # also where somebody left with Ctrl-C
            discard_change_set(change_set, connection)
            raise
        execute_change_set(change_set, connection, now)
        typer.echo(f"stack {options.stack}: done")
    for pipeline in DEPLOYED_PIPELINES:
        upsert = UpsertOptions(
            pipeline=pipeline, stack=options.stack, choices=options.choices, tags=options.tags
        )
        upsert_command(upsert, connection, as_json=False, only_show=False)


def destroy_command(stack: str, connection: AwsConnection, *, is_confirmed: bool) -> None:
    """Delete the pipelines and the stack; scores, images and registered models stay.

    Raises:
        CallerError: A run executes, or nobody agreed.
        PlatformError: CloudFormation could not delete everything.
    """
    settings = stack_settings(connection, stack)
    names = [deployed_name(connection, pipeline, "", stack) for pipeline in DEPLOYED_PIPELINES]
    found = {name: describe_deployed(connection, name) for name in (*names, DEFAULT_NAMES["resume"])}
    role_arn = settings.role_arn
    # Resumptions of other deployments have other roles; theirs is left alone.
    deployed = [name for name, one in found.items() if one and (name in names or one.role_arn == role_arn)]
    for name in deployed:
        if running := executing_run(connection, name):
            raise CallerError(f"{name} runs: {running}; wait for it, or stop it with `batchscore stop`")
    cloudformation = connection.client("cloudformation")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [entry for page in pages for entry in page["StackResourceSummaries"]]
    typer.echo(f"in {connection.region}, account {connection.account_id()}, these go:")
    for name in deployed:
        typer.echo(f"  - pipeline {name}")
    for entry in resources:
        typer.echo(f"  - {entry['LogicalResourceId']} ({entry['ResourceType']})")
    typer.echo("buckets and their objects, images in ECR and what the template retains stay")
    _ask(f"delete all of this and the stack {stack}", is_confirmed)
    now = dt.datetime.now(dt.timezone.utc)
    for name in deployed:
        _delete_pipeline(connection, name)
    cloudformation.delete_stack(StackName=stack)
    wait_for_end(stack, connection, now)
    typer.echo(f"stack {stack}: deleted")


def image_push_command(
    image: str, repository: str, program: str, connection: AwsConnection, *, is_confirmed: bool
) -> None:
    """Push an image to ECR and print the URI that ImageUri is to have.

    Raises:
        CallerError: There is no such image or engine, or nobody agreed.
        PlatformError: The engine failed.
    """
    run = engine(program)
    image_id = local_image_id(image, run)
    typer.echo(
        f"push {image} ({image_id[:12]}) to the ECR repository {repository} in {connection.region}, account "
        f"{connection.account_id()}; the repository is made if it is not there"
    )
    _ask("push it", is_confirmed)
    pushed = push_image(image, repository, connection, run)
    typer.echo(f"{pushed.uri}: {'was there already' if pushed.was_there else 'pushed'}", err=True)
    typer.echo(f"ImageUri: {pushed.digest_uri}")


def _delete_pipeline(connection: AwsConnection, name: str) -> None:
    try:
        connection.client("sagemaker").delete_pipeline(PipelineName=name)
    except ClientError as error:
        if not is_missing(error):
            raise


def _show(change_set: ChangeSet) -> None:
    if not change_set.name:
        typer.echo("  nothing changes")
    elif not change_set.changes:
        typer.echo("  only parameters, tags or outputs change")
    for change in change_set.changes:
        replaced = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(change.replacement, "")
        typer.echo(f"  {change.action.lower():<7} {change.logical_id} ({change.type}{replaced})")


def _ask(what: str, is_confirmed: bool) -> None:
    """Go on only if somebody agrees.

    Raises:
        CallerError: Nobody did, or nobody is there.
    """
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise CallerError(f"nobody is here to agree to {what!r}; give --yes")
    try:
        agreed = typer.confirm(f"{what}?")
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    if not agreed:
        raise CallerError("nothing was done")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(f"{path}: cannot read the template: {error}") from error
