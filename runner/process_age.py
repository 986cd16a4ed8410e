"""How old this process is: what Python and its imports took before any line of ours could look at a clock."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

STAT_PATH = Path("/proc/self/stat")
_START_FIELD = 19
"""Of the fields after the command's name, in clock ticks since the machine started [doc: proc(5)]."""


def process_age_seconds() -> float:
    """Return the seconds since the kernel started this process, to a hundredth; 0 where it does not say.

    A process that became another program (`exec`) is as old as the first.
    """
    if sys.platform != "linux":
        return 0.0
    try:
        started_ticks = int(STAT_PATH.read_text(encoding="utf-8").rpartition(")")[2].split()[_START_FIELD])
    except (OSError, ValueError, IndexError):
        return 0.0
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")
    return max(0.0, age)
