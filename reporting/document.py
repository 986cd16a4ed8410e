"""Render the report of a run as one self-contained HTML page: no script, nothing loaded from elsewhere.

Every text that comes from the data, the contract or the parameters is escaped by the template engine; only
the drawings are markup, and their texts are escaped where they are made. Numbers stand in
`<data value=…>`, so that a program can read them from the page as exactly as from the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jinja2

from contracts.ledger import RunLedger
from contracts.quarantine import REASON_MEANINGS
from reporting.figures import Figure
from reporting.hits import HIT_RATE
from reporting.page_engine import page_environment
from reporting.quality import AT_THRESHOLD, BINARY, METRIC_NAMES
from reporting.tables import (
    CALIBRATION,
    DECILE_MEANS,
    DISTRIBUTION_PAIR,
    DISTRIBUTIONS,
    DRIFT_PREFIX,
    LARGEST_DISTRIBUTION,
    LAST_RUNS_PREFIX,
    LIFT,
    NORM_DISTRIBUTION,
    OUTPUTS,
    PRECISION_RECALL,
    ROC,
    SCORE_DISTRIBUTION,
)

MAX_DRIFT_ROWS = 40

MAX_LISTED_SOURCES = 50
"""Source objects listed on the page; the ledger has them all."""

HEADLINE_METRICS = ("auc", "pr_auc", "accuracy", "hit_rate", "rmse", "r2")
QUALITY_FIGURES = (ROC, PRECISION_RECALL, CALIBRATION, LIFT, DECILE_MEANS)

SCORE_NOUNS = {
    SCORE_DISTRIBUTION: "score",
    LARGEST_DISTRIBUTION: "largest output",
    NORM_DISTRIBUTION: "norm",
}
"""What the numbers of each distribution are."""


def page_template() -> jinja2.Template:
    """Return the template of the page, compiled once."""
    return page_environment().get_template("report.html")


def render_document(ledger: RunLedger, figures: Sequence[Figure]) -> str:
    """Return the page of a run, whose ledger has its facts."""
    distributions = (*DISTRIBUTIONS, DISTRIBUTION_PAIR, OUTPUTS)
    return page_template().render(
        ledger=ledger,
        facts=ledger.report,
        counts=ledger.counts,
        contract=ledger.report["contract"],
        quality=ledger.report["quality"],
        metric_names=_metric_names(ledger),
        headline_metrics=[name for name in HEADLINE_METRICS if name in ledger.quality][:2],
        at_threshold=AT_THRESHOLD if ledger.report["quality"]["kind"] == BINARY else (),
        reasons=[_reason(ledger, reason, count) for reason, count in ledger.reason_counts.items()],
        hit_rate_name=hit_rate_name(ledger),
        norms_note=_norms_note(ledger),
        score_noun=SCORE_NOUNS[ledger.report["scores"]["distribution"]],
        distribution_figures=[figure for figure in figures if figure.name in distributions],
        quality_figures=[figure for figure in figures if figure.name in QUALITY_FIGURES],
        drift_figures=[
            [figure for figure in figures if figure.name.startswith(f"{DRIFT_PREFIX}{number}_")]
            for number in range(1, 1 + len(ledger.report["drift"]["reports"]))
        ],
        last_runs_figures=[figure for figure in figures if figure.name.startswith(LAST_RUNS_PREFIX)],
        last_runs_note=ledger.report.get("last_runs", {}).get("note", ""),
        max_drift_rows=MAX_DRIFT_ROWS,
        sources=ledger.sources[:MAX_LISTED_SOURCES],
    )


def hit_rate_name(ledger: RunLedger) -> str:
    """Return what the hit rate of a run is called: at how many outputs kept."""
    kept = ledger.report["contract"]["top_k"]
    return "Hit rate" if kept is None else f"Hit rate at {kept:,}"


def _metric_names(ledger: RunLedger) -> dict[str, str]:
    names = {name: text for name, text in METRIC_NAMES.items() if name in ledger.quality}
    if HIT_RATE in names:
        names[HIT_RATE] = names[HIT_RATE].replace("Hit rate", hit_rate_name(ledger), 1)
    return names


def _norms_note(ledger: RunLedger) -> str:
    """Say the norm of vectors that all have the same; nothing where a chart shows norms or there are none."""
    scores = ledger.report["scores"]
    if scores["distribution"] != NORM_DISTRIBUTION or NORM_DISTRIBUTION in ledger.report["tables"]:
        return ""
    if not scores["record_count"]:
        return ""
    whose = (
        "The one vector has"
        if scores["record_count"] == 1
        else f"All {scores['record_count']:,} vectors have"
    )
    return f"{whose} a norm of {scores['maximum']:.5g}."


def _reason(ledger: RunLedger, reason: str, count: int) -> dict[str, Any]:
    examples = [one for one in ledger.report["quarantine_examples"] if one["reason_code"] == reason]
    return {"code": reason, "meaning": _meaning(reason), "count": count, "examples": examples}


def _meaning(reason: str) -> str:
    """Return what a reason code means; nothing for one that this version does not know."""
    return {code.value: meaning for code, meaning in REASON_MEANINGS.items()}.get(reason, "")
