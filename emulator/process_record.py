"""What is known of one process that stood for a container, once it has ended: how long it took for what.

Moments are told by the emulator, processor time by the kernel when it lets go of the process, and the parts
by the container's own words (see `contracts.timings`). So is its peak memory, which it asked the kernel for:
what the kernel tells afterwards is never less than the emulator had itself, and stands for a container that
said nothing. Of a container of an engine, the process is the engine's command line: there the container's own
words stand for the processor time too.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.stopwatch import peak_memory_bytes
from contracts.timings import Timings


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One process of a job.

    Attributes:
        name: Of the host that it was on, such as `algo-1`.
        began_seconds: From the start of its step to its own.
        seconds: From its start to its end.
        startup_seconds: Of these, until its code began: Python and imports; 0 if it never said.
        ending_seconds: Of these, from its last word on its timings to its end.
        processor_seconds: User and system time.
        peak_memory_bytes: Largest resident memory.
        parts: Wall seconds of its leading thread by part.
        thread_seconds: Seconds by part, added up over threads side by side.
    """

    name: str
    began_seconds: float
    seconds: float
    startup_seconds: float = 0.0
    ending_seconds: float = 0.0
    processor_seconds: float = 0.0
    peak_memory_bytes: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)
    thread_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessLife:
    """Moments of one process, in seconds of one clock that only goes forward.

    Attributes:
        started: When it was started.
        ended: When it was gone.
        usage: What the kernel says that it took, or None if it does not say.
        timings: What it said itself, or None if it said nothing.
        told: When it said that.
    """

    started: float
    ended: float
    usage: resource.struct_rusage | None
    timings: Timings | None = None
    told: float = 0.0


def process_record(
    name: str, life: ProcessLife, *, step_began: float, is_in_container: bool
) -> ProcessRecord:
    """Return what is known of a process.

    Args:
        name: Of the host that it was on.
        life: Its moments.
        step_began: When its step began, by the same clock.
        is_in_container: Whether it is the command line of a container engine.
    """
    facts: dict[str, Any] = {
        "began_seconds": _rounded(life.started - step_began),
        "seconds": _rounded(life.ended - life.started),
    }
    if life.usage is not None:
        facts["processor_seconds"] = _rounded(life.usage.ru_utime + life.usage.ru_stime)
        facts["peak_memory_bytes"] = peak_memory_bytes(life.usage)
    timings = life.timings
    if timings is not None:
        facts["startup_seconds"] = _rounded(life.told - timings.seconds - life.started)
        facts["ending_seconds"] = _rounded(life.ended - life.told)
        facts["parts"], facts["thread_seconds"] = dict(timings.parts), dict(timings.thread_seconds)
        facts["peak_memory_bytes"] = timings.peak_memory_bytes
        if is_in_container:
            facts["processor_seconds"] = timings.processor_seconds
    return ProcessRecord(name=name, **facts)


def _rounded(seconds: float) -> float:
    """Return at least 0: what a process says of itself may be a moment late."""
    return round(max(0.0, seconds), 6)
