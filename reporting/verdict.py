"""The first sentence of the report: can these scores be used, and why."""

from __future__ import annotations

from dataclasses import dataclass

from reporting.budget import fraction_words
from reporting.run import ReconciledRun


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


def judge(run: ReconciledRun) -> Verdict:
    """Return the verdict on a run whose books balance."""
    counts = run.counts
    if not counts.quarantined and not counts.unscorable:
        sentence = f"Every one of the {counts.read:,} records read was scored."
        return Verdict(level="complete", heading="Complete", sentence=sentence)
    exceptions = []
    if counts.quarantined:
        compared = run.request.budget.beside(fraction_words(counts), counts)
        exceptions.append(f"{counts.quarantined:,} held back with a reason ({compared})")
    if counts.unscorable:
        exceptions.append(f"{counts.unscorable:,} returned by the model with an error")
    sentence = (
        f"{counts.scored:,} of {counts.read:,} records read were scored, {' and '.join(exceptions)}; "
        "none is unaccounted for."
    )
    return Verdict(level="exceptions", heading="Complete, with exceptions", sentence=sentence)
