"""Ends the processes of a run whose runner is gone: `python watchdog.py`.

The runner starts one watchdog and tells it on standard input which process groups live (`+<id>`) and which
have ended (`-<id>`), a line each. When that input ends, because the runner ended in whatever way, the groups
that still live get SIGTERM, and SIGKILL after a grace time. Nobody else could do it after a closed terminal,
a SIGKILL or a crash.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0


def living_groups(lines: Iterable[str]) -> set[int]:
    """Read to the end and return the groups that were started and did not end."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        if line.startswith("+"):
            groups.add(number)
        else:
            groups.discard(number)
    return groups


def end_groups(groups: set[int], grace_seconds: float = GRACE_SECONDS) -> None:
    """Ask every group to end, wait, and kill what is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.killpg(group, number)
        if groups and number is signal.SIGTERM:
            time.sleep(grace_seconds)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end_groups(living_groups(sys.stdin))
