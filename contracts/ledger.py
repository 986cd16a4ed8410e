"""The run ledger `run.json`: the facts and counts of a run, which must balance.

    records read    = valid + quarantined
    records valid   = scored + unscorable
    every shard     : as many scores as records, under the same ids, in the same order

Report, resume and downstream jobs trust this file; it is written only when the books balance.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.errors import InternalError, PlatformError

LEDGER_FILE = "run.json"
REPORT_FILE = "report.html"
COMPARISON_FILE = "comparison.html"
INDEX_FILE = "index.html"
EVALUATION_FILE = "evaluation.json"
SUCCESS_FILE = "_SUCCESS"
POINTER_FILE = "latest.json"
"""Below `<OutputUri>pointer/`: names the newest published run. The last output of the last step."""

LEDGER_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RunCounts:
    """Records at each station of a run.

    Attributes:
        read: Found in the source objects.
        valid: Kept every rule and went into a shard.
        quarantined: Held back with a reason.
        scored: Came back with a score.
        unscorable: Came back with an error beside their id.
    """

    read: int
    valid: int
    quarantined: int
    scored: int
    unscorable: int = 0

    def check(self) -> None:
        """Raise an InternalError that names each sum which does not balance."""
        faults = []
        if self.read != self.valid + self.quarantined:
            faults.append(f"read {self.read} != valid {self.valid} + quarantined {self.quarantined}")
        if self.valid != self.scored + self.unscorable:
            faults.append(f"valid {self.valid} != scored {self.scored} + unscorable {self.unscorable}")
        if faults:
            raise InternalError("the books do not balance: " + "; ".join(faults) + "; nothing was published")


@dataclass(frozen=True, kw_only=True)
class RunLedger:
    """What is known of one run once it is reconciled.

    Attributes:
        run_id: Execution id, the same in every path of the run.
        run_date: ISO date that partitions the scores.
        pipeline_name: Name of the pipeline that ran.
        finished_at: UTC, ISO 8601.
        model_package_arn: The registered model that scored.
        contract_fingerprint: Of the contract in force.
        wire_format: Name of the wire format.
        parameters: Pipeline parameters by name, as text.
        counts: See RunCounts.
        reason_counts: Quarantined records by reason code.
        sources: One mapping a source object, as in the shard manifest.
        shards: One mapping a shard, as in the shard manifest.
        uris: Where `scores`, `quarantine`, `report` and `ledger` are published; and `late_quarantine`, if the
            report held records back.
        quality: Metric name to number, empty where no labels are known.
        labelled_count: Records with a label, on which `quality` was measured.
        timings: Seconds by name of what was timed.
        report: What the page shows beside this; empty in ledgers of before it was kept. Its form is the
            report's own.
        version: Of this format.
    """

    run_id: str
    run_date: str
    pipeline_name: str
    finished_at: str
    model_package_arn: str
    contract_fingerprint: str
    wire_format: str
    parameters: dict[str, str]
    counts: RunCounts
    reason_counts: dict[str, int]
    sources: list[dict[str, Any]]
    shards: list[dict[str, Any]]
    uris: dict[str, str]
    quality: dict[str, float]
    labelled_count: int
    timings: dict[str, float]
    report: dict[str, Any] = field(default_factory=dict)
    version: int = LEDGER_VERSION


def write_ledger(path: Path, ledger: RunLedger) -> None:
    """Write the ledger, whole or not at all, after checking that it balances."""
    ledger.counts.check()
    write_json(path, dataclasses.asdict(ledger))


def read_ledger(path: Path) -> RunLedger:
    """Read a ledger.

    Raises:
        PlatformError: It is missing, not ours, or of a version this code does not know.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PlatformError(f"{path}: cannot be read as a run ledger: {error!r}") from error
    return parse_ledger(content, name=str(path))


def parse_ledger(content: bytes, *, name: str) -> RunLedger:
    """Return the ledger that the bytes of its file say; `name` is for the message.

    Raises:
        PlatformError: It is not ours, or of a version this code does not know.
    """
    try:
        document = json.loads(content)
        counts = RunCounts(**document.pop("counts"))
        ledger = RunLedger(counts=counts, **document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PlatformError(f"{name}: cannot be read as a run ledger: {error!r}") from error
    if ledger.version != LEDGER_VERSION:
        raise PlatformError(f"{name}: is a ledger of version {ledger.version}, expected {LEDGER_VERSION}")
    return ledger
