"""Write the report folder: the ledger, the evaluation, the HTML page, and a CSV file for each chart."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

from contracts.atomic_files import write_bytes, write_json
from contracts.ledger import EVALUATION_FILE, LEDGER_FILE, REPORT_FILE, RunLedger, write_ledger
from reporting.document import render_document
from reporting.evaluation import evaluation_document
from reporting.figures import draw_figures
from reporting.run import ReconciledRun
from reporting.tables import chart_tables, table_csv

TABLES_FOLDER = "tables"
"""Below the report folder: one CSV file for each chart."""


def write_report(
    folder: Path, run: ReconciledRun, *, began_at: dt.datetime, now: Callable[[], dt.datetime]
) -> str:
    """Write everything about a run into `folder`, the ledger last; return when the run finished.

    Args:
        folder: Where to; made if it is not there.
        run: The reconciled run.
        began_at: When the report began.
        now: Tells the time; the run is finished when its figures are drawn.
    """
    tables = list(chart_tables(run))
    for table in tables:
        write_bytes(folder / TABLES_FOLDER / f"{table.name}.csv", table_csv(table).encode())
    figures = list(draw_figures(run, tables))
    ledger = build_ledger(run, began_at=began_at, finished_at=now())
    evaluation = evaluation_document(run.quality, evaluated_at=ledger.finished_at)
    write_json(folder / EVALUATION_FILE, evaluation)
    write_bytes(folder / REPORT_FILE, render_document(run, ledger, figures).encode())
    write_ledger(folder / LEDGER_FILE, ledger)
    return ledger.finished_at


def build_ledger(run: ReconciledRun, *, began_at: dt.datetime, finished_at: dt.datetime) -> RunLedger:
    """Return the run ledger of a reconciled run.

    Its timings are `prepare_seconds` (as the plan states), `report_seconds` (from `began_at`) and
    `run_seconds` (from the start of the run), both up to `finished_at`.
    """
    request = run.request
    moment = finished_at.astimezone(dt.timezone.utc)
    return RunLedger(
        run_id=request.run_id,
        run_date=request.run_date,
        pipeline_name=request.pipeline_name,
        finished_at=moment.isoformat(timespec="seconds"),
        model_package_arn=request.model_package_arn,
        contract_fingerprint=run.plan.contract_fingerprint,
        wire_format=request.wire_format,
        parameters=request.parameters,
        counts=run.counts,
        reason_counts=run.quarantine.reason_counts,
        sources=[dataclasses.asdict(source) for source in run.manifest.sources],
        shards=[dataclasses.asdict(shard) for shard in run.manifest.shards],
        uris=request.uris | (request.late_uris if run.late_count else {}),
        quality=run.quality.metrics,
        labelled_count=run.quality.labelled_count,
        timings={
            "prepare_seconds": round(run.plan.prepare_seconds, 3),
            "report_seconds": _seconds_between(began_at, finished_at),
            "run_seconds": _seconds_between(request.started_at, finished_at),
        },
    )


def _seconds_between(begin: dt.datetime, end: dt.datetime) -> float:
    """Return at least 0: the clock of another machine may be ahead."""
    return round(max(0.0, (end - begin).total_seconds()), 3)
