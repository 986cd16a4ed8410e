"""PlanScoring: add up what several instances prepared, on one instance (sharded form only).

In: the plan parts, `parts/<host>.json`. Out: `plan.json` and the shard manifest of the whole run.
"""

from __future__ import annotations

from contracts import container_paths as paths
from steps.locations import run_folder
from steps.prepare_input import sizing_arguments
from steps.processing_job import (
    JobInput,
    JobOutput,
    ProcessingJob,
    StepText,
    build_processing_step,
    named_arguments,
)
from steps.run_context import RunContext, Variable
from steps.scoring_plan import scoring_plan_file

_TEXT = StepText(
    name="PlanScoring",
    display_name="Plan scoring",
    description="Adds up the parts of the plan that several instances wrote, and sizes the transform job.",
)


def build_plan_scoring_step(run: RunContext, prepare_step: Variable) -> Variable:
    """Return the step, which declares the ScoringPlan property file and waits for `prepare_step`."""
    job = ProcessingJob(
        entrypoint=("python3", "-m", "preprocessing", "plan"),
        arguments=named_arguments(sizing_arguments(run)),
        inputs=(JobInput(name="plan", uri=run_folder(run, "plan_parts"), folder=paths.PLAN_INPUT),),
        outputs=(JobOutput(name="plan", uri=run_folder(run, "plan"), folder=paths.PLAN_OUTPUT),),
        # It reads a few kilobytes; the report's machine is small and its quota is there anyway.
        instance_type=run.processing.report_instance_type,
    )
    return build_processing_step(
        run, _TEXT, job, property_files=(scoring_plan_file(),), depends_on=(prepare_step,)
    )
