"""Render the report of a run as one self-contained HTML page: no script, nothing loaded from elsewhere.

Every text that comes from the data, the contract or the parameters is escaped by the template engine; only
the drawings are markup, and their texts are escaped where they are made. Numbers stand in
`<data value=…>`, so that a program can read them from the page as exactly as from the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.ledger import RunLedger
from contracts.quarantine import REASON_MEANINGS
from reporting.figures import Figure
from reporting.page_engine import page_environment
from reporting.quality import METRIC_NAMES
from reporting.tables import (
    DISTRIBUTIONS,
    LARGEST_DISTRIBUTION,
    NORM_DISTRIBUTION,
    OUTPUTS,
    SCORE_DISTRIBUTION,
)

MAX_LISTED_SOURCES = 50
"""Source objects listed on the page; the ledger has them all."""

HEADLINE_METRICS = ("auc", "pr_auc", "rmse", "r2")

SCORE_NOUNS = {
    SCORE_DISTRIBUTION: "score",
    LARGEST_DISTRIBUTION: "largest output",
    NORM_DISTRIBUTION: "norm",
}
"""What the numbers of each distribution are."""


def render_document(ledger: RunLedger, figures: Sequence[Figure]) -> str:
    """Return the page of a run, whose ledger has its facts."""
    distributions = (*DISTRIBUTIONS, OUTPUTS)
    return (
        page_environment()
        .get_template("report.html")
        .render(
            ledger=ledger,
            facts=ledger.report,
            counts=ledger.counts,
            contract=ledger.report["contract"],
            quality=ledger.report["quality"],
            metric_names={name: text for name, text in METRIC_NAMES.items() if name in ledger.quality},
            headline_metrics=[name for name in HEADLINE_METRICS if name in ledger.quality],
            reasons=[_reason(ledger, reason, count) for reason, count in ledger.reason_counts.items()],
            score_noun=SCORE_NOUNS[ledger.report["scores"]["distribution"]],
            distribution_figures=[figure for figure in figures if figure.name in distributions],
            quality_figures=[figure for figure in figures if figure.name not in distributions],
            sources=ledger.sources[:MAX_LISTED_SOURCES],
        )
    )


def _reason(ledger: RunLedger, reason: str, count: int) -> dict[str, Any]:
    examples = [one for one in ledger.report["quarantine_examples"] if one["reason_code"] == reason]
    return {"code": reason, "meaning": _meaning(reason), "count": count, "examples": examples}


def _meaning(reason: str) -> str:
    """Return what a reason code means; nothing for one that this version does not know."""
    return {code.value: meaning for code, meaning in REASON_MEANINGS.items()}.get(reason, "")
