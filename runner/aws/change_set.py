"""Bring a CloudFormation stack to what its template says, by way of a change set that is shown before.

A change set is made, listed, and carried out only when whoever asked has seen it. Parameters that are not
given keep the values that the stack has. A stack whose making failed before anything was there is removed
first, because CloudFormation would refuse to go on with it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from contracts.errors import CallerError, PlatformError, near_matches
from runner.aws.errors import is_missing
from runner.aws.session import AwsConnection

MAX_TEMPLATE_BYTES = 51_200
"""[doc] Of a template that is sent with the request."""

CAPABILITIES = ("CAPABILITY_IAM",)
"""The template makes roles, whose names CloudFormation chooses."""

POLL_SECONDS = 5.0
_NO_CHANGES = ("didn't contain changes", "no updates are to be performed")
_UNBORN = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")

Sleep = Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class StackRequest:
    """Which stack is wanted.

    Attributes:
        name: Of the stack.
        template: Its text.
        parameters: Value of template parameters by name; the others keep theirs, or have their defaults.
        tags: Of the stack and, by way of it, of what is in it.
    """

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """One line of a change set.

    Attributes:
        action: `Add`, `Modify`, `Remove`, …
        logical_id: In the template.
        type: Such as `AWS::IAM::Role`.
        replacement: `True`, `False` or `Conditional`; empty for what is added or removed.
    """

    action: str
    logical_id: str
    type: str
    replacement: str


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """What deploying would do.

    Attributes:
        name: Of the change set; empty where nothing changes.
        stack_name: Of the stack.
        is_new: The stack does not exist yet.
        changes: Line by line.
    """

    name: str
    stack_name: str
    is_new: bool
    changes: tuple[ResourceChange, ...]


def read_settings(path: Path) -> dict[str, str]:
    """Return template parameters from a YAML mapping of names to values; lists become comma separated.

    Raises:
        CallerError: It cannot be read, or is no such mapping.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CallerError(f"{path}: cannot read the settings: {error}") from error
    if not isinstance(found, dict):
        raise CallerError(f"{path}: expected `Name: value` lines, parameters of the template")
    return {str(name): _text(value) for name, value in found.items()}


def check_parameters(request: StackRequest, declared: Mapping[str, Any]) -> None:
    """Check names against the template before AWS is asked.

    Raises:
        CallerError: The template is too long, or has no such parameter.
    """
    if len(request.template.encode()) > MAX_TEMPLATE_BYTES:
        raise CallerError(f"the template is longer than {MAX_TEMPLATE_BYTES} bytes")
    unknown = [name for name in request.parameters if name not in declared]
    if unknown:
        raise CallerError(
            "; ".join(
                f"the template has no parameter {name!r}; {near_matches(name, declared)}" for name in unknown
            )
        )


def make_change_set(
    request: StackRequest, connection: AwsConnection, now: dt.datetime, sleep: Sleep = time.sleep
) -> ChangeSet:
    """Return what deploying would do; the stack stays as it is.

    Raises:
        CallerError: A parameter is unknown or missing, or the template is not sound.
    """
    client = connection.client("cloudformation")
    declared = _declared_parameters(client, request.template)
    check_parameters(request, declared)
    stack = _stack(client, request.name)
    if stack is not None and stack["StackStatus"] in _UNBORN:
        client.delete_stack(StackName=request.name)
        wait_for_end(request.name, connection, now, sleep)
        stack = None
    name = f"batchscore-{now:%Y%m%dt%H%M%S}"
    client.create_change_set(
        StackName=request.name,
        ChangeSetName=name,
        ChangeSetType="CREATE" if stack is None else "UPDATE",
        TemplateBody=request.template,
        Parameters=list(_parameters(request, declared, stack)),
        Capabilities=list(CAPABILITIES),
        **_tags(request, stack),
    )
    described = _finished_change_set(client, request.name, name, sleep)
    if described is None:
        client.delete_change_set(StackName=request.name, ChangeSetName=name)
        return ChangeSet(name="", stack_name=request.name, is_new=False, changes=())
    return ChangeSet(
        name=name,
        stack_name=request.name,
        is_new=stack is None,
        changes=tuple(_changes(client, request.name, name)),
    )


def execute_change_set(
    change_set: ChangeSet, connection: AwsConnection, now: dt.datetime, sleep: Sleep = time.sleep
) -> None:
    """Carry a change set out and wait for the end.

    Raises:
        PlatformError: CloudFormation rolled it back; the reasons that it gave are named.
    """
    client = connection.client("cloudformation")
    client.execute_change_set(StackName=change_set.stack_name, ChangeSetName=change_set.name)
    wait_for_end(change_set.stack_name, connection, now, sleep)


def discard_change_set(change_set: ChangeSet, connection: AwsConnection) -> None:
    """Forget a change set that nobody wants; a stack that was only to become one goes with it."""
    client = connection.client("cloudformation")
    client.delete_change_set(StackName=change_set.stack_name, ChangeSetName=change_set.name)
    if change_set.is_new:
        client.delete_stack(StackName=change_set.stack_name)


def wait_for_end(
    stack_name: str, connection: AwsConnection, since: dt.datetime, sleep: Sleep = time.sleep
) -> None:
    """Wait until nothing is in progress any more; a stack that is gone has ended well.

    Raises:
        PlatformError: It ended in a rollback or a failure.
    """
    client = connection.client("cloudformation")
    while True:
        stack = _stack(client, stack_name)
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            return
        status = stack["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        sleep(POLL_SECONDS)
    if "ROLLBACK" in status or status.endswith("_FAILED"):
        reasons = "; ".join(_failures(client, stack_name, since)) or stack.get("StackStatusReason", "")
        raise PlatformError(f"stack {stack_name} ended {status}: {reasons}")


def _declared_parameters(client: Any, template: str) -> dict[str, Any]:
    answer = client.validate_template(TemplateBody=template)
    return {entry["ParameterKey"]: entry for entry in answer.get("Parameters", [])}


def _tags(request: StackRequest, stack: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the tags that the stack has and those that are added; [doc] an empty list would remove all."""
    deployed = {entry["Key"]: entry["Value"] for entry in stack.get("Tags", [])} if stack else {}
    tags = {**deployed, **request.tags}
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}


def _parameters(
    request: StackRequest, declared: Mapping[str, Any], stack: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    known = {entry["ParameterKey"] for entry in stack.get("Parameters", [])} if stack else set()
    for name in declared:
        if name in request.parameters:
            yield {"ParameterKey": name, "ParameterValue": request.parameters[name]}
        elif name in known:
            yield {"ParameterKey": name, "UsePreviousValue": True}


def _finished_change_set(client: Any, stack_name: str, name: str, sleep: Sleep) -> dict[str, Any] | None:
    """Return the change set once it is made, or None if it would change nothing."""
    while True:
        described: dict[str, Any] = client.describe_change_set(StackName=stack_name, ChangeSetName=name)
        status, reason = described["Status"], described.get("StatusReason", "")
        if status == "CREATE_COMPLETE":
            return described
        if status == "FAILED":
            if any(words in reason.lower() for words in _NO_CHANGES):
                return None
            raise CallerError(f"CloudFormation refuses the change: {reason}")
        sleep(POLL_SECONDS)


def _changes(client: Any, stack_name: str, name: str) -> Iterator[ResourceChange]:
    pages = client.get_paginator("describe_change_set").paginate(StackName=stack_name, ChangeSetName=name)
    for page in pages:
        for entry in page.get("Changes", []):
            change = entry["ResourceChange"]
            yield ResourceChange(
                action=change["Action"],
                logical_id=change["LogicalResourceId"],
                type=change["ResourceType"],
                replacement=change.get("Replacement", ""),
            )


def _stack(client: Any, name: str) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return stack


def _failures(client: Any, stack_name: str, since: dt.datetime) -> Iterator[str]:
    """Yield what CloudFormation said of each resource that failed since then, the first one first."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    events = [event for page in pages for event in page["StackEvents"] if event["Timestamp"] >= since]
    for event in reversed(events):
        if event.get("ResourceStatus", "").endswith("_FAILED"):
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    return "" if value is None else str(value)
