"""FailQuality: end the run as failed, saying what was measured, what was allowed and where the report is."""

from __future__ import annotations

from steps.check_quality import gate_value
from steps.locations import run_folder_parts
from steps.run_context import RunContext, Variable
from steps.sdk import FailStep, Join


def build_fail_quality_step(run: RunContext, report_step: Variable) -> Variable:
    """Return the step; its reason comes from the gate that `report_step` writes."""
    return FailStep(
        name="FailQuality",
        display_name="Fail: quality",
        description="Ends the run: the model or its data is not as good as asked. The report was written.",
        error_message=Join(on="", values=_message(run, report_step)),
    )


def _message(run: RunContext, report_step: Variable) -> list[Variable]:
    return [
        "The model did not pass its quality gate: ",
        gate_value(report_step, "reason"),
        " Do not approve its package; the report is at ",
        *run_folder_parts(run, "report"),
        "report.html.",
    ]
