"""How many instances score where the definition cannot say: what the plan would choose, before the start.

With `transform_sizing="fixed"` the instance count is a parameter, and nothing in the run can compute it.
Where nobody gave one, neither at the start nor as a default, the input is listed and sampled as
`batchscore plan` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.errors import CallerError
from pipelines.parameter_specs import PARAMETER_SPECS
from runner.aws.plan import estimates_of
from runner.aws.plan_checks import look_around
from runner.aws.planned_pipeline import PlanRequest, find_pipeline_to_plan
from runner.aws.session import AwsConnection
from runner.lost_run import INSTANCE_COUNT

CEILING = "MaxTransformInstances"
_MANIFEST = "ShardManifestUri"


def is_to_be_computed(values: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    """Whether a run has a fixed instance count that nobody chose; a resumption's is chosen."""
    has_own_default = values.get(INSTANCE_COUNT) == PARAMETER_SPECS[INSTANCE_COUNT].default
    return has_own_default and INSTANCE_COUNT not in given and _MANIFEST not in values


def computed_instance_count(name: str, given: Mapping[str, str], connection: AwsConnection) -> int:
    """Return what the plan of a deployed pipeline would choose, up to the ceiling of planned sizing.

    Raises:
        CallerError: The input cannot be listed or sampled; the message says why.
    """
    ceiling = PARAMETER_SPECS[CEILING].default
    request = PlanRequest(name=name, parameters={**given, INSTANCE_COUNT: str(ceiling)})
    pipeline = find_pipeline_to_plan(request, connection)
    values = pipeline.values
    instance_type, rate = str(values["TransformInstanceType"]), int(values["RecordsPerSecondPerInstance"])
    findings = look_around(pipeline, [instance_type], connection)
    estimates = estimates_of(findings, [(instance_type, rate)], pipeline, prices=None, is_fixed=False)
    if not estimates:
        why = "; ".join(check.words for check in findings.checks if check.outcome != "passed")
        raise CallerError(f"{INSTANCE_COUNT} cannot be computed: {why}; give -p {INSTANCE_COUNT}=N")
    return estimates[0].instance_count
