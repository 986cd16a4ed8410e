"""PrepareInput: read the source objects, quarantine what breaks the contract, cut the rest into shards.

In: every source object below InputUri, the dataset contract. Out: `plan`, `shards`, `kept`, `quarantine`,
and a marker below `history`, which ReportRun reads and which must not be empty then.
One instance writes `plan.json`; in the sharded form each of several instances gets whole source objects
of its own and writes a part of the plan, because no instance sees the whole and all of them would
overwrite one `plan.json`.
"""

from __future__ import annotations

from contracts import container_paths as paths
from steps.locations import history_folder, run_folder
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
    name="PrepareInput",
    display_name="Prepare input",
    description="Reads the source objects, sends each record to a shard or to quarantine, plans the scoring.",
)


def build_prepare_input_step(run: RunContext) -> Variable:
    """Return the step; in the single form it declares the ScoringPlan property file."""
    arguments = {**sizing_arguments(run), "keep-columns": run.dataset.keep_columns}
    if run.shape.is_sharded:
        arguments["part-only"] = "true"
    job = ProcessingJob(
        entrypoint=("python3", "-m", "preprocessing", "prepare"),
        arguments=named_arguments(arguments),
        inputs=_inputs(run),
        outputs=_outputs(run),
        instance_type=run.processing.instance_type,
        instance_count=run.processing.instance_count,
    )
    plan_files = () if run.shape.is_sharded else (scoring_plan_file(),)
    return build_processing_step(run, _TEXT, job, property_files=plan_files)


def sizing_arguments(run: RunContext) -> dict[str, Variable]:
    """Return the arguments that PrepareInput and PlanScoring share."""
    fixed = {} if run.shape.is_planned else {"min-instances": run.transform.max_instances}
    return {
        "wire-format": run.shape.wire,
        "input-format": run.dataset.input_format,
        "input-uri": run.dataset.input_uri,
        "output-uri": run.dataset.output_uri,
        "max-instances": run.transform.max_instances,
        "max-concurrency": run.transform.max_concurrent_transforms,
        "max-payload-mb": run.transform.max_payload_mb,
        "deadline-minutes": run.transform.deadline_minutes,
        "records-per-second": run.transform.records_per_second_per_instance,
        **fixed,
    }


def _inputs(run: RunContext) -> tuple[JobInput, ...]:
    source, contract = run.dataset.input_uri, run.dataset.contract_uri
    return (
        JobInput(name="source", uri=source, folder=paths.SOURCE_INPUT, is_divided=run.shape.is_sharded),
        JobInput(name="contract", uri=contract, folder=paths.CONTRACT_INPUT),
    )


def _outputs(run: RunContext) -> tuple[JobOutput, ...]:
    # The service refuses a job whose input and output are the same prefix, and PlanScoring reads the parts.
    plan_folder = "plan_parts" if run.shape.is_sharded else "plan"
    return (
        JobOutput(name="plan", uri=run_folder(run, plan_folder), folder=paths.PLAN_OUTPUT),
        JobOutput(name="shards", uri=run_folder(run, "shards"), folder=paths.SHARDS_OUTPUT),
        JobOutput(name="kept", uri=run_folder(run, "kept"), folder=paths.KEPT_OUTPUT),
        JobOutput(name="quarantine", uri=run_folder(run, "quarantine"), folder=paths.QUARANTINE_OUTPUT),
        JobOutput(
            name="history",
            uri=history_folder(run.dataset.output_uri, "started"),
            folder=paths.HISTORY_OUTPUT,
        ),
    )
