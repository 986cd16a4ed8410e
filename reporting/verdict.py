"""The first sentence of the report: can these scores be used, and why.

usable   nothing speaks against it
care     usable by who knows what the reasons say
stop     not before somebody has looked
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.gate import QualityGate
from contracts.ledger import RunCounts
from reporting.budget import QuarantineBudget, fraction_words
from reporting.drift import ALARM, NONE, UNMEASURED, WARNING, FeatureDrift
from reporting.drift_findings import DriftFindings
from reporting.quality import Quality

USABLE, CARE, STOP = "usable", "care", "stop"
HEADINGS = {USABLE: "Usable", CARE: "Usable with care", STOP: "Do not use before looking"}
CHANCE = 0.5
"""Area under the ROC curve of scores that say nothing."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The first sentence of the report.

    Attributes:
        level: USABLE, CARE or STOP; chooses the colour.
        heading: The level in words, for those who do not see colours.
        sentence: Whether the scores can be used, and the weightiest reason.
        reasons: What speaks against it, weightiest first; empty if nothing does.
    """

    level: str
    heading: str
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verdict is made of."""

    counts: RunCounts
    budget: QuarantineBudget
    has_equal_scores: bool
    quality: Quality
    drift: DriftFindings
    gate: QualityGate


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict on a run whose books balance."""
    against = {STOP: list(_stops(evidence)), CARE: list(_cares(evidence))}
    level = STOP if against[STOP] else CARE if against[CARE] else USABLE
    reasons = (*against[STOP], *against[CARE])
    counts = evidence.counts
    scored = (
        f"every one of the {counts.read:,} records read was scored"
        if counts.scored == counts.read
        else f"{counts.scored:,} of {counts.read:,} records read were scored and none is unaccounted for"
    )
    sentences = {
        USABLE: f"These scores can be used: {scored}{_strengths(evidence)}.",
        CARE: f"These scores can be used with care: {scored}, but {_lowered(reasons)}",
        STOP: f"Look before you use these scores: {_lowered(reasons)}",
    }
    return Verdict(level=level, heading=HEADINGS[level], sentence=sentences[level], reasons=reasons)


def _stops(evidence: Evidence) -> Iterator[str]:
    if not evidence.counts.scored:
        yield "No record has a score."
    if not evidence.gate.is_passed:
        yield f"The quality gate was not passed: {evidence.gate.reason}"
    if evidence.has_equal_scores and evidence.counts.scored > 1:
        yield "Every record has the same score, so the model tells none of them apart."
    interval = evidence.quality.intervals.get("auc")
    if interval is not None and interval.high < CHANCE:
        yield f"The scores rank the outcomes the wrong way round (AUC {evidence.quality.metrics['auc']:.4f})."
    for reference, drift in _moved(evidence.drift, ALARM):
        if drift.is_score:
            yield f"The scores are distributed unlike those of {reference} (PSI {drift.psi:.3g})."


def _cares(evidence: Evidence) -> Iterator[str]:
    counts = evidence.counts
    if counts.unscorable:
        yield f"{_records(counts.unscorable)} came back from the model with an error instead of a score."
    yield from _moved_features(evidence.drift, ALARM, "have moved far")
    if counts.quarantined:
        compared = evidence.budget.beside(fraction_words(counts), counts)
        verb = "was" if counts.quarantined == 1 else "were"
        yield f"{_records(counts.quarantined)} {verb} held back with a reason ({compared})."
    interval = evidence.quality.intervals.get("auc")
    if interval is not None and interval.low <= CHANCE <= interval.high:
        yield f"The AUC of {evidence.quality.metrics['auc']:.4f} may be chance: its interval includes 0.5."
    yield from _moved_features(evidence.drift, WARNING, "have moved")
    for reference, one in _moved(evidence.drift, WARNING):
        if one.is_score:
            yield f"The scores have moved from those of {reference} (PSI {one.psi:.3g})."


def _moved_features(drift: DriftFindings, level: str, words: str) -> Iterator[str]:
    for reference, moved in _by_reference(drift, level):
        names = ", ".join(f"“{one.name}”" for one in moved[:3]) + (", …" if len(moved) > 3 else "")
        noun = "feature" if len(moved) == 1 else "features"
        verb = words.replace("have", "has") if len(moved) == 1 else words
        yield f"{len(moved)} {noun} {verb} from {reference}: {names}."


def _by_reference(drift: DriftFindings, level: str) -> Iterator[tuple[str, list[FeatureDrift]]]:
    for report in drift.reports:
        moved = [one for one in report.features if one.level == level and not one.is_score]
        if moved:
            yield report.reference, moved


def _moved(drift: DriftFindings, level: str) -> Iterator[tuple[str, FeatureDrift]]:
    for report in drift.reports:
        yield from ((report.reference, one) for one in report.features if one.level == level)


def _strengths(evidence: Evidence) -> str:
    words = ""
    auc = evidence.quality.metrics.get("auc")
    interval = evidence.quality.intervals.get("auc")
    if auc is not None:
        bounds = "" if interval is None else f" (95 % interval {interval.low:.3f} to {interval.high:.3f})"
        words += f"; AUC {auc:.3f}{bounds}"
    measured = [
        one for report in evidence.drift.reports for one in report.features if one.level != UNMEASURED
    ]
    if measured and all(one.level == NONE for one in measured):
        words += "; nothing has drifted"
    return words


def _records(count: int) -> str:
    return f"{count:,} {'record' if count == 1 else 'records'}"


def _lowered(reasons: tuple[str, ...]) -> str:
    """Return the first reason as the end of a sentence."""
    first = reasons[0] if reasons else ""
    return first[:1].lower() + first[1:]
