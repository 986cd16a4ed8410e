"""ReportRun: balance the books, measure, draw the report, and publish the scores.

In: the plan, the kept columns, the quarantine, the transform job's outputs, the contract, and what the last
run left. Out, in this order: the scores, the report, what the next run compares itself with, and last the
pointer that makes the run the newest one, so that a reader who follows the pointer finds all of it. In the
sharded form `late_quarantine` comes first: records whose id another prepare instance read too.
"""

from __future__ import annotations

from contracts import container_paths as paths
from steps.check_quality import quality_gate_file
from steps.locations import history_folder, pointer_folder, run_folder, scores_folder
from steps.processing_job import (
    JobInput,
    JobOutput,
    ProcessingJob,
    StepText,
    build_processing_step,
    named_arguments,
)
from steps.run_context import RunContext, Variable
from steps.sdk import Join

_TEXT = StepText(
    name="ReportRun",
    display_name="Report run",
    description="Checks that no record was lost, writes ledger, metrics and report, publishes the scores.",
)


def build_report_run_step(run: RunContext, score_step: Variable, model_package_arn: Variable) -> Variable:
    """Return the step, which waits for `score_step`; for nothing, if that is None: all is scored already."""
    job = ProcessingJob(
        entrypoint=("python3", "-m", "reporting"),
        arguments=(*named_arguments(_facts(run, model_package_arn)), *_parameters(run)),
        inputs=_inputs(run),
        outputs=_outputs(run),
        instance_type=run.processing.report_instance_type,
    )
    depends_on = () if score_step is None else (score_step,)
    return build_processing_step(
        run, _TEXT, job, property_files=(quality_gate_file(),), depends_on=depends_on
    )


def _facts(run: RunContext, model_package_arn: Variable) -> dict[str, Variable]:
    return {
        "run-id": run.identity.run_id,
        "run-date": run.dataset.run_date,
        "started-at": run.identity.started_at,
        "pipeline-name": run.identity.pipeline_name,
        "model-package-arn": model_package_arn,
        "output-uri": run.dataset.output_uri,
        "output-format": run.dataset.output_format,
        "keep-columns": run.dataset.keep_columns,
        "wire-format": run.shape.wire,
    }


def _parameters(run: RunContext) -> tuple[Variable, ...]:
    """Return `--parameter Name=Value` for every parameter of the run, for the ledger."""
    return tuple(
        part
        for parameter in run.declared
        for part in ("--parameter", Join(on="=", values=[parameter.name, parameter]))
    )


def _inputs(run: RunContext) -> tuple[JobInput, ...]:
    return (
        JobInput(name="plan", uri=run_folder(run, "plan"), folder=paths.PLAN_INPUT),
        JobInput(name="kept", uri=run_folder(run, "kept"), folder=paths.KEPT_INPUT),
        JobInput(name="quarantine", uri=run_folder(run, "quarantine"), folder=paths.QUARANTINE_INPUT),
        JobInput(name="transform", uri=run_folder(run, "transform"), folder=paths.TRANSFORM_INPUT),
        JobInput(name="contract", uri=run.dataset.contract_uri, folder=paths.CONTRACT_INPUT),
        JobInput(name="history", uri=history_folder(run.dataset.output_uri), folder=paths.HISTORY_INPUT),
    )


def _outputs(run: RunContext) -> tuple[JobOutput, ...]:
    output_uri = run.dataset.output_uri
    late = JobOutput(
        name="late_quarantine",
        uri=run_folder(run, "late_quarantine"),
        folder=paths.LATE_QUARANTINE_OUTPUT,
    )
    history = JobOutput(
        name="history", uri=history_folder(output_uri, "published"), folder=paths.HISTORY_OUTPUT
    )
    pointer = JobOutput(name="pointer", uri=pointer_folder(output_uri), folder=paths.POINTER_OUTPUT)
    return (
        *([late] if run.shape.is_sharded else []),
        JobOutput(name="scores", uri=scores_folder(output_uri), folder=paths.SCORES_OUTPUT),
        JobOutput(name="report", uri=run_folder(run, "report"), folder=paths.REPORT_OUTPUT),
        *([history, pointer] if run.shape.moves_pointer else []),
    )
