"""Start the processes that stand for containers, read their logs, and make sure that none survives a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from contracts.container_paths import ML_ROOT_VARIABLE
from contracts.progress import Progress
from emulator import watchdog
from emulator.container_log import ContainerLog
from emulator.process_record import ProcessLife, ProcessRecord, process_record
from emulator.reaper import Reaper

STOP_SECONDS = 30.0
"""Between SIGTERM and SIGKILL [doc: "Custom Inference Code with Hosting Services"; the page on Batch
Transform is silent]."""

_SIGNAL_BASE = 128
"""A container engine adds it to the number of the signal that ended a container."""

HOST = "127.0.0.1"
"""Where the port of a model server is, and nowhere else."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a container, or the process in its place, is started.

    Attributes:
        argv: Of the process that lives as long as the container does, and ends with its exit code.
        environment: All of that process's variables.
        end_argv: What ends a container that outlived that process; empty if nothing can outlive its group.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    end_argv: tuple[str, ...] = ()


class Image(Protocol):
    """What stands for a container image: this machine's interpreter, or a real image."""

    def job(
        self, command: Sequence[str], root: Path, given: Mapping[str, str], inputs: Sequence[str] = ()
    ) -> Launch:
        """Return what runs a processing container.

        Args:
            command: Entry point and arguments.
            root: Folder that stands for `/opt/ml`.
            given: Variables of the container, from the definition.
            inputs: Folders below `/opt/ml` that the container only reads.
        """

    def server(self, root: Path, given: Mapping[str, str], port: int) -> Launch:
        """Return what runs a model container that answers on `port` of 127.0.0.1; arguments as for `job`."""

    def place_input(self, source: Path, target: Path) -> None:
        """Make an object appear as the file `target` below a container's root."""


@dataclass(frozen=True, kw_only=True)
class LocalImage:
    """What stands for a container image where containers are processes.

    Attributes:
        python: Interpreter that has the image's packages; it takes the place of `python3` in an argv.
        serve_entrypoint: The image's ENTRYPOINT, to which a model container adds `serve`.
        serve_options: Stand before `serve`.
        environment: Variables that the image sets.
    """

    python: str
    serve_entrypoint: tuple[str, ...]
    serve_options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def argv(self, command: Sequence[str]) -> list[str]:
        """Return `command` as this machine can start it."""
        return [self.python if command[0] in ("python", "python3") else command[0], *command[1:]]

    def job(
        self, command: Sequence[str], root: Path, given: Mapping[str, str], inputs: Sequence[str] = ()
    ) -> Launch:
        """Return what runs a processing container; see `Image`."""
        del inputs  # links, which nobody writes to by mistake
        return Launch(argv=self.argv(command), environment=self._environment(root, given))

    def server(self, root: Path, given: Mapping[str, str], port: int) -> Launch:
        """Return what runs a model container; see `Image`."""
        place = {"SAGEMAKER_BIND_TO_PORT": str(port), "BATCHSCORE_BIND_ADDRESS": HOST}
        return Launch(
            argv=self.argv([*self.serve_entrypoint, *self.serve_options, "serve"]),
            environment=self._environment(root, {**given, **place}),
        )

    def place_input(self, source: Path, target: Path) -> None:
        """Link to an object: nothing is paid for twice on one disk."""
        target.symlink_to(source)

    def _environment(self, root: Path, given: Mapping[str, str]) -> dict[str, str]:
        """Return a container's whole environment: the image's, the definition's, and where its tree is."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **self.environment,
            **given,
            ML_ROOT_VARIABLE: str(root),
        }


class ContainerProcess:
    """One process in the place of one container, its output copied to a log file as it comes."""

    def __init__(
        self,
        launch: Launch,
        *,
        folder: Path,
        log_path: Path,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.end_argv = launch.end_argv
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
        self._popen = subprocess.Popen(  # noqa: S603 - the argv comes from the definition, and no shell reads it
            launch.argv,
            env=dict(launch.environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reaper = Reaper(self._popen)
        assert self._popen.stdout is not None  # noqa: S101 - stdout=PIPE above makes it so
        self._log = ContainerLog(self._popen.stdout, log_path, on_progress)

    @property
    def group_id(self) -> int:
        """Process group of the process and all it starts."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal, or None while the process lives."""
        code = self._reaper.exit_code
        return None if code is None else self._as_told(code)

    def ends_within(self, seconds: float) -> bool:
        """Return whether the process has ended, or does so in that time."""
        return self._reaper.ends_within(seconds)

    def wait(self) -> int:
        """Wait for the end of the process and of its output; return the exit code."""
        self._reaper.ends_within(None)
        self._log.wait(STOP_SECONDS)
        return self.exit_code or 0

    def record(self, name: str, step_began: float) -> ProcessRecord:
        """Return what is known of the process, which has ended; see `emulator.process_record`."""
        life = ProcessLife(
            started=self._started,
            ended=self._reaper.ended,
            usage=self._reaper.usage,
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
        self._reaper.ends_within(grace_seconds)
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
            os.killpg(self._popen.pid, number)
        except ProcessLookupError:
            return  # the whole group is gone already, which is what a stop wants


class ProcessPool:
    """All living processes of a run, so that one call can stop them.

    Used as a context manager, it also has a watchdog, which stops them if this process dies.
    """

    def __init__(self) -> None:
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
            process = ContainerProcess(launch, **options)
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
        """Start the watchdog, which ends what still lives when this process is gone."""
        # Without site packages (-I -S) it is there in hundredths of a second; it needs none.
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, no shell
            [sys.executable, "-I", "-S", watchdog.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Let the watchdog go, once everything has ended."""
        with self._lock:
            started, self._watchdog = self._watchdog, None
        if started is not None:
            started.communicate()

    def _tell_watchdog(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.write(line.encode() + b"\n")
            self._watchdog.stdin.flush()
