"""What build files of SageMaker Projects templates call: `get-pipeline-definition` and `run-pipeline`.

They take the arguments and the `--kwargs` that AWS's model building templates pass, so that this project
takes the place of the sample in such a template; what its build file has to name is the module:

    run-pipeline --module-name pipelines.candidate --role-arn ARN --tags '[{"Key": …}]' --kwargs '{…}'

`--kwargs` and `--tags` are JSON, or the Python literals that the templates' own scripts take; never code.
What a template says of itself (project name, id and ARN, prefix of job names) is known and changes nothing:
jobs are named by the pipeline. Anything unknown is refused, with near matches.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from contracts.atomic_files import write_bytes
from contracts.errors import CallerError, near_matches
from pipelines.definition import DEFAULT_NAMES, PIPELINES, definition_text
from runner.aws.session import AwsSettings, connect
from runner.aws.start import StartRequest, start_run
from runner.aws.upsert import UpsertRequest, apply_upsert, plan_upsert
from runner.aws.watch import wait_for_run
from runner.ended import ended_in_words

_PIPELINE_OF = {module: name for name, module in PIPELINES.items()}
_OF_THE_TEMPLATE = (
    "base_job_prefix",
    "sagemaker_project_arn",
    "sagemaker_project_id",
    "sagemaker_project_name",
)
"""Facts that templates pass to every sample; nothing here depends on them."""

_OF_THE_SHAPE = ("wire", "transform_sizing", "prepare", "model_image", "defaults")
_KNOWN = (
    *_OF_THE_TEMPLATE,
    *_OF_THE_SHAPE,
    "region",
    "role",
    "role_arn",
    "default_bucket",
    "pipeline_name",
    "model_package_group_name",
)


@dataclass(frozen=True, kw_only=True)
class ProjectPipeline:
    """What the arguments of a build file mean.

    Attributes:
        pipeline: `candidate`, `production` or `resume`.
        name: Under which it is deployed.
        role_arn: Of every job; empty where none is named.
        region: Where; None for that of the environment.
        choices: Of the shape.
        defaults: Of parameters, by name.
    """

    pipeline: str
    name: str
    role_arn: str
    region: str | None
    choices: Mapping[str, Any]
    defaults: Mapping[str, Any]


def project_pipeline(module_name: str, kwargs: Mapping[str, Any], role_arn: str = "") -> ProjectPipeline:
    """Return what a module's name and the keyword arguments of a template mean.

    The template's `default_bucket` becomes the default of OutputUri, below the pipeline's name.

    Raises:
        CallerError: The module is none of ours, or an argument is unknown.
    """
    if module_name not in _PIPELINE_OF:
        raise CallerError(f"--module-name {module_name}: {near_matches(module_name, _PIPELINE_OF)}")
    unknown = [name for name in kwargs if name not in _KNOWN]
    if unknown:
        raise CallerError("; ".join(f"--kwargs {name!r}: {near_matches(name, _KNOWN)}" for name in unknown))
    named = kwargs.get("defaults", {})
    if not isinstance(named, Mapping):
        raise CallerError(f"--kwargs 'defaults': expected an object of parameters and values, not {named!r}")
    not_text = [key for key, value in kwargs.items() if key != "defaults" and not isinstance(value, str)]
    if not_text:
        raise CallerError(f"--kwargs: expected text for {', '.join(not_text)}")
    pipeline = _PIPELINE_OF[module_name]
    name = str(kwargs.get("pipeline_name") or DEFAULT_NAMES[pipeline])
    defaults: dict[str, Any] = {}
    if bucket := kwargs.get("default_bucket"):
        defaults["OutputUri"] = f"s3://{bucket}/{name}/"
    if pipeline == "candidate" and (group := kwargs.get("model_package_group_name")):
        defaults["ModelPackageGroupName"] = group
    return ProjectPipeline(
        pipeline=pipeline,
        name=name,
        role_arn=role_arn or str(kwargs.get("role_arn") or kwargs.get("role") or ""),
        region=kwargs.get("region") or None,
        choices={key: kwargs[key] for key in _OF_THE_SHAPE if key in kwargs and key != "defaults"},
        defaults={**defaults, **named},
    )


def get_pipeline_definition() -> None:
    """Print a pipeline's definition, or write it to a file: the console script."""
    parser = _parser("Print the definition of a pipeline; needs no network and no account.")
    parser.add_argument("-f", "--file-name", type=Path, help="file to write instead of printing")
    ended_in_words(lambda: _write_definition(parser.parse_args()))


def run_pipeline() -> None:
    """Upsert a pipeline, start it and wait for its end: the console script."""
    parser = _parser("Create or update a pipeline, start it with its defaults, and wait for its end.")
    parser.add_argument("-role-arn", "--role-arn", required=True, help="role of every job")
    parser.add_argument("-description", "--description", default="", help="ignored: each step has its own")
    parser.add_argument("-tags", "--tags", default="[]", help='JSON list of {"Key": …, "Value": …}')
    parser.add_argument("--pipeline-name", default="", help="instead of that in --kwargs")
    parser.add_argument("--no-start", action="store_true", help="create or update only")
    ended_in_words(lambda: _run(parser.parse_args()))


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    modules = ", ".join(_PIPELINE_OF)
    parser.add_argument("-n", "--module-name", required=True, help=f"one of {modules}")
    parser.add_argument("-kwargs", "--kwargs", default="{}", help="JSON object of arguments for get_pipeline")
    return parser


def _write_definition(given: argparse.Namespace) -> None:
    wanted = project_pipeline(given.module_name, _literal("--kwargs", given.kwargs, dict))
    settings = {"role_arn": wanted.role_arn, "region": wanted.region}
    text = definition_text(
        wanted.pipeline,
        **wanted.choices,
        pipeline_name=wanted.name,
        defaults=wanted.defaults,
        **{name: value for name, value in settings.items() if value},
    )
    if given.file_name:
        write_bytes(given.file_name, text.encode())
    else:
        typer.echo(text, nl=False)


def _run(given: argparse.Namespace) -> None:
    kwargs = _literal("--kwargs", given.kwargs, dict)
    if given.pipeline_name:
        kwargs["pipeline_name"] = given.pipeline_name
    wanted = project_pipeline(given.module_name, kwargs, given.role_arn)
    connection = connect(AwsSettings(region=wanted.region))
    request = UpsertRequest(
        pipeline=wanted.pipeline,
        name=wanted.name,
        role_arn=wanted.role_arn,
        choices=wanted.choices,
        defaults=wanted.defaults,
        tags=_tags(_literal("--tags", given.tags, list)),
    )
    plan = plan_upsert(request, connection)
    for line in plan.changed:
        typer.echo(f"  {line}")
    typer.echo(f"{wanted.name}: {plan.action} ({apply_upsert(plan, connection)})")
    if given.no_start:
        return
    run = start_run(StartRequest(name=wanted.name), connection)
    typer.echo(f"started run {run.run_id}: {run.arn}")
    wait_for_run(connection, run.arn)


def _literal(option: str, text: str, kind: Callable[[], Any]) -> Any:
    """Parse JSON or a Python literal of the given kind; never runs anything.

    Raises:
        CallerError: It is neither.
    """
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
            raise CallerError(f"{option}: neither JSON nor a Python literal: {text[:200]}") from error
    if not isinstance(value, type(kind())):
        raise CallerError(f"{option}: expected {'an object' if kind is dict else 'a list'}: {text[:200]}")
    return value


def _tags(entries: Sequence[Any]) -> dict[str, str]:
    try:
        return {str(entry["Key"]): str(entry["Value"]) for entry in entries}
    except (TypeError, KeyError) as error:
        raise CallerError('--tags: expected a list of {"Key": …, "Value": …}') from error
