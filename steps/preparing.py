"""The steps that prepare: PrepareInput, and in the sharded form PlanScoring, which adds the plans up."""

from __future__ import annotations

from steps.plan_scoring import build_plan_scoring_step
from steps.prepare_input import build_prepare_input_step
from steps.run_context import RunContext, Variable


def build_preparing_steps(run: RunContext) -> list[Variable]:
    """Return the steps in their order; the last one declares the ScoringPlan property file."""
    prepare_step = build_prepare_input_step(run)
    if not run.shape.is_sharded:
        return [prepare_step]
    return [prepare_step, build_plan_scoring_step(run, prepare_step)]
