"""Copy what a container says to a log file as it comes, and understand its lines on progress and timings."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from contracts.progress import ROUTINE_LINE, Progress, parse_progress
from contracts.timings import Timings, parse_timings

LOG_TAIL_LINES = 20
LOG_TAIL_CHARS = 700
"""Kept of those lines, from their end, so that the reason is not cut off a failure message."""
_MAX_LINE_BYTES = 64 * 1024


class ContainerLog:
    """The log of one container, read by a thread of its own until the output ends.

    Attributes:
        timings: What the container said of its time, or None so far.
        told: When it said that, by `time.monotonic`.
    """

    def __init__(self, output: IO[bytes], path: Path, on_progress: Callable[[Progress], None]) -> None:
        self.timings: Timings | None = None
        self.told = 0.0
        self._tail: deque[str] = deque(maxlen=LOG_TAIL_LINES)
        self._on_progress = on_progress
        self._reader = threading.Thread(target=self._copy, args=(output, path), daemon=True)
        self._reader.start()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the output, at most for that time."""
        self._reader.join(timeout=seconds)

    def tail(self) -> str:
        """Return the last lines, those on progress and timings left out."""
        text = "\n".join(self._tail) or "(none)"
        return text if len(text) <= LOG_TAIL_CHARS else "… " + text[-LOG_TAIL_CHARS:]

    def _copy(self, output: IO[bytes], path: Path) -> None:
        with path.open("wb") as log, output:
            while line := output.readline(_MAX_LINE_BYTES):
                log.write(line)
                log.flush()
                self._take(line.decode("utf-8", "replace").rstrip())

    def _take(self, text: str) -> None:
        progress, timings = parse_progress(text), parse_timings(text)
        if progress is not None:
            self._on_progress(progress)
        elif timings is not None:
            self.timings, self.told = timings, time.monotonic()
        elif text and not text.startswith(ROUTINE_LINE):
            self._tail.append(text)
