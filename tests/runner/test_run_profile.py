"""Where the time of a run went adds up to the whole, and names every step and part."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from contracts.stopwatch import Stopwatch
from emulator.process_record import ProcessRecord
from emulator.run_record import RunRecord, StepRecord
from runner.profile_view import CAPTION, profile_table
from runner.run_profile import (
    CHECK_PART,
    ENDING_PART,
    EXECUTE_PART,
    OTHER,
    PRINT_PART,
    START_PART,
    STARTUP_PART,
    CommandTimes,
    RunProfile,
    run_profile,
)

MEGABYTE = 1024 * 1024


def process(name: str, began: float, **more: Any) -> ProcessRecord:
    facts: dict[str, Any] = {
        "seconds": 6.0,
        "startup_seconds": 1.0,
        "ending_seconds": 0.5,
        "processor_seconds": 3.0,
        "peak_memory_bytes": 100 * MEGABYTE,
        "parts": {"read": 2.0, "write": 1.5},
        "thread_seconds": {"check": 9.0},
    }
    return ProcessRecord(name=name, began_seconds=began, **{**facts, **more})


def step(began: float, seconds: float, *processes: ProcessRecord, record_count: int = 0) -> StepRecord:
    return StepRecord(
        type="any",
        status="Succeeded",
        started_at="2026-11-23T06:00:00.000Z",
        began_seconds=began,
        seconds=seconds,
        record_count=record_count,
        processes=processes,
    )


def profile_of(steps: dict[str, StepRecord]) -> RunProfile:
    """Return the profile of a command: 1 s to start, 1 to check, 20 to execute, 2 to print, 1 more."""
    clock = [0.0]
    stopwatch = Stopwatch(lambda: clock[0])
    for name, seconds in {CHECK_PART: 1.0, EXECUTE_PART: 20.0, PRINT_PART: 2.0}.items():
        with stopwatch.part(name):
            clock[0] += seconds
    clock[0] += 1.0
    record = RunRecord(
        run_id="20261123t060000-abcd",
        pipeline_name="candidate",
        parameters={},
        process_id=1,
        started_at="2026-11-23T06:00:00.000Z",
        status="Succeeded",
        steps=steps,
    )
    times = CommandTimes(
        startup_seconds=1.0, stopwatch=stopwatch, processor_seconds=2.5, peak_memory_bytes=50 * MEGABYTE
    )
    return run_profile(record, times)


def test_the_parts_of_the_command_come_to_its_wall_time() -> None:
    """Before, steps, between, after and the rest, with nothing counted twice."""
    profile = profile_of({"Prepare": step(0.5, 8.0), "Score": step(9.0, 10.0)})

    assert profile.before == {START_PART: 1.0, CHECK_PART: 1.0}
    assert [(one.name, one.began_seconds, one.counted_seconds) for one in profile.steps] == [
        ("Prepare", 2.5, 8.0),
        ("Score", 11.0, 10.0),
    ]
    assert (profile.between_seconds, profile.after, profile.other_seconds) == (2.0, {PRINT_PART: 2.0}, 1.0)
    assert profile.seconds == 25.0 == added_up(profile)


def added_up(profile: RunProfile) -> float:
    named = [*profile.before.values(), *profile.after.values(), profile.between_seconds]
    return sum(named) + sum(one.counted_seconds for one in profile.steps) + profile.other_seconds


def test_steps_side_by_side_are_counted_once() -> None:
    """A step that began while another was under way counts from that one's end; its own wall time stays."""
    profile = profile_of({"B": step(4.0, 6.0), "A": step(0.0, 8.0), "C": step(5.0, 1.0)})

    assert [(one.name, one.seconds, one.counted_seconds) for one in profile.steps] == [
        ("A", 8.0, 8.0),
        ("B", 6.0, 2.0),
        ("C", 1.0, 0.0),
    ]
    assert added_up(profile) == profile.seconds


def test_a_step_says_what_its_processes_took() -> None:
    """Processor seconds are added up, memory is the largest one's, and what is before and after is told."""
    small = process("algo-2", 2.0, peak_memory_bytes=MEGABYTE)
    (told,) = profile_of({"A": step(0.0, 10.0, process("algo-1", 1.0), small, record_count=50)}).steps

    assert (told.processor_seconds, told.peak_memory_bytes) == (6.0, 100 * MEGABYTE)
    assert (told.before_seconds, told.after_seconds, told.records_per_second) == (1.0, 2.0, 5.0)
    assert told.processes[0].parts == {
        STARTUP_PART: 1.0,
        "read": 2.0,
        "write": 1.5,
        ENDING_PART: 0.5,
        OTHER: 1.0,
    }
    assert sum(told.processes[0].parts.values()) == told.processes[0].seconds


def test_a_process_that_said_nothing_is_other_as_a_whole() -> None:
    silent = process("algo-1", 0.0, parts={}, thread_seconds={}, startup_seconds=0.0, ending_seconds=0.0)

    (told,) = profile_of({"A": step(0.0, 6.0, silent)}).steps

    assert told.processes[0].parts == {OTHER: 6.0}


@pytest.mark.parametrize("process_count", [1, 2])
def test_the_table_names_every_step_and_part(process_count: int) -> None:
    """And says of thread-seconds that they are not to be added to the others."""
    processes = [process(f"algo-{number}", 1.0) for number in range(1, process_count + 1)]
    profile = profile_of({"Prepare": step(0.0, 8.0, *processes, record_count=800), "Gate": step(8.0, 0.1)})
    page = io.StringIO()
    Console(file=page, width=200).print(profile_table(profile))
    text = page.getvalue()

    names = [START_PART, CHECK_PART, "Prepare", STARTUP_PART, "read", "write", "check", "Gate", PRINT_PART]
    assert [name for name in [*names, OTHER, "the whole command", CAPTION[:50]] if name not in text] == []
    assert ("algo-2" in text) == (process_count == 2), "one process alone is its step"


def test_the_document_is_what_the_profile_holds() -> None:
    """Plain names and numbers, all the way down."""
    document = profile_of({"A": step(0.0, 10.0, process("algo-1", 1.0))}).document()

    assert set(document) == {
        *("run_id", "status", "seconds", "before", "steps", "between_seconds", "after", "other_seconds"),
        *("processor_seconds", "peak_memory_bytes"),
    }
    assert document["steps"][0]["processes"][0]["thread_seconds"] == {"check": 9.0}
