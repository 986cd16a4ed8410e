"""Show where the time of a run went: a table to look at, with a bar for each share of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from contracts.payload_limits import BYTES_PER_MB
from runner.run_profile import AFTER_PART, BEFORE_PART, OTHER, ProcessProfile, RunProfile, StepProfile

BAR_CHARS = 24
SHOWN_SECONDS = 0.0005
"""Parts of a job that took less are named in profile.json alone."""

CAPTION = (
    "thread s: added up over threads that work side by side, during the seconds of the other lines; "
    "not to be added to those"
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table.

    Attributes:
        name: Of the step or part.
        depth: 0 for what adds up to the whole, more for what is inside.
        seconds: Wall time, or None for a part that has only thread-seconds.
        counted_seconds: What the bar shows.
        thread_seconds: Added up over threads, or None.
        cells: Began, records/s, processor seconds and peak memory, as far as the line has them.
    """

    name: str
    depth: int = 0
    seconds: float | None = None
    counted_seconds: float = 0.0
    thread_seconds: float | None = None
    cells: tuple[str, str, str, str] = ("", "", "", "")


def profile_table(profile: RunProfile) -> Table:
    """Return the table for a run; lines that are not indented add up to the whole."""
    table = Table(
        box=None, pad_edge=False, header_style="dim", caption=CAPTION, caption_justify="left", title=None
    )
    table.add_column("where the time went", no_wrap=True)
    for name in ("began", "seconds", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", width=BAR_CHARS, no_wrap=True)
    for name in ("thread s", "records/s", "processor s", "peak memory"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in _lines(profile):
        _add(table, line, profile.seconds)
    whole = ("", "", f"{profile.processor_seconds:.2f}", _memory(profile.peak_memory_bytes))
    table.add_section()
    _add(table, Line(name="the whole command", seconds=profile.seconds, cells=whole), profile.seconds)
    return table


def _lines(profile: RunProfile) -> Iterator[Line]:
    yield from _plain(profile.before)
    for step in profile.steps:
        yield from _step_lines(step)
    yield from _plain(
        {"between the steps": profile.between_seconds, **profile.after, OTHER: profile.other_seconds}
    )


def _plain(parts: Mapping[str, float]) -> Iterator[Line]:
    for name, seconds in parts.items():
        yield Line(name=name, seconds=seconds, counted_seconds=seconds)


def _step_lines(step: StepProfile) -> Iterator[Line]:
    rate = f"{step.records_per_second:,.0f}" if step.record_count else ""
    cells = (f"{step.began_seconds:.2f}", rate, *_costs(step))
    yield Line(name=step.name, seconds=step.seconds, counted_seconds=step.counted_seconds, cells=cells)
    if not step.processes:
        return
    yield from _parts({BEFORE_PART: step.before_seconds}, 1)
    for process in step.processes:
        depth = 1
        if len(step.processes) > 1:
            yield Line(name=process.name, depth=1, seconds=process.seconds, cells=("", "", *_costs(process)))
            depth = 2
        yield from _parts(process.parts, depth)
        for name, seconds in process.thread_seconds.items():
            yield Line(name=name, depth=depth, thread_seconds=seconds)
    yield from _parts({AFTER_PART: step.after_seconds}, 1)


def _costs(of: StepProfile | ProcessProfile) -> tuple[str, str]:
    if not of.peak_memory_bytes:
        return "", ""
    return f"{of.processor_seconds:.2f}", _memory(of.peak_memory_bytes)


def _parts(parts: Mapping[str, float], depth: int) -> Iterator[Line]:
    for name, seconds in parts.items():
        if seconds >= SHOWN_SECONDS:
            yield Line(name=name, depth=depth, seconds=seconds, counted_seconds=seconds)


def _add(table: Table, line: Line, whole: float) -> None:
    style = "" if line.depth == 0 else "dim"
    began, rate, processor, memory = line.cells
    share = line.counted_seconds / whole if whole else 0.0
    colour = "cyan" if line.depth == 0 else "bright_black"
    table.add_row(
        Text("  " * line.depth + line.name, style=style),
        began,
        Text("" if line.seconds is None else f"{line.seconds:.3f}", style=style),
        Text(f"{share:.0%}" if line.counted_seconds else "", style=style),
        Bar(size=1.0, begin=0.0, end=share, width=BAR_CHARS, color=colour) if share else "",
        Text("" if line.thread_seconds is None else f"{line.thread_seconds:.3f}", style=style),
        rate,
        processor,
        memory,
    )


def _memory(byte_count: int) -> str:
    return f"{byte_count / BYTES_PER_MB:,.0f} MB"
