"""What is known of a local run while it goes on and afterwards: `record.json` in the run's folder.

It is rewritten whole at every change, so that a crash at any moment leaves one that can be read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.errors import PlatformError
from emulator.process_record import ProcessRecord

RECORD_FILE = "record.json"


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One step of a run.

    Attributes:
        type: As in the definition.
        status: `Executing`, `Succeeded`, `Failed` or `Stopped`.
        started_at: UTC, ISO 8601.
        finished_at: UTC, ISO 8601; empty while it runs.
        seconds: Wall time once it has ended.
        outcome: The failure reason, or the branch that a condition took.
        made: ARN of the model package that it registered, or empty.
        is_by_rules: It failed by the run's own rules, and would fail again.
        began_seconds: From the start of the run, or of its attempt, to its own.
        record_count: Records that its processes said were done.
        processes: What is known of each process that stood for a container.
    """

    type: str
    status: str
    started_at: str
    finished_at: str = ""
    seconds: float = 0.0
    outcome: str = ""
    made: str = ""
    is_by_rules: bool = False
    began_seconds: float = 0.0
    record_count: int = 0
    processes: tuple[ProcessRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run.

    Attributes:
        run_id: Stands for the pipeline execution id.
        pipeline_name: Name of the pipeline.
        parameters: Value of every parameter.
        process_id: Of the process that executes the run.
        started_at: UTC, ISO 8601.
        finished_at: UTC, ISO 8601; empty while it runs.
        status: `Executing`, `Succeeded`, `Failed` or `Stopped`.
        failure_reason: Why it failed, or empty.
        steps: By name, in the order in which they began.
        choices: What the definition was built with, by name, such as `wire`.
        in_containers: Whether the steps run in containers of an engine instead of as processes.
        resumed_at: When the run was resumed, once for each time.
    """

    run_id: str
    pipeline_name: str
    parameters: Mapping[str, Any]
    process_id: int
    started_at: str
    finished_at: str = ""
    status: str = "Executing"
    failure_reason: str = ""
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    in_containers: bool = False
    resumed_at: tuple[str, ...] = ()

    @property
    def attempt(self) -> int:
        """From 1; each resumption is another attempt."""
        return len(self.resumed_at) + 1


def now_text() -> str:
    """Return this moment in UTC, ISO 8601 with milliseconds and `Z`."""
    moment = dt.datetime.now(dt.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def attempt_folder(run_folder: Path, attempt: int) -> Path:
    """Return where an attempt keeps its definition and logs: the run's folder, or one of its own."""
    return run_folder if attempt == 1 else run_folder / f"attempt-{attempt}"


def write_record(run_folder: Path, record: RunRecord) -> None:
    """Write the record, whole or not at all."""
    write_json(run_folder / RECORD_FILE, dataclasses.asdict(record), is_durable=True)


def read_record(run_folder: Path) -> RunRecord:
    """Read the record of a run.

    Raises:
        PlatformError: There is none, or it cannot be read.
    """
    path = run_folder / RECORD_FILE
    try:
        document = json.loads(path.read_bytes())
        steps = {name: _step_record(entry) for name, entry in document.pop("steps").items()}
        resumed_at = tuple(document.pop("resumed_at", ()))
        return RunRecord(steps=steps, resumed_at=resumed_at, **document)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PlatformError(f"{path}: cannot be read as the record of a run: {error!r}") from error


def _step_record(entry: dict[str, Any]) -> StepRecord:
    processes = tuple(ProcessRecord(**process) for process in entry.pop("processes", ()))
    return StepRecord(processes=processes, **entry)
