"""Containers are asked to end, and then made to."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from transform_requests import csv_job, served_objects

from emulator.images import Launch
from emulator.processes import STOP_SECONDS, ContainerProcess
from emulator.transform_job import run_transform_job

pytestmark = pytest.mark.functional

READY = "import os, signal, sys, threading\n{}\nopen('ready', 'w').close()\nthreading.Event().wait()\n"
ENDS_BY_ITSELF = READY.format("signal.signal(signal.SIGTERM, lambda *_: os._exit(7))")
IGNORES_SIGTERM = READY.format("signal.signal(signal.SIGTERM, signal.SIG_IGN)")


def started(folder: Path, code: str) -> ContainerProcess:
    """Start a process and return it once it has set its signal handler."""
    os.mkfifo(folder / "ready")
    process = ContainerProcess(
        Launch(argv=[sys.executable, "-c", code], environment={}),
        folder=folder,
        log_path=folder / "log",
        on_progress=lambda _: None,
    )
    (folder / "ready").open().close()  # waits until the process opens its end
    return process


def test_a_process_may_end_by_itself_after_sigterm(tmp_path: Path) -> None:
    """[doc] SIGTERM comes first, and what handles it chooses its exit code."""
    process = started(tmp_path, ENDS_BY_ITSELF)

    process.stop()

    assert process.exit_code == 7


def test_what_ignores_sigterm_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    """[doc] SIGKILL follows; here after a tenth of a second instead of 30."""
    process = started(tmp_path, IGNORES_SIGTERM)

    process.stop(grace_seconds=0.1)

    assert process.exit_code == -signal.SIGKILL
    assert process.ending().startswith("was killed by SIGKILL")


def test_a_model_server_has_30_seconds_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """[doc] Between the two signals; a server that ends at once is not waited for."""
    graces: list[float] = []
    stop = ContainerProcess.stop
    monkeypatch.setattr(
        ContainerProcess, "stop", lambda self, grace: (graces.append(grace), stop(self, grace))[0]
    )

    run_transform_job(csv_job(), served_objects(tmp_path, {"a.csv": b"1\n"}))

    assert graces == [30.0] == [STOP_SECONDS]
