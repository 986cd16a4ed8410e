"""Decide about actions under policies, with condition keys; a command, run in ministack's environment.

[src] SimulatePrincipalPolicy of ministack 1.5.33 takes no context, so that a statement with a condition never
applies in it. This asks the same evaluator directly. Takes on standard input a JSON object with `policies`
(documents) and `questions` (`action`, `resource`, `context`); prints a JSON list with `Allow`, `Deny` or
`ImplicitDeny` for each.
"""

from __future__ import annotations

import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

if __name__ == "__main__":
    given = json.load(sys.stdin)
    policies = [parse_policy_document(document) for document in given["policies"]]
    decisions = [
        evaluate(
            EvalContext(
                principal_arn="arn:aws:iam::000000000000:role/any",
                principal_type="AssumedRole",
                principal_account="000000000000",
                action=question["action"],
                resource_arn=question["resource"],
                region="eu-central-1",
                service_context={key.lower(): value for key, value in question["context"].items()},
            ),
            policies,
        ).decision
        for question in given["questions"]
    ]
    print(json.dumps(decisions))  # noqa: T201 - a command
