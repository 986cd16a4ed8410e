"""One process executes a run, and everybody can see whether one does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import CallerError
from emulator.run_record import RunRecord, write_record
from runner.local_state import LocalState
from runner.run_lock import held, is_held

pytestmark = pytest.mark.functional

ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
import sys; from pathlib import Path; from runner.run_lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_until_the_block_ends(tmp_path: Path) -> None:
    """A run that never had one says nothing."""
    before = is_held(tmp_path)
    with held(tmp_path):
        inside = is_held(tmp_path)

    assert (before, inside, is_held(tmp_path)) == (None, True, False)


def test_a_second_process_is_refused_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    """Whatever the process id means by now: after a restart it may be another process's."""
    state = LocalState(root=tmp_path)
    folder = state.run_folder("r")
    record = RunRecord(
        run_id="r", pipeline_name="c", parameters={}, process_id=os.getpid(), started_at="2026-01-02"
    )
    write_record(folder, record)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    with pytest.raises(CallerError, match="run r is being executed by another process"), held(folder):
        pass
    while_it_lives = state.run("r").status
    holder.kill()
    holder.communicate()

    assert (while_it_lives, state.run("r").status) == ("Executing", "Stopped")
