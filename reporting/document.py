"""Render the report of a run as one self-contained HTML page: no script, nothing loaded from elsewhere.

Every text that comes from the data, the contract or the parameters is escaped by the template engine; only
the drawings are markup, and their texts are escaped where they are made. Numbers stand in
`<data value=…>`, so that a program can read them from the page as exactly as from the ledger.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
import numpy as np
import pyarrow as pa
from markupsafe import Markup

from contracts.ledger import RunLedger
from contracts.quarantine import REASON_MEANINGS
from reporting.budget import QuarantineBudget, fraction_words, held_back_words
from reporting.figures import Figure
from reporting.quality import METRIC_NAMES
from reporting.run import ReconciledRun
from reporting.tables import (
    DISTRIBUTIONS,
    LARGEST_DISTRIBUTION,
    NORM_DISTRIBUTION,
    OUTPUTS,
    SCORE_DISTRIBUTION,
    distribution_name,
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

TIMING_NAMES = {
    "prepare_seconds": "Preparation: read, validate and cut into shards",
    "report_seconds": "This report: reconcile, measure, draw and publish",
    "run_seconds": "The whole run, from its start to this report",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The first sentence of the report.

    Attributes:
        level: `complete`, or `exceptions` if some records have no score; chooses the colour.
        heading: The level in words, for those who do not see colours.
        sentence: What happened.
    """

    level: str
    heading: str
    sentence: str


def judge(ledger: RunLedger, budget: QuarantineBudget) -> Verdict:
    """Return the verdict on a run whose books balance."""
    counts = ledger.counts
    if not counts.quarantined and not counts.unscorable:
        sentence = f"Every one of the {counts.read:,} records read was scored."
        return Verdict(level="complete", heading="Complete", sentence=sentence)
    exceptions = []
    if counts.quarantined:
        compared = budget.beside(fraction_words(counts), counts)
        exceptions.append(f"{counts.quarantined:,} held back with a reason ({compared})")
    if counts.unscorable:
        exceptions.append(f"{counts.unscorable:,} returned by the model with an error")
    sentence = (
        f"{counts.scored:,} of {counts.read:,} records read were scored, {' and '.join(exceptions)}; "
        "none is unaccounted for."
    )
    return Verdict(level="exceptions", heading="Complete, with exceptions", sentence=sentence)


def render_document(run: ReconciledRun, ledger: RunLedger, figures: Sequence[Figure]) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _count,
        "bytes": _bytes,
        "seconds": _seconds,
        "percent": _percent,
        "breakable": _breakable,
    }
    return environment.get_template("report.html").render(
        ledger=ledger,
        counts=ledger.counts,
        contract=run.contract,
        label=run.contract.field(run.contract.label) if run.contract.label else None,
        quality=run.quality,
        verdict=judge(ledger, run.request.budget),
        held_back=run.request.budget.beside(held_back_words(ledger.counts), ledger.counts),
        metric_names={name: text for name, text in METRIC_NAMES.items() if name in ledger.quality},
        headline_metrics=[name for name in HEADLINE_METRICS if name in ledger.quality],
        reasons=[
            (
                reason,
                _meaning(reason),
                count,
                [one for one in run.quarantine.examples if one.reason_code == reason],
            )
            for reason, count in ledger.reason_counts.items()
        ],
        score_summary=run.distribution.summary,
        unscorable_examples=run.unscorable_examples,
        score_noun=SCORE_NOUNS[distribution_name(run.contract.outputs)],
        distribution_figures=[figure for figure in figures if figure.name in (*DISTRIBUTIONS, OUTPUTS)],
        quality_figures=[figure for figure in figures if figure.name not in (*DISTRIBUTIONS, OUTPUTS)],
        sources=ledger.sources[:MAX_LISTED_SOURCES],
        timing_names=TIMING_NAMES,
        output_format=run.request.output_format,
        versions={"Python": platform.python_version(), "Arrow": pa.__version__, "NumPy": np.__version__},
    )


def _breakable(name: str) -> Markup:
    """Return a name that may be broken before its capitals and after its underscores."""
    return Markup("<wbr>").join(re.split(r"(?<=[a-z0-9])(?=[A-Z])|(?<=_)", name))


def _meaning(reason: str) -> str:
    """Return what a reason code means; nothing for one that this version does not know."""
    return {code.value: meaning for code, meaning in REASON_MEANINGS.items()}.get(reason, "")


def _count(number: int) -> str:
    return f"{number:,}"


def _bytes(number: int) -> str:
    size, unit = float(number), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{number:,} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def _seconds(number: float) -> str:
    if number < 60:
        return f"{number:.2f} s"
    minutes, seconds = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.2%}" if whole else "–"
