"""Read single values of `plan.json` in the definition, by the names of the ScoringPlan contract."""

from __future__ import annotations

import dataclasses

from contracts.errors import near_matches
from contracts.plan import PLAN_FILE, ScoringPlan
from steps.run_context import Variable
from steps.sdk import JsonGet, PropertyFile

_FIELDS = {field.name for field in dataclasses.fields(ScoringPlan)}


def scoring_plan_file() -> Variable:
    """Return the property file that the step writing `plan.json` declares."""
    return PropertyFile(name="ScoringPlan", output_name="plan", path=PLAN_FILE)


def plan_value(step: Variable, field: str) -> Variable:
    """Return the expression for one field of the plan that `step` writes.

    Raises:
        ValueError: The plan has no such field.
    """
    if field not in _FIELDS:
        raise ValueError(f"plan.json has no field {field!r}; {near_matches(field, _FIELDS)}")
    return JsonGet(step_name=step.name, property_file="ScoringPlan", json_path=field)
