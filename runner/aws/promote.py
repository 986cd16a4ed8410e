"""Let the newest approved model package score in production; run by CI on every change of approval.

Looks at the registry as it is, not at the event that woke it: the newest package that is approved and
completed becomes the default of `ModelPackageArn`, whether something newer was just approved or the one in
use was rejected. So events may come twice, late, or in another order; who types the command gets the same.

A package is started once: the run is named after it, and where a run of that name goes on or has succeeded,
none is started. After a rollback none is started either: its package has scored before and is scheduled.
Where nothing is approved any more, the default is withdrawn: a start that names no package is then refused by
AWS, which is seen, while scoring with a rejected model would not be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from contracts.errors import CallerError
from runner.aws.errors import DENIED_CODES, error_code
from runner.aws.model_packages import PackageFact, find_package, newest_approved
from runner.aws.session import AwsConnection
from runner.aws.start import StartedRun, StartRequest, list_runs, start_run
from runner.aws.upsert import UpsertPlan, UpsertRequest, describe_deployed, plan_upsert

PARAMETER = "ModelPackageArn"
OVER = ("Failed", "Stopped")
"""Ends after which the same package is started again."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What promoting would do.

    Attributes:
        package: The newest approved one; None where there is none.
        before: ARN of the package that is the default now; empty for none.
        is_rollback: The package is older than the one that it replaces.
        upsert: Of the production pipeline, with the package as default, or without one.
    """

    package: PackageFact | None
    before: str
    is_rollback: bool
    upsert: UpsertPlan


def plan_promotion(request: UpsertRequest, group_name: str, connection: AwsConnection) -> Promotion:
    """Return what promoting would do; changes nothing.

    Args:
        request: For the production pipeline; its default of ModelPackageArn is set here.
        group_name: Model package group.
        connection: Where.

    Raises:
        CallerError: There is no such group, or nothing is approved and nothing is deployed.
    """
    deployed = describe_deployed(connection, request.name)
    before = str(deployed.default_of(PARAMETER) or "") if deployed else ""
    package = newest_approved(connection, group_name)
    if package is None:
        if deployed is None:
            raise CallerError(f"no model package of group {group_name!r} is approved; approve one in Studio")
        stays = _may_stay(before, group_name, connection)
        wanted = request if stays else replace(request, withdrawn=(PARAMETER,))
    else:
        wanted = replace(request, defaults={**request.defaults, PARAMETER: package.arn})
    return Promotion(
        package=package,
        before=before,
        is_rollback=package is not None and _is_older(package, before, connection),
        upsert=plan_upsert(wanted, connection),
    )


def check_group(package_arn: str, group_name: str, connection: AwsConnection) -> None:
    """Refuse a package of another group, such as that of an event which a rule let through.

    Raises:
        CallerError: It is of another group, or does not exist.
    """
    # As the ARN says, because a role that may see our group only may not ask for another's packages.
    found = package_arn.rsplit("/", 2)[-2] if package_arn.count("/") > 1 else ""
    if found.lower() == group_name.lower():
        found = find_package(connection, package_arn).group_name
    if found != group_name:
        raise CallerError(f"model package {package_arn} is of group {found!r}, not of {group_name!r}")


def start_promoted(
    plan: Promotion, connection: AwsConnection, if_running: str, sleep: Callable[[float], None]
) -> StartedRun | None:
    """Start a run with the package that is production's default by now, unless there is one already.

    Returns:
        The run that scores with the package, started now or before; None after a rollback, or where nothing
        is approved.
    """
    if plan.package is None or plan.is_rollback:
        return None
    name = plan.upsert.request.name
    prefix = f"promote-{plan.package.group_name}-"
    display_name = f"{prefix}{plan.package.version}"
    runs = list(list_runs(connection, name))
    if any(_version_of(run.display_name, prefix) > plan.package.version for run in runs):
        return None  # a newer package was promoted before and rejected: this is its rollback, told once more
    earlier = [run for run in runs if run.display_name == display_name]
    if earlier and earlier[0].status not in OVER:
        return StartedRun(arn=earlier[0].arn, pipeline_name=name)
    parts = (name, plan.package.arn, str(len(earlier)))
    request = StartRequest(
        name=name,
        # Whatever becomes of the default while this waits for its turn.
        parameters={PARAMETER: plan.package.arn},
        display_name=display_name,
        if_running=if_running,
        # Two promotions at the same moment start one run [doc: ClientRequestToken].
        token=hashlib.sha256("\0".join(parts).encode()).hexdigest(),
    )
    return start_run(request, connection, sleep)


def _version_of(display_name: str, prefix: str) -> int:
    """Return the version of the package that a run was promoted with; 0 for any other run."""
    version = display_name.removeprefix(prefix)
    return int(version) if display_name.startswith(prefix) and version.isdigit() else 0


def _may_stay(before: str, group_name: str, connection: AwsConnection) -> bool:
    """Whether the package in use, which is not the newest approved one of the group, may go on scoring."""
    package = _found(before, connection)
    return package is not None and package.group_name != group_name and not package.fault


def _is_older(package: PackageFact, before: str, connection: AwsConnection) -> bool:
    """Whether a package has a lower version than the one in use, in the same group."""
    deployed = _found(before, connection)
    if deployed is None or deployed.group_name != package.group_name:
        return False
    return package.version < deployed.version


def _found(arn: str, connection: AwsConnection) -> PackageFact | None:
    """Return the package, or None if none is named or it was deleted."""
    if not arn:
        return None
    try:
        return find_package(connection, arn)
    except CallerError:  # that it is gone is no fault here: another takes its place
        return None
    except ClientError as error:
        if error_code(error) in DENIED_CODES:  # of a group that is not ours any more
            return None
        raise


def facts_of(plan: Promotion, run: StartedRun | None) -> dict[str, Any]:
    """Return what was done, as scripts read it."""
    return {
        "pipeline": plan.upsert.request.name,
        "model_package_arn": plan.package.arn if plan.package else None,
        "replaced": plan.before if plan.package is None or plan.before != plan.package.arn else None,
        "is_rollback": plan.is_rollback,
        "action": plan.upsert.action,
        "changes": list(plan.upsert.changed),
        "run_id": run.run_id if run else None,
        "execution_arn": run.arn if run else None,
    }
