"""The operators' policies allow every call of AWS that the command line makes, found in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from emulated_account import EmulatedAccount, StackFacts
from role_policies import policies_of

ROOT = Path(__file__).parents[2]
SERVICES = {
    "cloudformation": "cloudformation",
    "ecr": "ecr",
    "ec2": "ec2",
    "iam": "iam",
    "logs": "logs",
    "pricing": "pricing",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "service-quotas": "servicequotas",
}
"""Prefix of IAM actions, by boto3's name of the service; of two with the same call, the first is meant."""

NOT_IN_CI = ("change_set.py", "deploy_command.py", "image_push.py")
"""Deploying is for who may make roles; it is not done with these policies."""

S3_ACTIONS = {
    "head_object": "s3:GetObject",
    "list_objects_v2": "s3:ListBucket",
    "head_bucket": "s3:ListBucket",
}
"""[doc] Calls of S3 that are allowed by an action of another name."""


def _calls() -> dict[str, str]:
    """Return the IAM action of every call, by the name of its method; one word alone is too common."""
    session = botocore.session.get_session()
    found: dict[str, str] = {}
    for service, prefix in SERVICES.items():
        for operation in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(operation), f"{prefix}:{operation}")
    return {name: action for name, action in (found | S3_ACTIONS).items() if "_" in name}


def _names(source: str) -> Iterator[str]:
    """Yield the name of every method that is called, and of every call that is paginated or waited for."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
            if node.func.attr == "get_paginator":
                yield from (part.value for part in node.args if isinstance(part, ast.Constant))


def _needed() -> set[str]:
    calls = _calls()
    files = [path for path in sorted((ROOT / "runner" / "aws").rglob("*.py")) if path.name not in NOT_IN_CI]
    sources = [path.read_text() for path in files]
    return {calls[name] for source in sources for name in _names(source) if name in calls}


def test_calls_are_found_in_the_source() -> None:
    """Those that it surely makes, paginated ones included."""
    surely = {"sagemaker:StartPipelineExecution", "sagemaker:ListPipelines", "cloudformation:DescribeStacks"}
    assert surely | {"s3:GetObject", "s3:ListBucket"} <= _needed()


@pytest.mark.functional
def test_every_call_of_the_command_line_is_allowed_to_who_promotes(
    account: EmulatedAccount, stack: StackFacts
) -> None:
    """A call that is added needs its action added, or the first run in CI fails."""
    policies = policies_of(account, stack.ids["GitHubRole"]).values()
    statements = [statement for policy in policies for statement in policy["Statement"]]
    allowed = {
        action
        for statement in statements
        for action in (
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        )
    }
    assert sorted(_needed() - allowed) == []
