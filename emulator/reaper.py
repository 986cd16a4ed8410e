"""Wait for the end of a child process and learn what it took: `Popen.wait` does not tell, `os.wait4` does."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from typing import IO


class Reaper:
    """Waits for one child process in a thread of its own; nobody else may wait for that process.

    Attributes:
        pid: Of the process, which leads a group of the same number.
        output: What it writes.
        ended: When the process was gone, by `time.monotonic`; 0 before.
        usage: What the kernel says that it took; None before, and where the kernel forgot it.
    """

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        """Take a process that leads a session, and whose output is a pipe."""
        assert popen.stdout is not None  # noqa: S101 - as said above
        self.pid = popen.pid
        self.output: IO[bytes] = popen.stdout
        self.ended = 0.0
        self.usage: resource.struct_rusage | None = None
        self._popen = popen
        self._is_over = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal, or None while the process lives."""
        return self._popen.returncode if self._is_over.is_set() else None

    def ends_within(self, seconds: float | None) -> bool:
        """Return whether the process has ended, or does so in that time; None waits as long as it takes."""
        return self._is_over.wait(seconds)

    def _wait(self) -> None:
        try:
            _, status, self.usage = os.wait4(self._popen.pid, 0)
        except (
            ChildProcessError
        ):  # who started us has SIGCHLD ignored; Popen takes the end for a good one too
            status = 0
        self.ended = time.monotonic()
        self._popen.returncode = os.waitstatus_to_exitcode(status)  # so that Popen asks the system no more
        self._is_over.set()
