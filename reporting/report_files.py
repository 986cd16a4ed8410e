"""Write the report folder: the ledger, the evaluation, the HTML page, and a CSV file for each chart."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

from contracts.atomic_files import write_bytes, write_json
from contracts.errors import CallerError
from contracts.gate import QualityGate, write_gate
from contracts.ledger import EVALUATION_FILE, LEDGER_FILE, REPORT_FILE, RunLedger, write_ledger
from reporting import charts
from reporting.action_files import write_list
from reporting.document import render_document
from reporting.drawing_engine import Render, render
from reporting.evaluation import evaluation_document
from reporting.facts import report_facts, run_digest
from reporting.figures import draw_figures
from reporting.gate import judge_gate
from reporting.headline import run_headline
from reporting.history import write_digest
from reporting.last_runs import write_last_runs
from reporting.run import MeasuredRun, ReconciledRun
from reporting.tables import ChartTable, chart_tables, table_csv

TABLES_FOLDER = "tables"
"""Below the report folder: one CSV file for each chart."""


def write_report(
    folder: Path,
    history: Path,
    run: ReconciledRun,
    *,
    began_at: dt.datetime,
    now: Callable[[], dt.datetime],
    render: Render = render,
) -> str:
    """Write everything about a run into `folder`, the ledger last; return when the run finished.

    Args:
        folder: Where to; made if it is not there.
        history: Where to put what the next run compares itself with.
        run: The reconciled run.
        began_at: When the report began.
        now: Tells the time; the run is finished when all of it is computed, before its figures are drawn.
        render: The drawing engine.
    """
    gate = judge_gate(run.quality, run.drift, run.request.parameters)
    ledger = build_ledger(run, gate, began_at=began_at, finished_at=now())
    evaluation = evaluation_document(run.quality, evaluated_at=ledger.finished_at)
    write_json(folder / EVALUATION_FILE, evaluation)
    write_list(folder, history, run.actions)
    write_gate(folder, gate)
    write_page(folder, ledger, render)
    write_ledger(folder / LEDGER_FILE, ledger)
    write_digest(history, run_digest(run, finished_at=ledger.finished_at))
    write_last_runs(history, run.earlier.followed_by(run_headline(run)))
    return ledger.finished_at


def write_page(folder: Path, ledger: RunLedger, render: Render = render) -> None:
    """Draw the page of a run from its ledger, and write it and a CSV file for each chart into `folder`.

    Raises:
        CallerError: The ledger is of before it kept what the page shows.
    """
    if not ledger.report:
        raise CallerError(
            f"run {ledger.run_id}: its ledger does not hold what a page shows; it was written by a version "
            "that did not keep it, so its report cannot be drawn again"
        )
    documents = ledger.report["tables"]
    tables = [ChartTable(name=name, columns=columns) for name, columns in documents.items()]
    for table in tables:
        write_bytes(folder / TABLES_FOLDER / f"{table.name}.csv", table_csv(table).encode())
    page = render_document(ledger, list(draw_figures(ledger, tables, render)))
    write_bytes(folder / REPORT_FILE, page.encode())


def render_with_charts_of(run: MeasuredRun, render: Render) -> Render:
    """Draw the charts of a run; return an engine that has them, and draws what is not among them."""
    return charts.drawn_ahead(list(chart_tables(run)), render)


def build_ledger(
    run: ReconciledRun, gate: QualityGate, *, began_at: dt.datetime, finished_at: dt.datetime
) -> RunLedger:
    """Return the run ledger of a reconciled run.

    Its timings are `prepare_seconds` (as the plan states), `report_seconds` (from `began_at`), `run_seconds`
    (from the start of the run), both up to `finished_at`, and `score_seconds`, what is left: scoring, and the
    start-up of all jobs.
    """
    request = run.request
    moment = finished_at.astimezone(dt.timezone.utc)
    timings = _timings(run, began_at, finished_at)
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
        timings=timings,
        report=report_facts(run, gate, timings),
    )


def _timings(run: ReconciledRun, began_at: dt.datetime, finished_at: dt.datetime) -> dict[str, float]:
    prepare = round(run.plan.prepare_seconds, 3)
    report = _seconds_between(began_at, finished_at)
    whole = _seconds_between(run.request.started_at, finished_at)
    return {
        "prepare_seconds": prepare,
        "score_seconds": round(max(0.0, whole - prepare - report), 3),
        "report_seconds": report,
        "run_seconds": whole,
    }


def _seconds_between(begin: dt.datetime, end: dt.datetime) -> float:
    """Return at least 0: the clock of another machine may be ahead."""
    return round(max(0.0, (end - begin).total_seconds()), 3)
