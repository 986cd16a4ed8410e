"""Time a command that executes a run, and tell where the time went if that is asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from contracts.atomic_files import write_json
from contracts.stopwatch import Stopwatch, own_peak_memory_bytes, started_stopwatch
from emulator.run_record import RunRecord
from runner.console import PatientConsole, print_wide
from runner.local_state import LocalState
from runner.process_age import process_age_seconds
from runner.profile_view import profile_table
from runner.run_profile import PROFILE_FILE, CommandTimes, run_profile


@dataclass(frozen=True, kw_only=True)
class CommandTiming:
    """The clock of one command, which measures always.

    Attributes:
        is_told: Whether the profile is printed and written.
        startup_seconds: From the start of the process until now.
        stopwatch: From now on.
    """

    is_told: bool = False
    startup_seconds: float = field(default_factory=process_age_seconds)
    stopwatch: Stopwatch = field(default_factory=started_stopwatch)

    def tell(self, record: RunRecord, state: LocalState) -> None:
        """Print where the time of a run went and keep it in the run's folder, if that was asked for."""
        if not self.is_told:
            return
        times = CommandTimes(
            startup_seconds=self.startup_seconds,
            stopwatch=self.stopwatch,
            processor_seconds=time.process_time(),
            peak_memory_bytes=own_peak_memory_bytes(),
        )
        profile = run_profile(record, times)
        path = state.run_folder(record.run_id) / PROFILE_FILE
        write_json(path, profile.document())
        console = PatientConsole(highlight=False, soft_wrap=True)
        console.print()
        print_wide(profile_table(profile))
        console.print(f"profile: {path}")
