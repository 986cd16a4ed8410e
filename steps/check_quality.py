"""CheckQuality: end the run as failed if the model is worse, or drift is larger, than is allowed.

ReportRun judges, because it knows the numbers and can say why; it writes `gate.json`. A condition and not a
failing job, because a failed processing job uploads nothing: the report must survive the failure that it
explains. It stands beside CheckErrorBudget and not inside, because conditions do not nest, and waits for
ReportRun, so that it is never reached where the error budget has ended the run (that a step may wait for one
in a branch is told in aws/sagemaker-python-sdk#3565).
"""

from __future__ import annotations

from contracts.gate import GATE_FILE, PASSED
from steps.run_context import Variable
from steps.sdk import ConditionEquals, ConditionStep, JsonGet, PropertyFile

_PROPERTY_FILE = "QualityGate"


def quality_gate_file() -> Variable:
    """Return the property file that ReportRun declares where its verdict is a condition."""
    return PropertyFile(name=_PROPERTY_FILE, output_name="report", path=GATE_FILE)


def gate_value(report_step: Variable, field: str) -> Variable:
    """Return the expression for one field of the gate that `report_step` writes."""
    return JsonGet(step_name=report_step.name, property_file=_PROPERTY_FILE, json_path=field)


def build_check_quality_step(report_step: Variable, fail_step: Variable) -> Variable:
    """Return the condition; `fail_step` follows where the gate is not passed, and nothing where it is."""
    return ConditionStep(
        name="CheckQuality",
        display_name="Check quality",
        description="Ends well if model quality and drift are within QualityMetric, MinQuality and MaxDrift.",
        conditions=[ConditionEquals(left=gate_value(report_step, "is_passed"), right=PASSED)],
        if_steps=[],
        else_steps=[fail_step],
        depends_on=[report_step],
    )
