"""What the page of a run shows beside the ledger's counts, as one JSON-able document in the ledger.

The page is always drawn from this document, at once or again later, so that a page drawn again says the same.

    contract             what is said about records: id, features, label, outputs
    verdict              level, heading and sentence, see `reporting.verdict`
    gate                 what came of the quality gate
    held_back            a clause about the error budget
    quarantine_examples  a few held back records of each reason
    unscorable_examples  the first records that came back with an error, as [id, error]
    scores               smallest, largest and mean score
    quality              agreement with known outcomes, see `reporting.quality`
    actions              who to act on, see `reporting.action_list`
    drift                what moved, see `reporting.drift_findings`
    last_run             id, date and counts of the last published run, or null
    last_runs            headline numbers of the last runs, this one at the end, see `reporting.last_runs`
    cost                 time and cost by step, see `reporting.costs`
    tables               what is drawn: name of the chart to its columns, each a list
    versions             of what computed it
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.data_profile import DataProfile
from contracts.dataset import DatasetContract
from contracts.gate import QualityGate
from reporting.budget import held_back_words
from reporting.costs import RunCost, StepTime, run_cost
from reporting.drift_findings import DriftFindings
from reporting.headline import run_headline
from reporting.history import RunDigest
from reporting.quality import Quality
from reporting.run import ReconciledRun
from reporting.tables import NORM_DISTRIBUTION, chart_tables, distribution_name, table_document
from reporting.verdict import Evidence, judge

MAX_ID_CHARACTERS, MAX_ERROR_CHARACTERS = 120, 300


def report_facts(run: ReconciledRun, gate: QualityGate, timings: Mapping[str, float]) -> dict[str, Any]:
    """Return the document of a reconciled run, whose times are those of the ledger."""
    summary = run.distribution.summary
    return {
        "contract": _contract(run.contract),
        "output_format": ",".join(run.request.output_formats),
        "verdict": dataclasses.asdict(judge(_evidence(run, gate))),
        "gate": dataclasses.asdict(gate),
        "held_back": run.request.budget.beside(held_back_words(run.counts), run.counts),
        "quarantine_examples": [dataclasses.asdict(one) for one in run.quarantine.examples],
        "unscorable_examples": [
            [
                _shortened(record_id, MAX_ID_CHARACTERS),
                _shortened(error, MAX_ERROR_CHARACTERS),
            ]
            for record_id, error in run.unscorable_examples
        ],
        "scores": {
            "distribution": distribution_name(run.contract.outputs),
            "record_count": summary.record_count,
            "minimum": summary.minimum if summary.record_count else None,
            "maximum": summary.maximum if summary.record_count else None,
            "mean": summary.mean if summary.has_mean else None,
        },
        "quality": _quality(run.quality),
        "actions": dataclasses.asdict(run.actions.facts),
        "drift": _drift(run.drift),
        "last_run": _last_run(run.drift.last_run),
        "last_runs": {
            "runs": [dataclasses.asdict(one) for one in run.earlier.followed_by(run_headline(run))],
            "note": run.earlier.note,
        },
        "cost": dataclasses.asdict(_cost(run, timings)),
        "tables": {table.name: table_document(table) for table in chart_tables(run)},
        "versions": {"Python": platform.python_version(), "Arrow": pa.__version__, "NumPy": np.__version__},
    }


def _evidence(run: ReconciledRun, gate: QualityGate) -> Evidence:
    summary, name = run.distribution.summary, distribution_name(run.contract.outputs)
    return Evidence(
        counts=run.counts,
        budget=run.request.budget,
        has_equal_scores=summary.record_count > 0
        and summary.minimum == summary.maximum
        and name != NORM_DISTRIBUTION,  # vectors of one length may all differ
        quality=run.quality,
        drift=run.drift,
        gate=gate,
    )


def _quality(quality: Quality) -> dict[str, Any]:
    """Return what is not drawn of the quality; the rest is among the tables."""
    document = dataclasses.asdict(quality)
    for drawn in ("curve", "calibration", "lift", "decile_means"):
        document.pop(drawn)
    return document


def _drift(found: DriftFindings) -> dict[str, Any]:
    return {
        "reports": [dataclasses.asdict(report) for report in found.reports],
        "notes": list(found.notes),
    }


def _last_run(digest: RunDigest | None) -> dict[str, Any] | None:
    if digest is None:
        return None
    return {name: getattr(digest, name) for name in ("run_id", "run_date", "counts", "quality")}


def run_digest(run: ReconciledRun, *, finished_at: str) -> RunDigest:
    """Return what this run leaves for the next one."""
    tables = {table.name: table for table in chart_tables(run)}
    drawn = tables.get(distribution_name(run.contract.outputs))
    empty = DataProfile(contract_fingerprint=run.contract.fingerprint, record_count=0, features={})
    return RunDigest(
        run_id=run.request.run_id,
        run_date=run.request.run_date,
        finished_at=finished_at,
        model_package_arn=run.request.model_package_arn,
        counts=dict(vars(run.counts)),
        quality=run.quality.metrics,
        profile=run.drift.profile or empty,
        distribution={} if drawn is None else table_document(drawn),
    )


def _cost(run: ReconciledRun, timings: Mapping[str, float]) -> RunCost:
    parameters = run.request.parameters
    prepared_on = parameters.get("ProcessingInstanceCount", "1")
    scored_on = parameters.get("TransformInstanceCount", str(run.plan.transform_instance_count))
    times = (
        StepTime(
            name="Preparation: read, validate and cut into shards",
            key="prepare_seconds",
            seconds=timings["prepare_seconds"],
            type_parameter="ProcessingInstanceType",
            instance_count=int(prepared_on),
        ),
        StepTime(
            name="Scoring, and the start-up of all jobs",
            key="score_seconds",
            seconds=timings["score_seconds"],
            type_parameter="TransformInstanceType",
            instance_count=int(scored_on),
        ),
        StepTime(
            name="This report: reconcile, measure and publish",
            key="report_seconds",
            seconds=timings["report_seconds"],
            type_parameter="ReportInstanceType",
            instance_count=1,
        ),
    )
    return run_cost(times, parameters, seconds=timings["run_seconds"], record_count=run.counts.read)


def _contract(contract: DatasetContract) -> dict[str, Any]:
    label = contract.field(contract.label) if contract.label else None
    outputs = contract.outputs
    return {
        "id_field": contract.id_field,
        "feature_count": len(contract.features),
        "model_input": contract.model_input,
        "description": contract.description,
        "label": None
        if label is None
        else {
            "name": label.name,
            "description": label.description,
            "positive": None if contract.positive_label is None else str(contract.positive_label),
        },
        "output_count": None if outputs is None else outputs.count,
        "top_k": None if outputs is None else outputs.top_k,
        "exclude": contract.exclude,
    }


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
