"""What a run says of itself in a few numbers, for the charts of the last runs."""

from __future__ import annotations

from collections.abc import Iterable

from reporting.drift import DriftReport
from reporting.drift_findings import TRAINING
from reporting.last_runs import MAX_NAME_CHARACTERS, RunHeadline
from reporting.run import MeasuredRun


def run_headline(run: MeasuredRun) -> RunHeadline:
    """Return the headline numbers of a reconciled run."""
    summary, counts = run.distribution.summary, run.counts
    training_psi, training_mover = _largest(one for one in run.drift.reports if one.reference == TRAINING)
    last_run_psi, last_run_mover = _largest(one for one in run.drift.reports if one.reference != TRAINING)
    return RunHeadline(
        run_id=run.request.run_id,
        run_date=run.request.run_date,
        record_count=counts.read,
        quarantined_fraction=counts.quarantined / max(1, counts.read),
        mean_score=summary.mean if summary.record_count and summary.has_mean else None,
        quality=run.quality.metrics,
        training_psi=training_psi,
        training_mover=training_mover,
        last_run_psi=last_run_psi,
        last_run_mover=last_run_mover,
    )


def _largest(reports: Iterable[DriftReport]) -> tuple[float | None, str | None]:
    """Return the largest PSI and the field that has it; None and None if nothing was measured."""
    worst = next((report.worst for report in reports if report.worst is not None), None)
    return (None, None) if worst is None else (worst.psi, worst.name[:MAX_NAME_CHARACTERS])
