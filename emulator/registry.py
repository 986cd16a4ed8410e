"""The model registry and the models made from it, in SQLite.

Versions count from 1 within a group. Groups come into being with their first package, as they do when a
RegisterModel step names a new one. Every listing is newest first; the service's own default is the other way
round [doc: ListModelPackages].
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import CallerError, near_matches

ARN_PREFIX = "arn:aws:sagemaker:local-laptop:000000000000:"
APPROVAL_STATUSES = ("PendingManualApproval", "Approved", "Rejected")

_TABLES = """
create table if not exists model_package (
    arn text primary key,
    group_name text not null,
    version integer not null,
    approval_status text not null,
    created_at text not null,
    request text not null,
    approval_description text not null default '',
    unique (group_name, version)
);
create table if not exists model (name text primary key, request text not null, created_at text not null);
"""


@dataclass(frozen=True, kw_only=True)
class ModelPackage:
    """One version in a model package group.

    Attributes:
        arn: Its name in references and parameters.
        group_name: The group it belongs to.
        version: From 1 within the group.
        approval_status: One of APPROVAL_STATUSES.
        created_at: UTC, ISO 8601.
        request: The CreateModelPackage request that made it.
        approval_description: Why it was approved or should not be; empty if nobody said.
    """

    arn: str
    group_name: str
    version: int
    approval_status: str
    created_at: str
    request: Mapping[str, Any]
    approval_description: str = ""


class ModelRegistry:
    """Model packages and models, kept in one SQLite file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with closing(self._connect()) as connection:
            connection.executescript(_TABLES)
            _add_description(connection)

    def register(self, request: Mapping[str, Any], created_at: str) -> ModelPackage:
        """Add the next version to the request's group."""
        group = request["ModelPackageGroupName"]
        approval_status = request.get("ModelApprovalStatus", "PendingManualApproval")
        _check_approval_status(approval_status)
        with closing(self._connect()) as connection, connection:
            connection.execute("begin immediate")
            twin = connection.execute(
                "select group_name from model_package where lower(group_name) = ? and group_name <> ?",
                (group.lower(), group),
            ).fetchone()
            if twin is not None:
                raise CallerError(
                    f"group {group!r} differs only in case from {twin[0]!r}; ARNs are lower-cased"
                )
            (version,) = connection.execute(
                "select coalesce(max(version), 0) + 1 from model_package where group_name = ?", (group,)
            ).fetchone()
            arn = f"{ARN_PREFIX}model-package/{group.lower()}/{version}"
            row = (arn, group, version, approval_status, created_at, json.dumps(request), "")
            connection.execute("insert into model_package values (?, ?, ?, ?, ?, ?, ?)", row)
        return self.package(arn)

    def package(self, arn: str) -> ModelPackage:
        """Return one package, named by its ARN or as `group/version`.

        Raises:
            CallerError: There is none of that name; near matches are named.
        """
        packages = self.packages()
        for package in packages:
            if arn in (package.arn, f"{package.group_name}/{package.version}"):
                return package
        raise CallerError(f"no model package {arn!r}; {near_matches(arn, [entry.arn for entry in packages])}")

    def packages(self, group_name: str | None = None) -> list[ModelPackage]:
        """Return the packages of one group, or of all, newest first."""
        query = (
            "select arn, group_name, version, approval_status, created_at, request, approval_description "
            "from model_package "
            "where ?1 is null or group_name = ?1 order by created_at desc, version desc"
        )
        with closing(self._connect()) as connection:
            rows = connection.execute(query, (group_name,)).fetchall()
        return [
            ModelPackage(
                arn=arn,
                group_name=group,
                version=version,
                approval_status=status,
                created_at=created_at,
                request=json.loads(request),
                approval_description=description,
            )
            for arn, group, version, status, created_at, request, description in rows
        ]

    def set_approval_status(self, arn: str, approval_status: str) -> ModelPackage:
        """Approve, reject or suspend a package, which must exist."""
        _check_approval_status(approval_status)
        arn = self.package(arn).arn
        with closing(self._connect()) as connection, connection:
            connection.execute(
                "update model_package set approval_status = ? where arn = ?", (approval_status, arn)
            )
        return self.package(arn)

    def describe_approval(self, arn: str, description: str) -> None:
        """Say why a package, which must exist, should not be approved."""
        arn = self.package(arn).arn
        with closing(self._connect()) as connection, connection:
            connection.execute(
                "update model_package set approval_description = ? where arn = ?", (description, arn)
            )

    def create_model(self, name: str, request: Mapping[str, Any], created_at: str) -> None:
        """Keep a CreateModel request under `name`."""
        with closing(self._connect()) as connection, connection:
            connection.execute("insert into model values (?, ?, ?)", (name, json.dumps(request), created_at))

    def model_container(self, name: str) -> Mapping[str, Any]:
        """Return image, model data and environment of a model, looked up in its package if it has one.

        Raises:
            CallerError: There is no such model.
        """
        with closing(self._connect()) as connection:
            row = connection.execute("select request from model where name = ?", (name,)).fetchone()
        if row is None:
            raise CallerError(f"no model {name!r} was created in this run or an earlier one")
        container: dict[str, Any] = json.loads(row[0])["PrimaryContainer"]
        if "ModelPackageName" not in container:
            return container
        package = self.package(container["ModelPackageName"])
        specified = dict(package.request["InferenceSpecification"]["Containers"][0])
        specified["Environment"] = {**specified.get("Environment", {}), **container.get("Environment", {})}
        return specified

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


def _add_description(connection: sqlite3.Connection) -> None:
    """Give the table of a registry of before the column that it lacks."""
    columns = {row[1] for row in connection.execute("pragma table_info(model_package)")}
    if "approval_description" not in columns:
        with connection:
            connection.execute(
                "alter table model_package add column approval_description text not null default ''"
            )


def _check_approval_status(status: str) -> None:
    if status not in APPROVAL_STATUSES:
        raise CallerError(f"approval status {status!r}; {near_matches(status, APPROVAL_STATUSES)}")
