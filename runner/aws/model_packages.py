"""Model packages in the registry of AWS: the newest approved one of a group, and whether one may be used.

`ListModelPackages` sorts ascending where it is not told otherwise [doc], and lists packages whose making
failed: order, approval and status are always said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contracts.errors import CallerError
from runner.aws.errors import error_code, is_missing
from runner.aws.session import AwsConnection

_DENIED = ("AccessDeniedException", "AccessDenied")


@dataclass(frozen=True, kw_only=True)
class PackageFact:
    """One model package as the registry describes it.

    Attributes:
        arn: Its ARN.
        group_name: Of its group; empty for one without a version.
        version: From 1 within the group.
        approval_status: `Approved`, `Rejected` or `PendingManualApproval`.
        status: `Completed`, or what became of its making.
    """

    arn: str
    group_name: str
    version: int
    approval_status: str
    status: str

    @property
    def fault(self) -> str:
        """Say why it may not score in production; empty if it may."""
        if self.approval_status != "Approved":
            return f"model package {self.arn} is {self.approval_status}, not Approved"
        if self.status != "Completed":
            return f"model package {self.arn} is {self.status}, not Completed"
        return ""


def find_package(connection: AwsConnection, arn: str) -> PackageFact:
    """Return a package by its ARN.

    Raises:
        CallerError: There is none, or it belongs to another account that does not share it.
    """
    try:
        answer = connection.client("sagemaker").describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if is_missing(error):
            raise CallerError(f"model package {arn} does not exist in {connection.region}") from error
        if error_code(error) in _DENIED and _account_of(arn) not in ("", connection.account_id()):
            raise CallerError(
                f"model package {arn} belongs to account {_account_of(arn)}, which must share its group with "
                "this one by a resource policy (sagemaker:DescribeModelPackage, sagemaker:CreateModel)"
            ) from error
        raise
    return _fact(answer)


def check_package(connection: AwsConnection, arn: str) -> PackageFact:
    """Return a package that may score in production.

    Raises:
        CallerError: It does not exist, is not approved, or was not completed.
    """
    package = find_package(connection, arn)
    if package.fault:
        raise CallerError(f"{package.fault}; approve it in Studio, or name another")
    return package


def newest_approved(connection: AwsConnection, group_name: str) -> PackageFact | None:
    """Return the newest package of a group that is approved and completed; None if there is none.

    Raises:
        CallerError: There is no such group.
    """
    _check_group_exists(connection, group_name)
    approved = (fact for fact in _listed(connection, group_name) if fact.status == "Completed")
    return next(approved, None)


def _check_group_exists(connection: AwsConnection, group_name: str) -> None:
    """Ask for the group itself: what listing the packages of a missing one answers is not documented."""
    try:
        connection.client("sagemaker").describe_model_package_group(ModelPackageGroupName=group_name)
    except ClientError as error:
        if is_missing(error):
            raise CallerError(
                f"model package group {group_name!r} does not exist in {connection.region}"
            ) from error
        raise


def _listed(connection: AwsConnection, group_name: str) -> Iterator[PackageFact]:
    pages = connection.client("sagemaker").get_paginator("list_model_packages")
    for page in pages.paginate(
        ModelPackageGroupName=group_name,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
    ):
        yield from (_fact(entry) for entry in page["ModelPackageSummaryList"])


def _fact(answer: dict[str, Any]) -> PackageFact:
    return PackageFact(
        arn=answer["ModelPackageArn"],
        group_name=answer.get("ModelPackageGroupName", ""),
        version=answer.get("ModelPackageVersion", 0),
        approval_status=answer.get("ModelApprovalStatus", ""),
        status=answer["ModelPackageStatus"],
    )


def _account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""
