"""Progress: plain lines when piped, a table on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from emulator.events import StepEnded, StepProgressed, StepStarted
from runner.progress_view import ProgressView, shown_progress

EVENTS = [
    StepStarted(step_name="Prepare"),
    StepProgressed(step_name="Prepare", records=1500, fraction=0.5),
    StepEnded(step_name="Prepare", status="Succeeded", seconds=2.0),
    StepStarted(step_name="Gate"),
    StepEnded(step_name="Gate", status="Succeeded", seconds=0.01, outcome="yes"),
]


def test_plain_lines_say_what_began_and_what_ended() -> None:
    text = io.StringIO()

    with shown_progress(Console(file=text, width=20)) as on_event:
        for event in EVENTS:
            on_event(event)

    assert text.getvalue().splitlines() == [
        "Prepare: Executing",
        "Prepare: Succeeded - 2.0 s, 1,500 records",
        "Gate: Executing",
        "Gate: Succeeded - 0.0 s - yes",
    ]


def test_the_table_shows_records_rate_and_what_is_left() -> None:
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True, color_system=None)
    view = ProgressView(console)
    for event in EVENTS[:2]:
        view.take(event)
    console.print(view.table())

    cells = text.getvalue().splitlines()[1].split()
    assert cells[:2] == ["…", "Prepare"]
    assert "1,500" in cells
    assert text.getvalue().splitlines()[0].split() == ["step", "time", "records", "rate", "left"]
