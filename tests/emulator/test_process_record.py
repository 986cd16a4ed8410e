"""What is kept of a process that stood for a container: its parts, and what the kernel says that it took."""

from __future__ import annotations

import dataclasses
import resource
import signal
import sys
from pathlib import Path

import pytest

from contracts.timings import Timings, format_timings
from emulator.images import Launch
from emulator.process_record import ProcessLife, ProcessRecord, process_record
from emulator.processes import ContainerProcess

TIMINGS = Timings(
    seconds=2.0, processor_seconds=7.0, peak_memory_bytes=99, parts={"read": 1.5}, thread_seconds={"check": 3}
)
USAGE = resource.struct_rusage([1.25, 0.25, 2048, *[0] * 13])
LIFE = ProcessLife(started=10.0, ended=14.0, usage=USAGE, timings=TIMINGS, told=13.5)


def test_a_life_is_start_up_parts_and_end() -> None:
    """Start-up is what was before its own seconds, the end what came after its last word."""
    kept = process_record("algo-1", LIFE, step_began=9.5, is_in_container=False)

    assert kept == ProcessRecord(
        name="algo-1",
        began_seconds=0.5,
        seconds=4.0,
        startup_seconds=1.5,
        ending_seconds=0.5,
        processor_seconds=1.5,
        peak_memory_bytes=99,
        parts={"read": 1.5},
        thread_seconds={"check": 3},
    )


def test_of_an_engine_the_containers_own_words_count() -> None:
    """The kernel tells of the engine's command line, which did nothing but wait."""
    kept = process_record("algo-1", LIFE, step_began=9.5, is_in_container=True)

    assert (kept.processor_seconds, kept.peak_memory_bytes) == (7.0, 99)


def test_a_container_that_said_nothing_has_a_life_without_parts() -> None:
    """As one that was killed, or is somebody else's."""
    silent = dataclasses.replace(LIFE, timings=None, told=0.0)

    kept = process_record("algo-1", silent, step_began=9.5, is_in_container=False)

    assert (kept.seconds, kept.startup_seconds, kept.ending_seconds, kept.parts) == (4.0, 0.0, 0.0, {})
    assert kept.peak_memory_bytes in (2048, 2048 * 1024), "in the unit of this system, as the kernel tells"


@pytest.mark.functional
@pytest.mark.parametrize(
    ("end", "exit_code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", -signal.SIGKILL)]
)
def test_the_kernel_tells_what_a_process_took_however_it_ended(
    tmp_path: Path, end: str, exit_code: int
) -> None:
    """And its last words are kept, which are none of the lines that explain a failure."""
    line = format_timings(TIMINGS)
    code = f"import os, sys\nprint('why')\nprint({line!r}, flush=True)\n{end}"
    process = ContainerProcess(
        Launch(argv=[sys.executable, "-c", code], environment={}),
        folder=tmp_path,
        log_path=tmp_path / "log",
        on_progress=lambda _: None,
    )

    assert process.wait() == exit_code == process.exit_code
    kept = process.record("algo-1", step_began=0.0)
    assert kept.parts == TIMINGS.parts
    assert kept.processor_seconds > 0
    assert kept.peak_memory_bytes == 99, "its own word"
    assert process.log_tail() == "why"
    assert (tmp_path / "log").read_text() == f"why\n{line}\n"
