"""Print what came of a run, for people."""

from __future__ import annotations

import datetime as dt

from rich.text import Text

from contracts.ledger import RunLedger
from runner.console import PatientConsole
from runner.results import Place, ResultsAt

_QUALITY = {"auc": "AUC", "hit_rate": "hit rate", "accuracy": "accuracy", "rmse": "RMSE"}
"""What is told of the quality: the first of these that was measured."""

_COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "yellow"}


def print_summary(results: ResultsAt[Place]) -> None:
    """Print status, counts, quality and places of one run to standard output."""
    console = PatientConsole(highlight=False, soft_wrap=True)
    record = results.record
    line = Text(f"Run {record.run_id} ")
    line.append(record.status, style=_COLOURS.get(record.status, "cyan"))
    console.print(line)
    lines = _lines(results)
    width = max(len(name) for name, _ in lines) + 2
    for name, value in lines:
        console.print(Text.assemble("  ", (f"{name:<{width}}", "dim"), value))


def headline_quality(ledger: RunLedger) -> list[tuple[str, float]]:
    """Return name and value of what is told of the quality; nothing if nothing of it was measured."""
    kept = ledger.report.get("contract", {}).get("top_k")
    names = {**_QUALITY} if kept is None else {**_QUALITY, "hit_rate": f"hit rate at {kept:,}"}
    return [(name, ledger.quality[key]) for key, name in names.items() if key in ledger.quality][:1]


def _lines(results: ResultsAt[Place]) -> list[tuple[str, str]]:
    lines = [(name, f"{count:,}") for name, count in results.counts.items() if count or name != "unscorable"]
    lines.append(("time", _time(results)))
    if results.record.failure_reason:
        lines.append(("reason", results.record.failure_reason))
    if results.record.resumed_at:
        lines.append(("resumed", ", ".join(results.record.resumed_at)))
    if results.resume_command:
        lines.append(("to resume", results.resume_command))
    if results.facts is not None:
        ledger = results.facts
        lines += [(f"quarantined: {code}", f"{count:,}") for code, count in ledger.reason_counts.items()]
        lines += [
            (name, f"{number:.4f} on the {ledger.labelled_count:,} records with a label")
            for name, number in headline_quality(ledger)
        ]
        lines.append(("model package", ledger.model_package_arn))
    places = {
        "scores": results.scores,
        "quarantine": results.quarantine,
        "ledger": results.ledger,
        "report": results.report,
    }
    lines += [(name, str(path)) for name, path in places.items() if path is not None]
    if results.held_back_hint:
        lines.append(("held back", results.held_back_hint))
    return lines


def _time(results: ResultsAt[Place]) -> str:
    """Say how long the run took, the compiling of the definition left out; if resumed, its last attempt."""
    record = results.record
    began_at = (record.started_at, *record.resumed_at)[-1]
    if not record.finished_at:
        return f"began at {began_at}, not finished"
    seconds = (_moment(record.finished_at) - _moment(began_at)).total_seconds()
    own = [(name, step) for name, step in record.steps.items() if step.started_at >= began_at]
    slowest = sorted(own, key=lambda item: item[1].seconds, reverse=True)[:3]
    parts = ", ".join(f"{name} {step.seconds:.1f} s" for name, step in slowest)
    if record.resumed_at:
        return f"{seconds:.1f} s since it was resumed ({parts})"
    rate = results.counts.get("scored", 0) / seconds if seconds else 0.0
    return f"{seconds:.1f} s, {rate:,.0f} records/s ({parts})"


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
