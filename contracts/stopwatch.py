"""Measure where the time of a process goes, by part: clock reads for a block or shard, none for a record.

One thread leads. Its parts may lie inside each other, and time counts for the innermost one alone, so that
they add up. What other threads do at the same time is added up apart, as thread-seconds.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from contracts.timings import Timings, format_timings

STATUS_PATH = Path("/proc/self/status")
"""[doc: proc(5)] `VmHWM` is the peak resident set size, of this program alone."""

_BYTES_PER_MAXRSS = 1 if sys.platform == "darwin" else 1024

P = ParamSpec("P")
Value = TypeVar("Value")


class Stopwatch:
    """Adds up seconds by part, from its making on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock that only goes forward, in seconds."""
        self._clock = clock
        self._began = self._charged_until = clock()
        self._open: list[str] = []
        self._parts: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()
        self._thread_seconds: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since its making."""
        return self._clock() - self._began

    @property
    def parts(self) -> dict[str, float]:
        """Seconds of the leading thread by part until now, in the order in which the parts began."""
        self._charge()
        return dict(self._parts)

    def begun(self, name: str) -> float:
        """Return the seconds from its making to the first begin of a part, or to now if it never began."""
        return self._begun.get(name, self.seconds)

    @property
    def thread_seconds(self) -> dict[str, float]:
        """Seconds by part, added up over threads side by side."""
        with self._lock:
            return dict(self._thread_seconds)

    def begin(self, name: str) -> None:
        """Let time count for a part, until its `end`; for the leading thread."""
        self._charge()
        self._open.append(name)
        self._parts.setdefault(name, 0.0)
        self._begun.setdefault(name, self._charged_until - self._began)

    def end(self, name: str) -> None:
        """Let time count again for what was open before a part began; for the leading thread.

        What is still open inside the part ends with it, and the end of a part that is not open is none.
        """
        self._charge()
        if name in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(name) :]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Let the time of a block count for a part; for the leading thread."""
        self.begin(name)
        try:
            yield
        finally:
            self.end(name)

    def each(self, name: str, values: Iterator[Value]) -> Iterator[Value]:
        """Yield `values`; what it takes to get each of them counts for a part. For the leading thread."""
        while True:
            with self.part(name):
                try:
                    value = next(values)
                except StopIteration:
                    return
            yield value

    @contextmanager
    def beside(self, name: str) -> Iterator[None]:
        """Add the time of a block to the thread-seconds of a part; for any thread."""
        started = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - started
            with self._lock:
                self._thread_seconds[name] = self._thread_seconds.get(name, 0.0) + seconds

    def timed(self, name: str, work: Callable[P, Value]) -> Callable[P, Value]:
        """Return `work`, whose time is added to the thread-seconds of a part; for any thread."""

        def work_timed(*given: P.args, **named: P.kwargs) -> Value:
            with self.beside(name):
                return work(*given, **named)

        return work_timed

    def _charge(self) -> None:
        now = self._clock()
        if self._open:
            self._parts[self._open[-1]] += now - self._charged_until
        self._charged_until = now


def started_stopwatch() -> Stopwatch:
    """Return a stopwatch that goes by this machine's clock."""
    return Stopwatch(time.monotonic)


def peak_memory_bytes(usage: resource.struct_rusage) -> int:
    """Return the largest resident memory that the kernel tells of a process that has ended.

    Linux begins to count with what the parent had, so that a process smaller than its parent counts as that.
    """
    return usage.ru_maxrss * _BYTES_PER_MAXRSS


def own_peak_memory_bytes() -> int:
    """Return the largest resident memory of this process until now, on Linux without what its parent had."""
    try:
        status = STATUS_PATH.read_text(encoding="utf-8")
    except OSError:  # another system
        return peak_memory_bytes(resource.getrusage(resource.RUSAGE_SELF))
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def timings_line(stopwatch: Stopwatch) -> str:
    """Return the log line that says where the time of this process went, with its newline."""
    timings = Timings(
        seconds=stopwatch.seconds,
        processor_seconds=time.process_time(),
        peak_memory_bytes=own_peak_memory_bytes(),
        parts=stopwatch.parts,
        thread_seconds=stopwatch.thread_seconds,
    )
    return format_timings(timings) + "\n"
