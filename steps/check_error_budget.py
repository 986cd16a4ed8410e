"""CheckErrorBudget: go on only if no more records were quarantined than allowed, and at least one is valid.

A condition and not a failing job, because a failed processing job uploads nothing: the quarantine must
survive the failure that it explains. Both bounds are inclusive.
"""

from __future__ import annotations

from dataclasses import dataclass

from steps.run_context import RunContext, Variable
from steps.scoring_plan import plan_value
from steps.sdk import ConditionGreaterThanOrEqualTo, ConditionLessThanOrEqualTo, ConditionStep


@dataclass(frozen=True, kw_only=True)
class Branches:
    """What follows.

    Attributes:
        within_budget: Steps that score.
        over_budget: Steps that fail the run.
    """

    within_budget: tuple[Variable, ...]
    over_budget: tuple[Variable, ...]


def build_check_error_budget_step(run: RunContext, plan_step: Variable, branches: Branches) -> Variable:
    """Return the condition on the plan that `plan_step` writes."""
    fraction, count = run.budget.max_quarantine_fraction, run.budget.max_quarantine_count
    return ConditionStep(
        name="CheckErrorBudget",
        display_name="Check error budget",
        description="Goes on if the quarantined records are within the budget and at least one is valid.",
        conditions=[
            ConditionLessThanOrEqualTo(left=plan_value(plan_step, "quarantined_fraction"), right=fraction),
            ConditionLessThanOrEqualTo(left=plan_value(plan_step, "quarantined_count"), right=count),
            ConditionGreaterThanOrEqualTo(left=plan_value(plan_step, "valid_count"), right=1),
        ],
        if_steps=list(branches.within_budget),
        else_steps=list(branches.over_budget),
    )
