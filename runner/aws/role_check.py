"""Whether jobs can run under a role: SageMaker may take it, and it may be handed over.

Handed over twice **[doc]** (SageMaker guide, "IAM access management" of pipelines): by whoever creates or
updates the pipeline, and by the role itself, with which the pipeline makes its jobs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from contracts.errors import CallerError
from runner.aws.checks import CannotTellError, Check, look_at
from runner.aws.errors import is_missing
from runner.aws.session import AwsConnection

SERVICE = "sagemaker.amazonaws.com"
ACTION = "iam:PassRole"


def check_role(connection: AwsConnection, role_arn: str) -> list[Check]:
    """Return the checks of a role; empty ARN where none is known."""
    if not role_arn:
        return [look_at("role", _no_role)]
    return [
        look_at("role", lambda: _trusted(connection, role_arn)),
        look_at("pass role, you", lambda: _may_pass(connection, _caller(connection), role_arn)),
        look_at("pass role, itself", lambda: _may_pass(connection, role_arn, role_arn)),
    ]


def _no_role() -> str:
    raise CannotTellError(
        "no role is known; name a deployed pipeline with --name or --stack, or give --role-arn"
    )


def _trusted(connection: AwsConnection, role_arn: str) -> str:
    if f":{connection.account_id()}:" not in role_arn:
        raise CannotTellError(f"{role_arn} is of another account, where nothing can be asked from here")
    role = _role(connection, role_arn.rsplit("/", 1)[-1])
    if role["Arn"] != role_arn:
        raise CallerError(f"there is no role {role_arn}; did you mean {role['Arn']}?")
    document = role["AssumeRolePolicyDocument"]
    if isinstance(document, str):  # [src] botocore decodes it; a document that it cannot decode stays text
        document = json.loads(unquote(document))
    statements = _as_list(document.get("Statement", []))
    if not any(_lets_in(statement) for statement in statements):
        raise CallerError(f"{role_arn} does not let {SERVICE} assume it; add that to its trust policy")
    return f"{SERVICE} may assume {role_arn}"


def _lets_in(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _as_list(principal.get("Service", [])) if isinstance(principal, Mapping) else [principal]
    actions = _as_list(statement.get("Action", []))
    is_match = not {SERVICE, "*"}.isdisjoint(services) and not {"sts:AssumeRole", "sts:*", "*"}.isdisjoint(
        actions
    )
    return statement.get("Effect") == "Allow" and is_match


def _may_pass(connection: AwsConnection, principal_arn: str, role_arn: str) -> str:
    answer = connection.client("iam").simulate_principal_policy(
        PolicySourceArn=principal_arn,
        ActionNames=[ACTION],
        ResourceArns=[role_arn],
        ContextEntries=[
            {
                "ContextKeyName": "iam:PassedToService",
                "ContextKeyValues": [SERVICE],
                "ContextKeyType": "string",
            }
        ],
    )
    decision = answer["EvaluationResults"][0]["EvalDecision"]
    if decision != "allowed":
        raise CallerError(
            f"{principal_arn} may not do {ACTION} on {role_arn} ({decision}); add it to its policy, with "
            f"iam:PassedToService {SERVICE}"
        )
    return f"{principal_arn} may hand over {role_arn}, by its own policies"


def _caller(connection: AwsConnection) -> str:
    """Return the ARN of the user or role that signed in.

    STS tells of an assumed role without the role's path [doc]; IAM tells its whole ARN.
    """
    arn = str(connection.client("sts").get_caller_identity()["Arn"])
    kind, *parts = arn.split(":", 5)[5].split("/")
    if kind == "user":
        return arn
    if kind == "assumed-role":
        return str(_role(connection, parts[0])["Arn"])
    raise CannotTellError(f"{arn} has no policies that can be asked about")


def _role(connection: AwsConnection, name: str) -> Mapping[str, Any]:
    try:
        role: Mapping[str, Any] = connection.client("iam").get_role(RoleName=name)["Role"]
    except ClientError as error:
        if is_missing(error):
            raise CallerError(f"role {name!r} does not exist in this account") from error
        raise
    return role


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
