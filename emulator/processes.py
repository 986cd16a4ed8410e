"""Start the processes that stand for containers, read their logs, and make sure that none survives a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contracts.progress import Progress
from emulator import watchdog
from emulator.container_log import ContainerLog
from emulator.forked_processes import ForkServer
from emulator.images import Image, Launch
from emulator.process_record import ProcessLife, ProcessRecord, process_record
from emulator.reaper import Reaper

STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL [doc: "Custom Inference Code with Hosting Services"; the page on Batch
Transform is silent]."""

_SIGNAL_BASE = 128
"""A container engine adds it to the number of the signal that ended a container."""


class ContainerProcess:
    """One process in the place of one container, its output copied to a log file as it comes."""

    def __init__(
        self,
        launch: Launch,
        *,
        folder: Path,
        log_path: Path,
        on_progress: Callable[[Progress], None],
        forks: ForkServer | None = None,
    ) -> None:
        self.end_argv = launch.end_argv
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
        forked = None if forks is None else forks.start(launch.argv, launch.environment, folder)
        self._process = forked or _own_process(launch, folder)
        self._log = ContainerLog(self._process.output, log_path, on_progress)

    @property
    def group_id(self) -> int:
        """Process group of the process and all it starts."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal, or None while the process lives."""
        code = self._process.exit_code
        return None if code is None else self._as_told(code)

    def ends_within(self, seconds: float) -> bool:
        """Return whether the process has ended, or does so in that time."""
        return self._process.ends_within(seconds)

    def wait(self) -> int:
        """Wait for the end of the process and of its output; return the exit code."""
        self._process.ends_within(None)
        self._log.wait(STOP_SECONDS)
        return self.exit_code or 0

    def record(self, name: str, step_began: float) -> ProcessRecord:
        """Return what is known of the process, which has ended; see `emulator.process_record`."""
        life = ProcessLife(
            started=self._started,
            ended=self._process.ended,
            usage=self._process.usage,
            timings=self._log.timings,
            told=self._log.told,
        )
        return process_record(name, life, step_began=step_began, is_in_container=bool(self.end_argv))

    def ending(self) -> str:
        """Say how the process ended, which it has."""
        code = self.exit_code or 0
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")

    def log_tail(self) -> str:
        """Return the last lines of the log, those on progress and timings left out."""
        self._log.wait(0.5)
        return self._log.tail()

    def stop(self, grace_seconds: float = STOP_SECONDS) -> None:
        """Send SIGTERM to the process and all it started, then SIGKILL after the grace time."""
        self._signal(signal.SIGTERM)
        self._process.ends_within(grace_seconds)
        self._signal(signal.SIGKILL)  # whatever is left of the group
        if self.end_argv:
            watchdog.run_to_its_end(self.end_argv)
        self.wait()

    def _as_told(self, code: int) -> int:
        """Translate what an engine tells of a signal; of a process, the system has told it already."""
        is_signal = self.end_argv and code - _SIGNAL_BASE in signal.valid_signals()
        return _SIGNAL_BASE - code if is_signal else code

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return  # the whole group is gone already, which is what a stop wants


def _own_process(launch: Launch, folder: Path) -> Reaper:
    return Reaper(
        subprocess.Popen(  # noqa: S603 - the argv comes from the definition, and no shell reads it
            launch.argv,
            env=dict(launch.environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    )


class ProcessPool:
    """All living processes of a run, so that one call can stop them.

    Used as a context manager, it also has a watchdog, which stops them if this process dies, and what makes
    them start sooner (`emulator.forked_processes`), where the image has that.
    """

    def __init__(self, image: Image | None = None, forks: ForkServer | None = None) -> None:
        """Take the image of the processes, and their fork server if it is on its way already."""
        self._image = image
        self._forks = forks
        self._lock = threading.Lock()
        self._living: set[ContainerProcess] = set()
        self._is_stopping = False
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether `stop_all` was called: nothing new may start."""
        return self._is_stopping

    def start(self, launch: Launch, **options: Any) -> ContainerProcess:
        """Start a process; arguments as for ContainerProcess.

        Raises:
            InterruptedError: `stop_all` was called.
        """
        with self._lock:
            if self._is_stopping:
                raise InterruptedError("the run is being stopped")
            process = ContainerProcess(launch, forks=self._forks, **options)
            self._living.add(process)
            self._tell_watchdog("\t".join([f"+{process.group_id}", *process.end_argv]))
        return process

    def end(self, process: ContainerProcess, grace_seconds: float = STOP_SECONDS) -> None:
        """Stop a process if it still lives, and forget it."""
        process.stop(grace_seconds)
        with self._lock:
            self._living.discard(process)
            self._tell_watchdog(f"-{process.group_id}")

    def stop_all(self, grace_seconds: float = 5.0) -> None:
        """Stop every process, side by side, and let none start any more."""
        with self._lock:
            self._is_stopping = True
            living = list(self._living)
        stoppers = [threading.Thread(target=process.stop, args=(grace_seconds,)) for process in living]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()

    def __enter__(self) -> ProcessPool:
        """Start the watchdog, which ends what still lives when this process is gone, and the fork server."""
        # Without site packages (-I -S) it is there in hundredths of a second; it needs none.
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, no shell
            [sys.executable, "-I", "-S", watchdog.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
        if self._forks is None and self._image is not None:
            self._forks = self._image.fork_server()
        return self

    def __exit__(self, *_: object) -> None:
        """Let fork server and watchdog go, once everything has ended."""
        with self._lock:
            forks, self._forks = self._forks, None
            started, self._watchdog = self._watchdog, None
        if forks is not None:
            forks.close()
        if started is not None:
            started.communicate()

    def _tell_watchdog(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.write(line.encode() + b"\n")
            self._watchdog.stdin.flush()
