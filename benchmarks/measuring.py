"""Run a command to its end and measure it: its time, and the memory of its processes.

The memory of all processes together is read from /proc while they run: of each process the proportional
set size (PSS), which shares a page out among those who have it, so that the sum counts every page once. It
is read ten times a second, or more seldom where reading would take more than a fiftieth of the time. The
largest process is what the kernel says was the most that one process had resident, of those that were waited
for; or the largest that was seen in /proc, if that is more. All together had at least that much. Pages of
files that a process has mapped are counted in both. The measuring program itself must stay small
(`processes`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN_SAMPLES = 0.1
LARGEST_SAMPLING_FRACTION = 0.02
MESSAGE_CHARACTERS = 300
PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a command took.

    Attributes:
        seconds: From before its start to its end, imports included.
        largest_bytes: Most memory that one of its processes had.
        tree_bytes: Most memory that all its processes had together, as far as it was seen.
        failure: Why it did not end well, in one line, or None.
        processor_seconds: On all cores, of all its processes that were waited for; where others are at work
            on the machine, this says more than `seconds`.
    """

    seconds: float
    largest_bytes: int
    tree_bytes: int
    failure: str | None = None
    processor_seconds: float = 0.0


def measure(command: Sequence[str]) -> Measured:
    """Run a command to its end. What it prints is thrown away, but for the last line of a failure."""
    with tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - fixed words and paths of this folder; no shell
            list(command), stdout=subprocess.DEVNULL, stderr=errors, env=_usual_environment()
        )
        sampler = MemorySampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        sampler.stop()
        errors.seek(0)
        message = errors.read().decode(errors="replace") if process.returncode else ""
    return Measured(
        seconds=seconds,
        largest_bytes=max(usage.ru_maxrss * 1024, sampler.largest_bytes),
        tree_bytes=max(sampler.tree_bytes, usage.ru_maxrss * 1024),
        failure=_failure(process.returncode, message),
        processor_seconds=usage.ru_utime + usage.ru_stime,
    )


def _usual_environment() -> dict[str, str]:
    """Return this process's variables but the one by which every start compiles every module anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def measured(command: Sequence[str]) -> tuple[float, int]:
    """Run a command to its end; return its wall time in seconds and its largest process's memory in bytes.

    Raises:
        SystemExit: It did not end well.
    """
    found = measure(command)
    if found.failure:
        sys.exit(f"{' '.join(command)}: {found.failure}")
    return found.seconds, found.largest_bytes


def _failure(exit_code: int, message: str) -> str | None:
    if exit_code == 0:
        return None
    lines = [line for line in message.splitlines() if line.strip()] or ["it said nothing"]
    reason = f"ended by signal {-exit_code}" if exit_code < 0 else f"ended with {exit_code}"
    return f"{reason}: {lines[-1].strip()[:MESSAGE_CHARACTERS]}"


class MemorySampler(threading.Thread):
    """Looks at a process and all that descend from it until it is stopped.

    Attributes:
        tree_bytes: Largest sum of their PSS that was seen.
        largest_bytes: Largest PSS of one of them that was seen.
    """

    def __init__(self, root_pid: int) -> None:
        super().__init__(daemon=True)
        self.tree_bytes = 0
        self.largest_bytes = 0
        self._members = {root_pid}
        self._is_over = threading.Event()

    def run(self) -> None:
        """Sample until `stop`."""
        pause = SECONDS_BETWEEN_SAMPLES
        while not self._is_over.wait(pause):
            started = time.monotonic()
            self._sample()
            taken = time.monotonic() - started
            pause = max(SECONDS_BETWEEN_SAMPLES, taken / LARGEST_SAMPLING_FRACTION)

    def stop(self) -> None:
        """Return when no more samples are taken."""
        self._is_over.set()
        self.join()

    def _sample(self) -> None:
        parents = parents_by_pid()
        self._members = family(self._members, parents)
        sizes = [pss_bytes(pid) for pid in self._members]
        self.tree_bytes = max(self.tree_bytes, sum(sizes))
        self.largest_bytes = max(self.largest_bytes, *sizes, 0)


def family(members: set[int], parents: dict[int, int]) -> set[int]:
    """Return the members that are still there, and all that descend from one.

    A process whose parent has ended stays a member: it was one before.
    """
    found = members & parents.keys()
    waiting = list(found)
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    while waiting:
        born = set(children.get(waiting.pop(), ())) - found
        found |= born
        waiting += born
    return found


def parents_by_pid() -> dict[int, int]:
    """Return the parent of every process of this machine."""
    parents = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal() and (stat := _text(folder / "stat")):
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def pss_bytes(pid: int) -> int:
    """Return the proportional set size of a process, 0 if it is no more."""
    for line in _text(PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # it ended while it was being looked at
