"""Print what came of a run, for people."""

from __future__ import annotations

import datetime as dt

from rich.text import Text

from runner.console import PatientConsole
from runner.results import RunResults

_COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "yellow"}


def print_summary(results: RunResults) -> None:
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


def _lines(results: RunResults) -> list[tuple[str, str]]:
    lines = [(name, f"{count:,}") for name, count in results.counts.items() if count or name != "unscorable"]
    lines.append(("time", _time(results)))
    if results.record.failure_reason:
        lines.append(("reason", results.record.failure_reason))
    if results.facts is not None:
        ledger = results.facts
        lines += [(f"quarantined: {code}", f"{count:,}") for code, count in ledger.reason_counts.items()]
        if "auc" in ledger.quality:
            lines.append(
                ("AUC", f"{ledger.quality['auc']:.4f} on the {ledger.labelled_count:,} records with a label")
            )
        lines.append(("model package", ledger.model_package_arn))
    places = {
        "scores": results.scores,
        "quarantine": results.quarantine,
        "ledger": results.ledger,
        "report": results.report,
    }
    lines += [(name, str(path)) for name, path in places.items() if path is not None]
    if results.quarantine is not None and results.counts.get("quarantined"):
        lines.append(("held back", f"`batchscore quarantine {results.record.run_id}` shows them"))
    return lines


def _time(results: RunResults) -> str:
    """Say how long the run took from its start to its end, the compiling of the definition left out."""
    record = results.record
    if not record.finished_at:
        return f"began at {record.started_at}, not finished"
    seconds = (_moment(record.finished_at) - _moment(record.started_at)).total_seconds()
    slowest = sorted(record.steps.items(), key=lambda item: item[1].seconds, reverse=True)[:3]
    parts = ", ".join(f"{name} {step.seconds:.1f} s" for name, step in slowest)
    rate = results.counts.get("scored", 0) / seconds if seconds else 0.0
    return f"{seconds:.1f} s, {rate:,.0f} records/s ({parts})"


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
