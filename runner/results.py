"""Say what came of a run: status, counts, and where its scores, quarantine, ledger and report are.

`ResultsAt` is the same for a local run, whose places are paths, and for one in AWS, whose places are `s3://`
URIs (see `runner.aws.results`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from contracts.ledger import LEDGER_FILE, REPORT_FILE, RunLedger, read_ledger
from contracts.plan import PLAN_FILE, ScoringPlan, read_plan
from emulator.run_record import RunRecord
from runner.local_state import LocalState
from runner.resumption import resume_command

Place = TypeVar("Place", bound=Path | str)
"""A path on this machine, or an `s3://` URI."""


@dataclass(frozen=True, kw_only=True)
class ResultsAt(Generic[Place]):
    """What came of one run; what a failed run did not reach is None or empty.

    Attributes:
        record: The run's own record.
        counts: `read`, `valid`, `quarantined`, `scored`, `unscorable`, as far as they are known.
        scores: Folder of the scored data of this run.
        quarantine: Folder of the records held back, if the run came so far.
        ledger: The run ledger file.
        report: The HTML report file.
        facts: The ledger's content.
        resume_command: What resumes the run, or None where that would not work.
        quarantine_digest: The page about the records held back; of several preparing instances, the first
            one's.
        held_back_hint: How a person sees the records held back; empty if there are none.
    """

    record: RunRecord
    counts: dict[str, int]
    scores: Place | None
    quarantine: Place | None
    ledger: Place | None
    report: Place | None
    facts: RunLedger | None
    resume_command: str | None
    quarantine_digest: Place | None = None
    held_back_hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the form that scripts rely on."""
        return {
            "run_id": self.record.run_id,
            "status": self.record.status,
            "failure_reason": self.record.failure_reason,
            "started_at": self.record.started_at,
            "finished_at": self.record.finished_at,
            "resumed_at": list(self.record.resumed_at),
            "resume_command": self.resume_command,
            "counts": self.counts,
            "quality": self.facts.quality if self.facts else {},
            "model_package_arn": self.facts.model_package_arn if self.facts else None,
            "scores": _text(self.scores),
            "quarantine": _text(self.quarantine),
            "quarantine_digest": _text(self.quarantine_digest),
            "ledger": _text(self.ledger),
            "report": _text(self.report),
        }


RunResults = ResultsAt[Path]
"""Of a local run."""


def results_of(record: RunRecord, state: LocalState) -> RunResults:
    """Collect what came of a run, from its ledger or, for a run that got less far, from its plan."""
    base = state.store.path_of(str(record.parameters["OutputUri"]).rstrip("/"))
    run_folder = base / "runs" / record.run_id
    ledger = _existing(run_folder / "report" / LEDGER_FILE)
    facts = read_ledger(ledger) if ledger else None
    scores = base / "scores" / f"run_date={facts.run_date}" / record.run_id if facts else None
    quarantine = _existing(run_folder / "quarantine")
    pages = sorted(quarantine.glob("*.digest.html")) if quarantine else []
    counts = _counts(facts, run_folder)
    is_shown = quarantine is not None and counts.get("quarantined")
    return RunResults(
        record=record,
        counts=counts,
        scores=_existing(scores),
        quarantine=quarantine,
        ledger=ledger,
        report=_existing(run_folder / "report" / REPORT_FILE),
        facts=facts,
        resume_command=resume_command(record, state),
        quarantine_digest=pages[0] if pages else None,
        held_back_hint=f"`batchscore quarantine {record.run_id}` shows them" if is_shown else "",
    )


def counts_of_plan(plan: ScoringPlan) -> dict[str, int]:
    """Return the counts of a run that was prepared and got no further."""
    return {
        "read": plan.record_count,
        "valid": plan.valid_count,
        "quarantined": plan.quarantined_count,
        "scored": 0,
        "unscorable": 0,
    }


def _counts(facts: RunLedger | None, run_folder: Path) -> dict[str, int]:
    if facts is not None:
        return dict(vars(facts.counts))
    has_plan = (run_folder / "plan" / PLAN_FILE).exists()
    return counts_of_plan(read_plan(run_folder / "plan")) if has_plan else {}


def _existing(path: Path | None) -> Path | None:
    return path.resolve() if path is not None and path.exists() else None


def _text(path: Path | str | None) -> str | None:
    return None if path is None else str(path)
