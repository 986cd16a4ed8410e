"""How container code says where its time went: one line of JSON on standard output, when its work is done.

The line is a log line like any other to CloudWatch; the emulator keeps what it says with the step's record.

    {"batchscore_timings": {
      "seconds": 1.2, "processor_seconds": 2.0, "peak_memory_bytes": 134217728,
      "parts": {"read source objects": 0.3, …}, "thread_seconds": {"check records": 0.9, …}}}

`parts` are of the one thread that leads, never overlap, and so come to no more than `seconds`;
`thread_seconds` are added up over threads that work side by side, and must not be added to anything else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_KEY = "batchscore_timings"
_DECIMALS = 6


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Where the time of one container process went.

    Attributes:
        seconds: Wall time from when its code began, Python and imports being there, to this line.
        processor_seconds: User and system time of all its threads since the process started.
        peak_memory_bytes: Largest resident memory until now, as the kernel counts it.
        parts: Wall seconds of the leading thread by part, in the order in which the parts began.
        thread_seconds: Seconds by part, added up over threads that work side by side.
    """

    seconds: float
    processor_seconds: float
    peak_memory_bytes: int
    parts: Mapping[str, float] = field(default_factory=dict)
    thread_seconds: Mapping[str, float] = field(default_factory=dict)


def format_timings(timings: Timings) -> str:
    """Return the log line for `timings`, without a newline."""
    document = {name: _rounded(value) for name, value in asdict(timings).items()}
    return json.dumps({_KEY: document}, separators=(",", ":"))


def parse_timings(line: str) -> Timings | None:
    """Return the timings that a log line states, or None for any other line."""
    if not line.startswith('{"' + _KEY):
        return None
    try:
        document = json.loads(line)[_KEY]
        return Timings(
            seconds=_seconds(document["seconds"]),
            processor_seconds=_seconds(document["processor_seconds"]),
            peak_memory_bytes=int(_seconds(document["peak_memory_bytes"])),
            parts=_by_part(document["parts"]),
            thread_seconds=_by_part(document["thread_seconds"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _by_part(document: Mapping[str, Any]) -> dict[str, float]:
    return {name: _seconds(value) for name, value in document.items()}


def _seconds(value: Any) -> float:
    """Return a number from a log, where a container may write what it likes."""
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(value)
    return number


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(seconds) for name, seconds in value.items()}
    return round(value, _DECIMALS)
