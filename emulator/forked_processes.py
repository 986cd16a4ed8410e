"""Start container code from a process that has its libraries already, where that makes no difference.

Most of the time that container code takes to start goes into Python, libraries and the image's own modules;
`emulator.fork_server` reads them once a run, beside whoever started it. A launch is taken only if the process
that comes of it is what a process of its own would be: a module of the server's interpreter, and no variable
beside the image's that anything reads while it is imported. In every other case, and on other systems than
Linux, whose frameworks may not survive a fork, the answer is None.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from emulator.fork_server import MAX_MESSAGE_BYTES

READ_LATE = ("SAGEMAKER_", "BATCHSCORE_", "AWS_")
"""How variables begin that libraries read when they are used, and not while they are imported."""

ABOUT_TO_BE_READY_SECONDS = 0.1
"""A server of this age is worth waiting for: it takes two or three times as long to read its modules."""

PATIENCE_SECONDS = 0.15

SERVE = (
    "import sys; del sys.path[0]; from emulator.fork_server import main; main(*map(str.split, sys.argv[1:]))"
)
"""Leaves out the working folder first: what lies there is the user's, and no module of an image."""


@dataclass(kw_only=True, eq=False)
class ForkedProcess:
    """One process of the fork server, which waits for it; has the words of `emulator.reaper.Reaper`.

    Attributes:
        pid: Of the process, which leads a group of the same number.
        output: What it writes.
        ended: When it was gone, by `time.monotonic`; 0 before.
        usage: What the kernel says that it took; None before, and where the server was gone first.
        exit_code: Negative for a signal; None while the process lives.
    """

    pid: int
    output: IO[bytes]
    ended: float = 0.0
    usage: resource.struct_rusage | None = None
    exit_code: int | None = None
    _is_over: threading.Event = field(default_factory=threading.Event)

    def ends_within(self, seconds: float | None) -> bool:
        """Return whether the process has ended, or does so in that time; None waits as long as it takes."""
        return self._is_over.wait(seconds)

    def kill(self) -> None:
        """End it, whose server can no longer tell when that is."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.end(signal.SIGKILL, None)

    def end(self, status: int, usage: resource.struct_rusage | None) -> None:
        """Take what was told of its end."""
        self.ended, self.usage = time.monotonic(), usage
        self.exit_code = os.waitstatus_to_exitcode(status)
        self._is_over.set()


@dataclass(frozen=True, kw_only=True)
class Modules:
    """What a fork server reads.

    Attributes:
        first: Before it serves: what all code of the image imports, and that of the first container.
        later: Between launches: what that of other containers imports.
    """

    first: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


class ForkServer:
    """The server of one run; starting it waits for nothing."""

    def __init__(self, python: str, modules: Modules, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            python: Interpreter of the image.
            modules: What it reads.
            environment: The variables that every container of the image has.

        Raises:
            OSError: It cannot be started here.
        """
        self._python = python
        self._environment = dict(environment)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._is_known = threading.Event()  # whether it is ready
        self._is_ready = False
        self._was_asked = False  # for a process
        self._living: dict[int, ForkedProcess] = {}
        self._output: IO[bytes] | None = None  # of the launch that is under way
        self._started: queue.SimpleQueue[ForkedProcess | None] = queue.SimpleQueue()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.ExitStack() as if_it_fails, theirs:
            if_it_fails.callback(self._control.close)
            self._popen = subprocess.Popen(  # noqa: S603 - our own module, and no shell reads it
                [python, "-c", SERVE, " ".join(modules.first), " ".join(modules.later)],
                env=self._environment,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if_it_fails.pop_all()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def is_ready(self) -> bool:
        """Whether it has read its modules, and has not ended."""
        return self._is_ready

    @property
    def process_id(self) -> int:
        """Of the server itself."""
        return self._popen.pid

    def start(
        self, argv: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> ForkedProcess | None:
        """Start a process, or return None if it must be, or can only be, started in another way."""
        message = self._message(argv, environment, folder)
        if message is None:
            return None
        with self._lock:
            if not self._has_become_ready():
                return None
            self._was_asked = True
            readable, writable = os.pipe()
            self._output = open(readable, "rb")  # noqa: SIM115, PTH123 - its reader closes it
            try:
                socket.send_fds(self._control, [message], [writable])
            except OSError:  # it has gone
                self._output.close()
                return None
            finally:
                os.close(writable)
            process = self._started.get()
            if process is None:
                self._output.close()
            return process

    def close(self) -> None:
        """Let it go; processes that still live are the caller's to stop before."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        if not self._was_asked:  # it may still be reading its modules, and nothing hangs on it
            self._popen.kill()
        self._popen.wait()
        self._reader.join()
        self._control.close()

    def _has_become_ready(self) -> bool:
        """Wait for what is about to be ready: less long than a process of its own would take to start."""
        if time.monotonic() - self._began > ABOUT_TO_BE_READY_SECONDS:
            self._is_known.wait(PATIENCE_SECONDS)
        return self._is_ready

    def _message(self, argv: Sequence[str], environment: Mapping[str, str], folder: Path) -> bytes | None:
        """Return what the server is told of a launch that it may take, else None."""
        if len(argv) < 3 or (argv[0], argv[1]) != (self._python, "-m"):
            return None
        image = self._environment.items()
        if not image <= environment.items() or any(
            not name.startswith(READ_LATE) for name in environment.keys() - self._environment.keys()
        ):
            return None
        launch = {
            "module": argv[2],
            "arguments": list(argv[3:]),
            "environment": dict(environment),
            "folder": str(folder.absolute()),
        }
        message = json.dumps(launch).encode()
        return message if len(message) <= MAX_MESSAGE_BYTES else None

    def _read(self) -> None:
        """Take what the server tells, until it is gone."""
        while content := self._received():
            told: dict[str, Any] = json.loads(content)
            if "ready" in told:
                self._is_ready = True
                self._is_known.set()
            elif "started" in told:
                assert self._output is not None  # noqa: S101 - `start` sets it, and waits
                process = ForkedProcess(pid=told["started"], output=self._output)
                self._living[process.pid] = process
                self._started.put(process)
            else:
                usage = resource.struct_rusage(told["usage"])
                self._living.pop(told["ended"]).end(told["status"], usage)
        self._is_ready = False
        self._is_known.set()
        self._started.put(None)  # for a launch that it did not answer
        for process in self._living.values():  # what became of them, nobody will tell
            process.kill()

    def _received(self) -> bytes:
        try:
            return self._control.recv(MAX_MESSAGE_BYTES)
        except OSError:
            return b""


def is_able() -> bool:
    """Return whether processes can be forked here as this module does it."""
    return sys.platform == "linux"
