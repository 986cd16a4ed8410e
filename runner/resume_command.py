"""`batchscore resume`: from a run id to a finished run and its summary."""

from __future__ import annotations

import os
from pathlib import Path

from runner.command_timing import CommandTiming
from runner.console import PatientConsole
from runner.local_state import LocalState, state_folder
from runner.resume import claimed, resume_locally
from runner.run_command import attend


def resume_command(run_id: str, *, first_port: int | None, state: Path | None) -> None:
    """Execute what is left of a run, show its progress, and print what came of it, also when it failed."""
    local = LocalState(root=state_folder(os.environ, state))
    with claimed(run_id, local) as resumption:
        shards = f"{len(resumption.missing):,} of {resumption.plan.shard_count:,} shards are left to score"
        PatientConsole(stderr=True, highlight=False, soft_wrap=True).print(f"run {run_id}: {shards}")
        attend(
            run_id,
            local,
            lambda on_event: resume_locally(resumption, local, first_port, on_event),
            CommandTiming(),
        )
