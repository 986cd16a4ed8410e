"""Where the wall time of one run went: `batchscore run --profile`, kept as `profile.json` in its folder.

The command's wall time is what came before the run, each step, what lay between the steps, what came after,
and what nobody has a name for. A step has the wall time of its job; inside it are its processes, each with
parts that come to no more than its own life. Thread-seconds stand apart: they are added up over threads side
by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from contracts.stopwatch import Stopwatch
from emulator.process_record import ProcessRecord
from emulator.run_record import RunRecord, StepRecord

PROFILE_FILE = "profile.json"

START_PART = "start Python and import the command"
CHECK_PART = "check the places"
DEFINITION_PART = "compile or read the definition"
KEEP_PART = "keep contract and model"
EXECUTE_PART = "execute the steps"
PRINT_PART = "read and print the results"

STARTUP_PART = "start-up: Python and imports"
ENDING_PART = "end of the process"
BEFORE_PART = "before its processes"
AFTER_PART = "after its processes"
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class CommandTimes:
    """Where the command's own time went.

    Attributes:
        startup_seconds: From the start of the process to that of its stopwatch.
        stopwatch: Of the command, until now.
        processor_seconds: User and system time of this process alone.
        peak_memory_bytes: Its largest resident memory.
    """

    startup_seconds: float
    stopwatch: Stopwatch
    processor_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class ProcessProfile:
    """Where the time of one process went.

    Attributes:
        name: Of its host.
        seconds: From its start to its end.
        processor_seconds: User and system time.
        peak_memory_bytes: Largest resident memory.
        parts: Wall seconds by part, from start-up to end; with what has no name, they come to `seconds`.
        thread_seconds: Seconds by part, added up over threads side by side.
    """

    name: str
    seconds: float
    processor_seconds: float
    peak_memory_bytes: int
    parts: Mapping[str, float]
    thread_seconds: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class StepProfile:
    """Where the time of one step went.

    Attributes:
        name: Of the step.
        status: How it ended.
        began_seconds: From the start of the command to its own.
        seconds: Wall time.
        counted_seconds: Of these, when no step that began earlier was under way: they add up over steps.
        record_count: Records that its processes said were done.
        records_per_second: Over its whole wall time.
        processor_seconds: User and system time of its processes.
        peak_memory_bytes: Of the largest of its processes.
        before_seconds: From its start to that of its first process; 0 without processes.
        after_seconds: From the end of its last process to its own; 0 without processes.
        processes: In the order in which they began.
    """

    name: str
    status: str
    began_seconds: float
    seconds: float
    counted_seconds: float
    record_count: int
    records_per_second: float
    processor_seconds: float
    peak_memory_bytes: int
    before_seconds: float
    after_seconds: float
    processes: Sequence[ProcessProfile] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class RunProfile:
    """Where the wall time of one run went.

    Attributes:
        run_id: Of the run.
        status: How it ended.
        seconds: Wall time of the command, from the start of its process to the making of this profile.
        before: Seconds by part, before the first step.
        steps: In the order in which they began.
        between_seconds: While the run was executed, but no step was.
        after: Seconds by part, after the last step.
        other_seconds: What is left of `seconds`.
        processor_seconds: User and system time of the command's own process.
        peak_memory_bytes: Its largest resident memory.
    """

    run_id: str
    status: str
    seconds: float
    before: Mapping[str, float]
    steps: Sequence[StepProfile]
    between_seconds: float
    after: Mapping[str, float]
    other_seconds: float
    processor_seconds: float
    peak_memory_bytes: int

    def document(self) -> dict[str, Any]:
        """Return the form that `profile.json` has."""
        return asdict(self)


def run_profile(record: RunRecord, times: CommandTimes) -> RunProfile:
    """Return where the time of a run went that a command has executed just now."""
    stopwatch, parts = times.stopwatch, times.stopwatch.parts
    whole = times.startup_seconds + stopwatch.seconds
    execution = parts.pop(EXECUTE_PART, 0.0)
    began = stopwatch.begun(EXECUTE_PART)
    before = {name: seconds for name, seconds in parts.items() if stopwatch.begun(name) < began}
    after = {name: seconds for name, seconds in parts.items() if name not in before}
    before = {START_PART: times.startup_seconds, **before}
    steps = _step_profiles(record.steps, times.startup_seconds + began)
    counted = sum(step.counted_seconds for step in steps)
    between = max(0.0, execution - counted)
    named = sum(before.values()) + counted + between + sum(after.values())
    return RunProfile(
        run_id=record.run_id,
        status=record.status,
        seconds=whole,
        before=before,
        steps=steps,
        between_seconds=between,
        after=after,
        other_seconds=max(0.0, whole - named),
        processor_seconds=times.processor_seconds,
        peak_memory_bytes=times.peak_memory_bytes,
    )


def _step_profiles(steps: Mapping[str, StepRecord], execution_began: float) -> list[StepProfile]:
    profiles: list[StepProfile] = []
    counted_until = 0.0
    for name, step in sorted(steps.items(), key=lambda item: item[1].began_seconds):
        end = step.began_seconds + step.seconds
        counted = max(0.0, end - max(step.began_seconds, counted_until))
        counted_until = max(counted_until, end)
        profiles.append(_step_profile(name, step, execution_began, counted))
    return profiles


def _step_profile(name: str, step: StepRecord, execution_began: float, counted: float) -> StepProfile:
    processes = step.processes
    first = min((one.began_seconds for one in processes), default=0.0)
    last = max((one.began_seconds + one.seconds for one in processes), default=step.seconds)
    return StepProfile(
        name=name,
        status=step.status,
        began_seconds=execution_began + step.began_seconds,
        seconds=step.seconds,
        counted_seconds=counted,
        record_count=step.record_count,
        records_per_second=step.record_count / step.seconds if step.seconds else 0.0,
        processor_seconds=sum(one.processor_seconds for one in processes),
        peak_memory_bytes=max((one.peak_memory_bytes for one in processes), default=0),
        before_seconds=first,
        after_seconds=max(0.0, step.seconds - last),
        processes=[_process_profile(one) for one in processes],
    )


def _process_profile(process: ProcessRecord) -> ProcessProfile:
    named = {
        STARTUP_PART: process.startup_seconds,
        **process.parts,
        ENDING_PART: process.ending_seconds,
    }
    told = named if process.startup_seconds or process.parts else {}
    return ProcessProfile(
        name=process.name,
        seconds=process.seconds,
        processor_seconds=process.processor_seconds,
        peak_memory_bytes=process.peak_memory_bytes,
        parts={**told, OTHER: max(0.0, process.seconds - sum(told.values()))},
        thread_seconds=process.thread_seconds,
    )
