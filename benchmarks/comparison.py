"""What was measured of ours and of each peer, and what follows: medians, rates, ratios."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measuring import Measured

OURS = "batchscore"


@dataclass(kw_only=True)
class Comparison:
    """Measurements of the same records, by name, ours under OURS.

    Attributes:
        row_count: Records that each of them scores.
        found: What was measured, a round each.
    """

    row_count: int
    found: dict[str, list[Measured]] = field(default_factory=dict)

    def add(self, name: str, found: Measured) -> None:
        """Count one more round of `name`."""
        self.found.setdefault(name, []).append(found)

    def failure(self, name: str) -> str | None:
        """Return why `name` cannot do it, or None."""
        return next((found.failure for found in self.found.get(name, []) if found.failure), None)

    def median_seconds(self, name: str) -> float:
        """Return the median of the rounds of `name`."""
        return statistics.median(found.seconds for found in self.found[name])

    def line(self, name: str, found: Measured) -> str:
        """Return one measurement for people."""
        if found.failure:
            return f"{name:<15} failed after {found.seconds:.1f} s: {found.failure}"
        return (
            f"{name:<15} {found.seconds:7.2f} s  {self.row_count / found.seconds:>10,.0f} records/s  "
            f"largest process {found.largest_bytes / 1e6:6,.0f} MB, all {found.tree_bytes / 1e6:6,.0f} MB, "
            f"processors {found.processor_seconds:6.2f} s"
        )

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON: lists by round, and the time of each over ours."""
        done = {name: rounds for name, rounds in self.found.items() if self.failure(name) is None}
        ratios = {}
        if OURS in done:
            ours = self.median_seconds(OURS)
            ratios = {name: round(self.median_seconds(name) / ours, 3) for name in done if name != OURS}
        return {
            "seconds": {name: [round(one.seconds, 3) for one in rounds] for name, rounds in done.items()},
            "processor_seconds": {
                name: [round(one.processor_seconds, 3) for one in rounds] for name, rounds in done.items()
            },
            "largest_process_bytes": {
                name: max(one.largest_bytes for one in rounds) for name, rounds in done.items()
            },
            "all_processes_bytes": {
                name: max(one.tree_bytes for one in rounds) for name, rounds in done.items()
            },
            "ratios": ratios,
            "failures": {name: self.failure(name) for name in self.found if self.failure(name)},
        }

    def summary(self) -> str:
        """Return medians, largest peaks and ratios for people, a line each."""
        document = self.document()
        lines = []
        for name in document["seconds"]:
            median = Measured(
                seconds=self.median_seconds(name),
                largest_bytes=document["largest_process_bytes"][name],
                tree_bytes=document["all_processes_bytes"][name],
                processor_seconds=statistics.median(document["processor_seconds"][name]),
            )
            ratio = document["ratios"].get(name)
            lines.append(f"median:  {self.line(name, median)}" + (f"  {ratio:.2f} x ours" if ratio else ""))
        lines += [f"failed:  {name:<15} {reason}" for name, reason in document["failures"].items()]
        return "\n".join(lines)
