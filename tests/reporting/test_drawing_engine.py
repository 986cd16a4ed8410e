"""The engine draws the same beside the report as inside it, and ends with it."""

from __future__ import annotations

import io
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.errors import InternalError
from reporting import drawing_engine
from reporting.drawing_engine import DrawingEngine, render, serve

pytestmark = pytest.mark.functional

BARS: dict[str, Any] = {
    "data": {"values": [{"name": "a\n\u2028ü", "count": 1}, {"name": "b", "count": 2}]},
    "mark": "bar",
    "encoding": {"x": {"field": "count", "type": "quantitative"}, "y": {"field": "name", "type": "nominal"}},
}


def test_a_process_of_its_own_draws_what_this_one_draws() -> None:
    """Line breaks in texts and letters beyond ASCII included; one after the other."""
    with DrawingEngine() as draw:
        drawn = [draw(BARS), draw({**BARS, "mark": "point"})]
    assert drawn == [render(BARS), render({**BARS, "mark": "point"})]
    assert "<svg" in drawn[0]


def test_a_line_of_json_comes_out_for_each_that_goes_in() -> None:
    """What the process does."""
    drawn = io.StringIO()
    serve(io.StringIO(2 * (json.dumps(BARS) + "\n")), drawn)
    assert [json.loads(line) for line in drawn.getvalue().splitlines()] == [render(BARS)] * 2


def test_what_cannot_be_drawn_is_said_in_words(capfd: pytest.CaptureFixture[str]) -> None:
    """The engine's own words are in the log."""
    with DrawingEngine() as draw, pytest.raises(InternalError, match="ended with exit code 1"):
        draw({"mark": "no such mark"})
    assert "Error" in capfd.readouterr().err


def test_a_killed_engine_is_started_again() -> None:
    """Between two charts or while it draws: the report does not notice."""
    engine = DrawingEngine()
    with engine as draw:
        first = draw(BARS)
        engine._process.kill()
        assert draw(BARS) == first
        engine._process.kill()
        engine._process.wait()
        assert draw(BARS) == first


def test_an_engine_that_is_killed_whenever_it_draws_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more try, not one after the other."""
    engine = DrawingEngine()
    killed = [engine._process]

    def start_killed() -> subprocess.Popen[str]:
        killed.append(subprocess.Popen(["sh", "-c", "kill -9 $$"], stdin=-1, stdout=-1, text=True))  # noqa: S607
        return killed[-1]

    monkeypatch.setattr(drawing_engine, "_start", start_killed)
    with engine as draw:
        engine._process.kill()
        with pytest.raises(InternalError, match="ended with exit code -9"):
            draw(BARS)
    assert [process.returncode for process in killed] == [-9, -9]


def test_after_a_failure_it_ends_at_once_while_another_thread_has_it_draw() -> None:
    """As it does beside the action list; it is not started again."""
    engine = DrawingEngine()
    drawn: list[str] = []

    def draw_on() -> None:
        while True:
            drawn.append(engine.render(BARS))

    with ThreadPoolExecutor(max_workers=1) as background:
        drawing = background.submit(draw_on)
        while not drawn:
            time.sleep(0.01)
        with pytest.raises(ZeroDivisionError), engine:
            raise ZeroDivisionError

    assert isinstance(drawing.exception(), InternalError)
    assert engine._process.returncode == -9


def test_it_ends_with_the_report_and_at_once_after_a_failure() -> None:
    """No process is left behind."""
    calm, engine = DrawingEngine(), DrawingEngine()
    with calm as draw:
        draw(BARS)
    with pytest.raises(ZeroDivisionError), engine:
        raise ZeroDivisionError
    ended = [one._process.returncode for one in (calm, engine)]
    assert ended == [0, -9]
