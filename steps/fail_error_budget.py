"""FailErrorBudget: end the run as failed, saying what was counted, what was allowed and where to look."""

from __future__ import annotations

from steps.locations import run_folder_parts
from steps.run_context import RunContext, Variable
from steps.scoring_plan import plan_value
from steps.sdk import FailStep, Join


def build_fail_error_budget_step(run: RunContext, plan_step: Variable) -> Variable:
    """Return the step; its numbers come from the plan that `plan_step` writes."""
    return FailStep(
        name="FailErrorBudget",
        display_name="Fail: error budget",
        description="Ends the run: too many records are quarantined, or none is valid. Nothing was scored.",
        error_message=Join(on="", values=_message(run, plan_step)),
    )


def _message(run: RunContext, plan_step: Variable) -> list[Variable]:
    return [
        "Too many records are quarantined, or none is valid: ",
        plan_value(plan_step, "quarantined_count"),
        " of ",
        plan_value(plan_step, "record_count"),
        " records are quarantined (fraction ",
        plan_value(plan_step, "quarantined_fraction"),
        ") and ",
        plan_value(plan_step, "valid_count"),
        " are valid; allowed are a fraction of ",
        run.budget.max_quarantine_fraction,
        " (MaxQuarantineFraction) and a count of ",
        run.budget.max_quarantine_count,
        " (MaxQuarantineCount), and at least 1 must be valid. The quarantined records are at ",
        *run_folder_parts(run, "quarantine"),
        "; correct the source or the contract, or raise the budget.",
    ]
