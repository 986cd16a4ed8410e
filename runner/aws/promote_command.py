"""`batchscore promote`: what CI runs when a model package was approved or rejected."""

from __future__ import annotations

import json
import time

import typer

from contracts.errors import CallerError, PlatformError, RunFailedError
from runner.aws.approval import check_judged
from runner.aws.model_packages import newest_approved
from runner.aws.options import UpsertOptions, upsert_request
from runner.aws.promote import Promotion, check_group, facts_of, plan_promotion, start_promoted
from runner.aws.session import AwsConnection
from runner.aws.stack import stack_settings
from runner.aws.start import StartedRun
from runner.aws.upsert import apply_upsert
from runner.aws.watch import WatchOptions, wait_for_run

MAX_TRIES = 3


def promote_command(
    options: UpsertOptions,
    connection: AwsConnection,
    *,
    group: str,
    package_arn: str,
    if_running: str,
    watch: WatchOptions | None,
    as_json: bool,
) -> StartedRun | None:
    """Upsert production with the newest approved package and start it; say what was done.

    Args:
        options: Of the production pipeline.
        connection: Where.
        group: Model package group; empty for the stack's.
        package_arn: The package that an event is about, which must be of the group; empty for none.
        if_running: What to do where a run executes: `refuse`, `queue` or `start`.
        watch: How the run is followed to its end; None not to.
        as_json: Print JSON for scripts, and nothing else.

    Raises:
        CallerError: Nothing is approved and nothing deployed, or an option is wrong.
        RunFailedError: Nothing is approved any more and the default was withdrawn, the package's own run did
            not pass its quality gate, or the run failed.
    """
    group_name = group or stack_settings(connection, options.stack).group_name
    if not group_name:
        raise CallerError("no model package group is named; give --group or --stack")
    if package_arn:
        check_group(package_arn, group_name, connection)
    plan = _settled(options, group_name, connection, tells=not as_json)
    run = start_promoted(plan, connection, if_running, time.sleep)
    if as_json:
        typer.echo(json.dumps(facts_of(plan, run), indent=2))
    elif run is not None:
        typer.echo(f"run {run.run_id} of {run.pipeline_name} scores with it: {run.arn}")
    if plan.package is None:
        raise RunFailedError(
            f"no model package of group {group_name!r} is approved: {plan.upsert.request.name} will not "
            "start without one; approve a package in Studio"
        )
    if run is not None and watch is not None:
        wait_for_run(connection, run.arn, watch)
    return run


def _settled(options: UpsertOptions, group: str, connection: AwsConnection, *, tells: bool) -> Promotion:
    """Upsert until the package is still the newest approved one afterwards; somebody may decide meanwhile.

    Raises:
        RunFailedError: The package was approved though its run's quality gate was not passed.
        PlatformError: It was not, so many times.
    """
    for _ in range(MAX_TRIES):
        plan = plan_promotion(upsert_request(options, connection), group, connection)
        if plan.package is not None and plan.package.arn != plan.before:
            check_judged(connection, plan.package.arn, needs_gate=not plan.is_rollback)
        if tells:
            _show(plan)
        apply_upsert(plan.upsert, connection)
        if newest_approved(connection, group) == plan.package:
            return plan
    raise PlatformError(f"the packages of group {group!r} are being decided upon; promote again")


def _show(plan: Promotion) -> None:
    name = plan.upsert.request.name
    package = plan.package.arn if plan.package else "none"
    how = "rolled back to" if plan.is_rollback else "scores with"
    typer.echo(f"{name}: {how} {package}" + (f" (before: {plan.before})" if plan.before else ""))
    for line in plan.upsert.changed:
        typer.echo(f"  {line}")
