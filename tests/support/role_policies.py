"""The policies of deployed roles, and what they decide."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from emulated_account import EmulatedAccount, StackFacts

DECIDER = Path(__file__).with_name("policy_decisions.py")


class Question(NamedTuple):
    """Whether an action may be done; `context` has the condition keys that AWS would know."""

    action: str
    resource: str
    context: Mapping[str, str] = {}


def policies_of(account: EmulatedAccount, role_name: str) -> dict[str, Any]:
    """Return every policy document of a role, inline and managed, by its name."""
    iam = account.client("iam")
    inline = iam.list_role_policies(RoleName=role_name)["PolicyNames"]
    found = {
        f"{role_name}/{name}": iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
        for name in inline
    }
    for policy in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        found[policy["PolicyName"]] = document
    return found


def roles_of(stack: StackFacts) -> dict[str, str]:
    """Return the name of every role of a stack, by its name in the template."""
    return {key: value for key, value in stack.ids.items() if key.endswith("Role")}


def simulated(account: EmulatedAccount, role_name: str, question: Question) -> str:
    """Return what SimulatePrincipalPolicy says: `allowed`, `explicitDeny` or `implicitDeny`."""
    iam = account.client("iam")
    answer = iam.simulate_principal_policy(
        PolicySourceArn=iam.get_role(RoleName=role_name)["Role"]["Arn"],
        ActionNames=[question.action],
        ResourceArns=[question.resource],
    )
    decision: str = answer["EvaluationResults"][0]["EvalDecision"]
    return decision


def decided(account: EmulatedAccount, role_name: str, questions: list[Question]) -> list[str]:
    """Return `Allow`, `Deny` or `ImplicitDeny` for each question, condition keys considered."""
    given = {
        "policies": list(policies_of(account, role_name).values()),
        "questions": [question._asdict() for question in questions],
    }
    answer = subprocess.run(
        [account.python, DECIDER], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    decisions: list[str] = json.loads(answer.stdout)
    return decisions
