"""How long preparing and reporting take, as the newest published run measured it; no rate is assumed.

Preparing is taken to grow with the bytes of the source objects, reporting with the records. What was measured
is the work itself, without the time in which jobs start and copy files. A run on other instances says
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.ledger import POINTER_FILE, RunLedger
from runner.aws.checks import CannotTellError
from runner.aws.objects import read_if_there
from runner.aws.run_files import RunFiles

SECONDS_PER_HOUR = 3600
PREPARE, REPORT = "PrepareInput", "ReportRun"
_MEASURED = {
    PREPARE: (("ProcessingInstanceType", "ProcessingInstanceCount"), "prepare_seconds"),
    REPORT: (("ReportInstanceType",), "report_seconds"),
}
"""Parameters that must be the same, and the name of the timing in the ledger."""


@dataclass(frozen=True, kw_only=True)
class ProcessingEstimate:
    """Preparing or reporting.

    Attributes:
        step: `PrepareInput` or `ReportRun`.
        instance_type: Such as `ml.m5.2xlarge`.
        instance_count: At least 1.
        seconds: Of the work itself; None where no run has measured it.
        usd_per_hour: Of one instance; None where no price is known.
        measured_by: Id of the run that measured it, or of one on other instances; empty for none.
    """

    step: str
    instance_type: str
    instance_count: int
    seconds: float | None
    usd_per_hour: float | None
    measured_by: str = ""

    @property
    def cost_usd(self) -> float | None:
        """None where time or price is not known."""
        if self.seconds is None or self.usd_per_hour is None:
            return None
        return self.instance_count * self.seconds / SECONDS_PER_HOUR * self.usd_per_hour


@dataclass(frozen=True, kw_only=True)
class PlannedInput:
    """How much is to be prepared and reported.

    Attributes:
        byte_count: Of all source objects.
        record_count: Of all of them.
    """

    byte_count: int
    record_count: int


def earlier_ledger(s3: Any, output_uri: str) -> RunLedger:
    """Return the ledger of the newest published run below OutputUri.

    Raises:
        CannotTellError: There is none.
        PlatformError: It is not one that this code knows.
    """
    content = read_if_there(s3, f"{output_uri}pointer/{POINTER_FILE}")
    run_id = json.loads(content)["run_id"] if content is not None else ""
    ledger = RunFiles(s3=s3, run_uri=f"{output_uri}runs/{run_id}/").ledger() if run_id else None
    if ledger is None:
        raise CannotTellError(f"no run is published below {output_uri}")
    return ledger


def seconds_of(
    step: str, ledger: RunLedger, values: Mapping[str, Any], planned: PlannedInput
) -> float | None:
    """Return how long a step takes by what an earlier run measured; None if that was on other instances."""
    same, timing = _MEASURED[step]
    if any(str(values.get(name)) != str(ledger.parameters.get(name)) for name in same):
        return None
    seconds = ledger.timings.get(timing)
    source_bytes = sum(source["byte_count"] for source in ledger.sources)
    if step == PREPARE:
        share = planned.byte_count / max(source_bytes, 1)
    else:
        share = planned.record_count / max(ledger.counts.read, 1)
    return None if seconds is None else seconds * share
