"""Resume a run in a process of its own, which may be killed at any moment, as may its containers."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from small_machine import containers_below

from contracts.errors import BatchScoreError
from runner import container_code
from runner.container_code import local_image
from runner.local_state import LocalState
from runner.resume import claimed, resume_locally

KILLABLE_SERVER = str(Path(__file__).with_name("killable_server.py"))
SUCCEEDED, FAILED = 0, 3
"""Exit codes of the process; any other but that of a SIGKILL is a fault of ours."""


def start_resumption(run_id: str, root: Path, *, has_real_server: bool) -> BaseProcess:
    """Start to resume a run; the process is there at once, what it imports being there already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killable_run"])
    process = context.Process(target=_resume, args=(run_id, str(root), has_real_server))
    process.start()
    return process


def _resume(run_id: str, root: str, has_real_server: bool) -> None:
    state = LocalState(root=Path(root))
    if not has_real_server:
        image = replace(local_image(), serve_entrypoint=(sys.executable, KILLABLE_SERVER))
        container_code.local_image = lambda: image  # type: ignore[attr-defined]  # that is its place
    try:
        with claimed(run_id, state) as resumption:
            resume_locally(resumption, state, None, lambda _: None)
    except BatchScoreError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(FAILED)


def kill_something(process: BaseProcess, root: Path, chance: random.Random) -> str:
    """Send SIGKILL to the run, to all of one of its containers or to a worker; return what was hit."""
    living = sorted(containers_below(root))
    with contextlib.suppress(ProcessLookupError):  # it ended while we looked
        leaders = [number for number in living if os.getpgid(number) == number]
        workers = [number for number in living if number not in leaders]
        there = {"run": process.is_alive(), "container": leaders, "worker": workers}
        victim = chance.choice([name for name, found in there.items() if found] or ["nothing"])
        if victim == "run":
            process.kill()
        if victim == "container":
            os.killpg(chance.choice(leaders), signal.SIGKILL)
        if victim == "worker":
            os.kill(chance.choice(workers), signal.SIGKILL)
        return victim
    return "nothing"
