"""Say what came of a local run: status, counts, and where its scores, quarantine, ledger and report are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.ledger import LEDGER_FILE, REPORT_FILE, RunLedger, read_ledger
from contracts.plan import PLAN_FILE, read_plan
from emulator.run_record import RunRecord
from runner.local_state import LocalState


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """What came of one run; what a failed run did not reach is None or empty.

    Attributes:
        record: The run's own record.
        counts: `read`, `valid`, `quarantined`, `scored`, `unscorable`, as far as they are known.
        scores: Folder of the scored data of this run.
        quarantine: Folder of the records held back, if the run came so far.
        ledger: The run ledger file.
        report: The HTML report file.
        facts: The ledger's content.
    """

    record: RunRecord
    counts: dict[str, int]
    scores: Path | None
    quarantine: Path | None
    ledger: Path | None
    report: Path | None
    facts: RunLedger | None

    @property
    def quarantine_digest(self) -> Path | None:
        """The page about the records held back; of several preparing instances, the first one's."""
        pages = sorted(self.quarantine.glob("*.digest.html")) if self.quarantine else []
        return pages[0] if pages else None

    def as_json(self) -> dict[str, Any]:
        """Return the form that scripts rely on."""
        return {
            "run_id": self.record.run_id,
            "status": self.record.status,
            "failure_reason": self.record.failure_reason,
            "started_at": self.record.started_at,
            "finished_at": self.record.finished_at,
            "counts": self.counts,
            "quality": self.facts.quality if self.facts else {},
            "model_package_arn": self.facts.model_package_arn if self.facts else None,
            "scores": _text(self.scores),
            "quarantine": _text(self.quarantine),
            "quarantine_digest": _text(self.quarantine_digest),
            "ledger": _text(self.ledger),
            "report": _text(self.report),
        }


def results_of(record: RunRecord, state: LocalState) -> RunResults:
    """Collect what came of a run, from its ledger or, for a run that got less far, from its plan."""
    base = state.store.path_of(str(record.parameters["OutputUri"]).rstrip("/"))
    run_folder = base / "runs" / record.run_id
    ledger = _existing(run_folder / "report" / LEDGER_FILE)
    facts = read_ledger(ledger) if ledger else None
    scores = base / "scores" / f"run_date={facts.run_date}" / record.run_id if facts else None
    return RunResults(
        record=record,
        counts=_counts(facts, run_folder),
        scores=_existing(scores),
        quarantine=_existing(run_folder / "quarantine"),
        ledger=ledger,
        report=_existing(run_folder / "report" / REPORT_FILE),
        facts=facts,
    )


def _counts(facts: RunLedger | None, run_folder: Path) -> dict[str, int]:
    if facts is not None:
        return dict(vars(facts.counts))
    if not (run_folder / "plan" / PLAN_FILE).exists():
        return {}
    plan = read_plan(run_folder / "plan")
    return {
        "read": plan.record_count,
        "valid": plan.valid_count,
        "quarantined": plan.quarantined_count,
        "scored": 0,
        "unscorable": 0,
    }


def _existing(path: Path | None) -> Path | None:
    return path.resolve() if path is not None and path.exists() else None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
