"""Show a run while it goes on: a live table on a terminal, plain lines when piped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emulator.events import Event, OnEvent, StepEnded, StepProgressed, StepStarted

PLAIN_LINE_SECONDS = 5.0
_MARKS = {"Executing": ("…", "cyan"), "Succeeded": ("✓", "green"), "Failed": ("✗", "red")}


@dataclass(kw_only=True)
class StepView:
    """One step as it is shown, here or in AWS; moments are seconds of one clock, whichever it is.

    Attributes:
        started: When it began.
        status: `Executing` while `seconds` counts on, or another.
        seconds: Wall time once it has ended.
        records: Done so far.
        fraction: Part of its work that is done, in [0, 1], or None where that is not known.
        outcome: What came of it, or what it runs on.
        began_at: When it began, for people; a column is shown where a step has one.
        waited: Seconds from its start to that of its work, such as for instances; they count for no rate.
    """

    started: float
    status: str = "Executing"
    seconds: float = 0.0
    records: int = 0
    fraction: float | None = None
    outcome: str = ""
    began_at: str = ""
    waited: float = 0.0

    def elapsed(self, now: float) -> float:
        """Seconds since its start, or until its end."""
        return self.seconds if self.status != "Executing" else now - self.started

    def rate(self, now: float) -> float:
        """Records a second."""
        worked = self.elapsed(now) - self.waited
        return self.records / worked if worked > 0 else 0.0

    def remaining(self, now: float) -> float | None:
        """Seconds to go, or None where nothing says how much is left."""
        if self.status != "Executing" or not self.fraction:
            return None
        return (self.elapsed(now) - self.waited) * (1 - self.fraction) / self.fraction


class ProgressView:
    """Takes events from the emulator's threads and draws them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._steps: dict[str, StepView] = {}
        self._last_line_at = time.monotonic()

    def take(self, event: Event) -> None:
        """Take one event; safe from any thread."""
        with self._lock:
            now = time.monotonic()
            if isinstance(event, StepStarted):
                self._steps[event.step_name] = StepView(started=now)
            view = self._steps[event.step_name]
            if isinstance(event, StepProgressed):
                view.records, view.fraction = event.records, event.fraction
            elif isinstance(event, StepEnded):
                view.status, view.seconds, view.outcome = event.status, event.seconds, event.outcome
            if not self._console.is_terminal:
                self._print_line(event, view, now)

    def table(self) -> Table:
        """Return the steps as they are now."""
        with self._lock:
            return steps_table(self._steps, time.monotonic())

    def _print_line(self, event: Event, view: StepView, now: float) -> None:
        if isinstance(event, StepProgressed) and now - self._last_line_at < PLAIN_LINE_SECONDS:
            return
        self._last_line_at = now
        self._console.print(
            plain_line(event.step_name, view, now), markup=False, highlight=False, soft_wrap=True
        )


@contextmanager
def shown_progress(console: Console) -> Iterator[OnEvent]:
    """Draw progress on `console` for as long as the block lasts; yields what takes the events."""
    view = ProgressView(console)
    if not console.is_terminal:
        yield view.take
        return
    with Live(get_renderable=view.table, console=console, refresh_per_second=8):
        yield view.take


def steps_table(steps: Mapping[str, StepView], now: float) -> Table:
    """Return a table of steps by name, as they are at a moment of their clock."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    has_begin = any(view.began_at for view in steps.values())
    begin = ["began"] if has_begin else []
    for name in ("", "step", *begin):
        table.add_column(name, no_wrap=True)
    for name in ("time", "records", "rate", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", justify="left")
    for name, view in steps.items():
        cells = _cells(name, view, now)
        if has_begin:
            cells.insert(2, Text(view.began_at))
        table.add_row(*cells)
    return table


def _cells(name: str, view: StepView, now: float) -> list[Text]:
    mark, colour = _MARKS.get(view.status, ("?", "yellow"))
    remaining = view.remaining(now)
    return [
        Text(mark, style=colour),
        Text(name),
        Text(f"{view.elapsed(now):.1f} s"),
        Text(f"{view.records:,}" if view.records else ""),
        Text(f"{view.rate(now):,.0f}/s" if view.records else ""),
        Text(f"{remaining:.0f} s" if remaining is not None else ""),
        Text(
            view.outcome.splitlines()[0] if view.outcome else "",
            style="dim" if view.status != "Failed" else colour,
        ),
    ]


def plain_line(name: str, view: StepView, now: float) -> str:
    """Return the line that says how a step is at a moment of its clock."""
    parts = [f"{name}: {view.status}"]
    if view.status == "Executing" and view.records:
        parts.append(f"{view.records:,} records, {view.rate(now):,.0f}/s")
    remaining = view.remaining(now)
    if remaining is not None:
        parts.append(f"about {remaining:.0f} s left")
    if view.status != "Executing":
        parts.append(f"{view.elapsed(now):.1f} s" + (f", {view.records:,} records" if view.records else ""))
    if view.outcome:
        parts.append(view.outcome)
    return " - ".join(parts)
