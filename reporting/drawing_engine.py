"""The engine that draws charts, here or in a process of its own.

It holds Python's lock while it starts, most of a second, and while it draws: in the process that reads
scores, nothing else would go on. So a report starts it beside itself: specifications of charts go in as lines
of JSON, their drawings come out as lines of JSON.

    python3 -m reporting.drawing_engine
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, TypeAlias

import vl_convert

from contracts.errors import InternalError

VEGA_LITE_VERSION = "6.4"
"""One of those that the engine brings."""

Specification: TypeAlias = dict[str, Any]
"""In the words of Vega-Lite."""

Render: TypeAlias = Callable[[Specification], str]
"""Returns the SVG of a specification."""

_POINT: Specification = {"data": {"values": []}, "mark": "point"}
_ENDING_SECONDS = 10


def render(specification: Specification) -> str:
    """Return the SVG of a specification, drawn in this process."""
    return str(vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE_VERSION))


@contextmanager
def engine_here() -> Iterator[Render]:
    """Yield what draws in this process."""
    yield render


class DrawingEngine:
    """The engine in a process of its own; use as a context manager, which ends it."""

    def __init__(self) -> None:
        """Start it; it gets ready while other things are done."""
        self._process = _start()
        self._is_given_up = False

    def render(self, specification: Specification) -> str:
        """Return the SVG of a specification.

        What somebody else killed (the kernel, when memory is short) is started again, once for each
        specification: a report is not lost to it.

        Raises:
            InternalError: The engine has ended, by itself or killed twice, or was given up after a failure.
        """
        line = self._ask(specification)
        if not line and self._process.wait() < 0 and not self._is_given_up:
            self._process.communicate()  # closes what is left of it
            self._process = _start()
            line = self._ask(specification)
        if not line:
            code = self._process.wait()
            raise InternalError(f"the drawing engine ended with exit code {code}; the log says why")
        return str(json.loads(line))

    def _ask(self, specification: Specification) -> str:
        """Return the line that the engine answers with, or nothing if it ended before the line did."""
        given, drawn = self._process.stdin, self._process.stdout
        assert given is not None and drawn is not None  # noqa: S101, PT018 - PIPE below makes it so
        try:
            given.write(json.dumps(specification) + "\n")
            given.flush()
            line = drawn.readline()
        except BrokenPipeError:
            return ""
        except ValueError:
            if not self._is_given_up:  # else its pipes were closed meanwhile
                raise
            return ""
        return line if line.endswith("\n") else ""

    def __enter__(self) -> Render:
        """Return what draws with it."""
        return self.render

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        """End it; at once after a failure, whoever has it draw, or if it does not end by itself."""
        if failure is not None:
            self._is_given_up = True
            self._process.kill()
        try:
            self._process.communicate(timeout=_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this module; no shell
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def serve(given: TextIO, drawn: TextIO) -> None:
    """Draw until nothing more is given."""
    render(_POINT)  # so that the first chart need not wait
    for line in given:
        drawn.write(json.dumps(render(json.loads(line))) + "\n")
        drawn.flush()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
