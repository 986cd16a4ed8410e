"""Find things in a compiled pipeline definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steps.job_security import JobSecurity

KEY_ARN = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"
SECURED = JobSecurity(
    kms_key_id=KEY_ARN,
    subnet_ids=("subnet-a", "subnet-b"),
    security_group_ids=("sg-a",),
    encrypt_traffic=True,
)
OTHER_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/other-model:1"

CHOICES: dict[str, dict[str, Any]] = {
    "candidate-planned-single-arrow": {},
    "candidate-planned-single-parquet": {"wire": "parquet"},
    "candidate-planned-single-csv": {"wire": "csv"},
    "candidate-planned-single-jsonlines": {"wire": "jsonlines"},
    "candidate-planned-single-recordio": {"wire": "recordio"},
    "candidate-fixed-single-arrow": {"transform_sizing": "fixed"},
    "candidate-planned-sharded-arrow": {"prepare": "sharded"},
    "candidate-planned-single-csv-image": {"wire": "csv", "model_image": OTHER_IMAGE},
    "candidate-planned-single-arrow-secured": {"security": SECURED},
    "production-planned-single-arrow": {},
    "production-planned-single-csv": {"wire": "csv"},
    "production-fixed-sharded-arrow": {"transform_sizing": "fixed", "prepare": "sharded"},
    "production-planned-sharded-arrow-secured": {"prepare": "sharded", "security": SECURED},
}
"""Name of each golden file of the candidate and of production, and the choices that it is built with."""

RESUME_CHOICES: dict[str, dict[str, Any]] = {
    "resume-score-planned-single-arrow": {},
    "resume-score-planned-single-csv": {"wire": "csv"},
    "resume-score-fixed-sharded-arrow": {"transform_sizing": "fixed", "prepare": "sharded"},
    "resume-register-planned-single-arrow": {"resume_at": "register"},
    "resume-report-planned-single-arrow": {"resume_at": "report"},
    "resume-score-planned-single-arrow-production": {"resumed": "production"},
    "resume-score-planned-single-arrow-secured": {"security": SECURED},
    "resume-register-planned-single-csv-image": {
        "resume_at": "register",
        "wire": "csv",
        "model_image": OTHER_IMAGE,
    },
}
"""The same for the resume pipeline."""


def all_steps(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every step by its name, those in branches included."""
    return {step["Name"]: step for step in _walk(document["Steps"])}


def expressions(value: Any, key: str) -> Iterator[Any]:
    """Yield what stands under `key` anywhere below `value`, such as every `Get`."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for member in value.values():
            yield from expressions(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from expressions(member, key)


def argument_pairs(step: dict[str, Any]) -> dict[str, Any]:
    """Return a processing step's `--name value` arguments, without the repeated `--parameter`."""
    arguments = step["Arguments"]["AppSpecification"]["ContainerArguments"]
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    return {name: value for name, value in pairs if name != "--parameter"}


def _walk(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from _walk(step["Arguments"].get(branch, []))
