"""Starts container code that need not wait for its libraries: `main`, in a process of its own.

Reads the first modules, then forks a process for each launch that it is told of on standard input, a socket
that keeps messages apart; after the first launch it reads the later modules, while nobody asks for another.
The new process takes on the argv, the variables, the working folder and the output that a process started for
this would have, and runs its module as `python -m` does. Which modules are read before is the caller's choice
(`emulator.forked_processes` says why it may be made).

    in   {"module": …, "arguments": […], "environment": {…}, "folder": …}, with the output's descriptor
    out  {"ready": true}, then {"started": id} for each launch, and {"ended": id, "status": …, "usage": […]}
         when a process is gone, as `os.wait4` tells it

The end of the input ends it, and whatever it has started that still lives: of a launch that was answered too
late, nobody else knows.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

from emulator.watchdog import end_groups

MAX_MESSAGE_BYTES = 64 * 1024
"""Of one launch; a socket takes more than twice as much at once."""


@dataclass(frozen=True, kw_only=True)
class _ForkedLaunch:
    """What the new process is to become, and the descriptor that its output goes to."""

    launch: dict[str, Any]
    output: int


def main(modules: list[str], later: list[str]) -> None:
    """Serve until the input ends; returns in every forked process, when its module has run."""
    control = socket.socket(fileno=os.dup(0))
    gc.disable()  # nothing of what is imported is ever let go
    for name in modules:
        importlib.import_module(name)
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
    _tell(control, {"ready": True})
    forked = _serve(control, wake_reader, later)
    if forked is None:
        os._exit(0)  # whoever started it waits, and there is nothing left but libraries to take apart
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in (wake_reader, wake_writer):
        os.close(descriptor)
    control.close()
    gc.freeze()
    gc.enable()
    _become(forked)


def _serve(control: socket.socket, wake_reader: int, later: list[str]) -> _ForkedLaunch | None:
    """Fork for each launch; in the forked process return what to become, at the end of the input None."""
    living: set[int] = set()
    has_launched = False
    while True:
        may_read = has_launched and bool(later)
        readable, _, _ = select.select([control.fileno(), wake_reader], [], [], 0 if may_read else None)
        if not readable:
            with contextlib.suppress(Exception):  # who uses it says what is wrong with it
                importlib.import_module(later.pop(0))
        if wake_reader in readable:
            os.read(wake_reader, 4096)
            _reap(control, living)
        if control.fileno() not in readable:
            continue
        content, descriptors = _received(control)
        if not content:
            end_groups(dict.fromkeys(living, ()))
            return None
        process_id = os.fork()
        if process_id == 0:
            return _ForkedLaunch(launch=json.loads(content), output=descriptors[0])
        os.close(descriptors[0])
        living.add(process_id)
        os.setpgid(process_id, process_id)  # before its number is told, so that its group can be stopped
        _tell(control, {"started": process_id})
        has_launched = True


def _received(control: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next message and its descriptors; nothing at the end of the input."""
    try:
        content, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 1)
    except ConnectionResetError:  # who asked has ended before it had read all that it was told
        return b"", []
    return content, descriptors


def _become(forked: _ForkedLaunch) -> None:
    """Take on everything that a process of its own would have been started with, and run its module."""
    launch = forked.launch
    os.chdir(launch["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in ((nothing, 0), (forked.output, 1), (forked.output, 2)):
        os.dup2(descriptor, standard)
    for descriptor in (nothing, forked.output):
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(launch["environment"])
    sys.path.insert(0, launch["folder"])
    sys.argv[1:] = launch["arguments"]
    runpy.run_module(launch["module"], run_name="__main__", alter_sys=True)


def _reap(control: socket.socket, living: set[int]) -> None:
    """Tell of every process that is gone."""
    while True:
        try:
            process_id, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not process_id:
            return
        living.discard(process_id)
        _tell(control, {"ended": process_id, "status": status, "usage": list(usage)})


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then the input is at its end, too
        control.send(json.dumps(message).encode())
