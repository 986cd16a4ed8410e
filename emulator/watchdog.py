"""Ends the processes of a run whose runner is gone: `python watchdog.py`.

The runner starts one watchdog and tells it on standard input which process groups live (`+<id>`) and which
have ended (`-<id>`), a line each. When that input ends, because the runner ended in whatever way, the groups
that still live get SIGTERM, and SIGKILL after a grace time. Nobody else could do it after a closed terminal,
a SIGKILL or a crash. A container of an engine is in no group of ours: the command that removes it follows the
group's id, its arguments after tabs, and is run last.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence

GRACE_SECONDS = 5.0


END_SECONDS = 30.0
"""For one command that removes a container."""


def living_groups(lines: Iterable[str]) -> dict[int, list[str]]:
    """Read to the end; return the groups that were started and did not end, with what removes a container."""
    groups: dict[int, list[str]] = {}
    for line in lines:
        number, *end_argv = line.rstrip("\n").split("\t")
        if number.startswith("+"):
            groups[int(number)] = end_argv
        else:
            groups.pop(-int(number), None)
    return groups


def end_groups(groups: Mapping[int, Sequence[str]], grace_seconds: float = GRACE_SECONDS) -> None:
    """Ask every group to end, wait, and kill what is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.killpg(group, number)
        if groups and number is signal.SIGTERM:
            time.sleep(grace_seconds)
    for end_argv in groups.values():
        if end_argv:
            run_to_its_end(end_argv)


def run_to_its_end(argv: Sequence[str]) -> None:
    """Remove a container; one that is gone already, or an engine that is, leaves nothing to do."""
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        subprocess.run(  # noqa: S603 - an argv of our own, and no shell reads it
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=END_SECONDS, check=False
        )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end_groups(living_groups(sys.stdin))
