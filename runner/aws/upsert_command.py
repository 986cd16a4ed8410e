"""`batchscore upsert`: show what would change in AWS, then change it."""

from __future__ import annotations

import json

import typer

from runner.aws.options import UpsertOptions, upsert_request
from runner.aws.session import AwsConnection
from runner.aws.upsert import UpsertPlan, apply_upsert, plan_upsert

_DONE = {"create": "created", "update": "updated", "nothing": "unchanged"}


def upsert_command(
    options: UpsertOptions, connection: AwsConnection, *, as_json: bool, only_show: bool
) -> None:
    """Print the difference between what is deployed and what is wanted, and make it so.

    Args:
        options: As typed.
        connection: Where to.
        as_json: Print JSON for scripts, and nothing else.
        only_show: Change nothing.
    """
    plan = plan_upsert(upsert_request(options, connection), connection)
    if not as_json:
        _show(plan, connection)
    arn = plan.deployed.arn if plan.deployed else ""
    if not only_show:
        arn = apply_upsert(plan, connection)
    done = f"would {plan.action}" if only_show else _DONE[plan.action]
    if as_json:
        facts = {"pipeline": plan.request.name, "arn": arn, "action": plan.action, "changes": plan.changed}
        typer.echo(json.dumps({**facts, "applied": not only_show}, indent=2))
    else:
        typer.echo(f"{plan.request.name}: {done}" + (f" ({arn})" if arn else ""))


def _show(plan: UpsertPlan, connection: AwsConnection) -> None:
    request = plan.request
    if plan.deployed is None:
        typer.echo(f"{request.name}: new in {connection.region}, with the role {request.role_arn}")
    for line in plan.changed:
        typer.echo(f"  {line}")
