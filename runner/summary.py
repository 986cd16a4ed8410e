"""Print what came of a run, for people."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from runner.results import RunResults

_COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "yellow"}


def print_summary(results: RunResults) -> None:
    """Print status, counts, quality and places of one run to standard output."""
    console = Console(highlight=False, soft_wrap=True)
    record = results.record
    line = Text(f"Run {record.run_id} ")
    line.append(record.status, style=_COLOURS.get(record.status, "cyan"))
    seconds = sum(step.seconds for step in record.steps.values())
    line.append(f" ({seconds:.1f} s in {len(record.steps)} steps)")
    console.print(line)
    for name, value in _lines(results):
        console.print(Text.assemble("  ", (f"{name:<30}", "dim"), value))


def _lines(results: RunResults) -> list[tuple[str, str]]:
    lines = [(name, f"{count:,}") for name, count in results.counts.items() if count or name != "unscorable"]
    if results.facts is not None:
        ledger = results.facts
        lines += [(f"quarantined: {code}", f"{count:,}") for code, count in ledger.reason_counts.items()]
        if "auc" in ledger.quality:
            lines.append(
                ("AUC", f"{ledger.quality['auc']:.4f} on {ledger.labelled_count:,} labelled records")
            )
        lines.append(("model package", ledger.model_package_arn))
    places = {
        "scores": results.scores,
        "quarantine": results.quarantine,
        "ledger": results.ledger,
        "report": results.report,
    }
    lines += [(name, str(path)) for name, path in places.items() if path is not None]
    return lines
