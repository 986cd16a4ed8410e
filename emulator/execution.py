"""Run a definition: steps side by side as soon as what they wait for has succeeded.

After a failure nothing new starts, what runs goes on to its end, and the run ends `Failed`
[doc: "Pipeline executions"]. Steps that the record has already stay in it unless the definition has them too;
names of jobs and models, and the folder of the logs, tell the attempts of a run apart. Step caching and retry
policies have no meaning here: no step is cached, and there is no service whose faults could be retried.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts.errors import BatchScoreError, PlatformError, RunFailedError
from emulator.conditions import holds
from emulator.definition import Definition, Step
from emulator.events import OnEvent, StepEnded, StepProgressed, StepStarted
from emulator.forked_processes import ForkServer
from emulator.images import Image
from emulator.job_context import JobContext
from emulator.object_store import ObjectStore
from emulator.process_record import ProcessRecord
from emulator.processes import ProcessPool
from emulator.processing_job import run_processing_job
from emulator.references import Facts, as_text, resolve
from emulator.registry import ModelRegistry
from emulator.run_record import RunRecord, StepRecord, attempt_folder, now_text, write_record
from emulator.transform_job import run_transform_job

_JOBS = {"Processing": run_processing_job, "Transform": run_transform_job}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a run has on this machine.

    Attributes:
        store: Stands for S3.
        registry: Stands for the model registry.
        image: Stands for every container image.
        run_folder: Of this run: its record, its jobs' logs and trees.
        first_port: Port of the first model server; None takes any free ones.
        forks: What starts the image's processes sooner, if it is on its way already.
    """

    store: ObjectStore
    registry: ModelRegistry
    image: Image
    run_folder: Path
    first_port: int | None = None
    forks: ForkServer | None = None


class Execution:
    """One run of one definition."""

    def __init__(
        self,
        definition: Definition,
        parameters: Mapping[str, Any],
        record: RunRecord,
        machine: Machine,
        on_event: OnEvent,
    ) -> None:
        self._definition = definition
        self._machine = machine
        self._on_event = on_event
        self._record = record
        self._processes = ProcessPool(machine.image, machine.forks)
        self._properties: dict[str, Mapping[str, Any]] = {}
        self._branches: dict[str, bool] = {}
        self._started: set[str] = set()
        self._errors: list[BatchScoreError] = []
        self._began = time.monotonic()
        self._ended_processes: dict[str, list[ProcessRecord]] = {}
        self._record_counts: dict[str, int] = {}
        self._facts = Facts(
            parameters=parameters,
            execution={
                "PipelineExecutionId": record.run_id,
                "PipelineName": record.pipeline_name,
                "StartDateTime": record.started_at,
                "CurrentDateTime": record.started_at,
            },
            properties=self._properties,
            property_file=self._property_file,
        )

    def run(self) -> RunRecord:
        """Execute to the end and return the final record.

        Raises:
            BatchScoreError: The error of the first step that failed; the record is written before.
            KeyboardInterrupt: The run was interrupted; all its processes are stopped, the record says so.
        """
        self._began = time.monotonic()
        self._update(status="Executing")
        try:
            with (
                self._processes,
                ThreadPoolExecutor(max_workers=max(len(self._definition.steps), 1)) as workers,
            ):
                try:
                    self._schedule(workers)
                except BaseException:
                    self._processes.stop_all()
                    raise
        except BaseException as error:
            self._give_up(error)
            raise
        if self._errors:
            self._update(status="Failed", finished_at=now_text(), failure_reason=str(self._errors[0]))
            raise self._errors[0]
        self._update(status="Succeeded", finished_at=now_text())
        return self._record

    def _give_up(self, error: BaseException) -> None:
        """Record that the run ended before its end, and every step that was under way with it."""
        is_interrupt = isinstance(error, KeyboardInterrupt)
        status, reason = ("Stopped", "interrupted") if is_interrupt else ("Failed", str(error))
        steps = {
            name: self._ended(
                name, status="Stopped", seconds=time.monotonic() - self._began - step.began_seconds
            )
            if step.status == "Executing"
            else step
            for name, step in self._record.steps.items()
        }
        self._update(status=status, finished_at=now_text(), failure_reason=reason, steps=steps)

    def _schedule(self, workers: ThreadPoolExecutor) -> None:
        running: dict[Future[Mapping[str, Any]], tuple[Step, float]] = {}
        while True:
            for step in self._ready_steps():
                self._started.add(step.name)
                began = time.monotonic()
                self._keep_step(_begun(step, began - self._began), step.name)
                self._on_event(StepStarted(step_name=step.name))
                running[workers.submit(self._run_step, step, began)] = (step, began)
            if not running:
                return
            for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                step, started = running.pop(future)
                self._finish_step(step, future, time.monotonic() - started)

    def _ready_steps(self) -> list[Step]:
        if self._errors:
            return []
        return [
            step
            for step in self._definition.steps.values()
            if step.name not in self._started
            and step.waits_for <= set(self._properties)
            and (step.gate is None or self._branches.get(step.gate[0]) == step.gate[1])
        ]

    def _finish_step(self, step: Step, future: Future[Mapping[str, Any]], seconds: float) -> None:
        status, outcome, is_by_rules = "Succeeded", "", False
        try:
            self._properties[step.name] = future.result()
            if step.type == "Condition":
                outcome = "yes" if self._branches[step.name] else "no"
        except BatchScoreError as error:
            status, outcome = "Failed", str(error)
            self._errors.append(error)
            is_by_rules = isinstance(error, RunFailedError) or getattr(error, "is_by_rules", False)
        made = self._properties.get(step.name, {}).get("ModelPackageArn", "")
        ended = self._ended(step.name, status=status, seconds=seconds)
        self._keep_step(replace(ended, outcome=outcome, made=made, is_by_rules=is_by_rules), step.name)
        self._on_event(StepEnded(step_name=step.name, status=status, seconds=seconds, outcome=outcome))

    def _ended(self, name: str, *, status: str, seconds: float) -> StepRecord:
        """Return the record of a step that has come to its end."""
        return replace(
            self._record.steps[name],
            status=status,
            finished_at=now_text(),
            seconds=round(seconds, 3),
            record_count=self._record_counts.get(name, 0),
            processes=tuple(sorted(self._ended_processes.get(name, ()), key=lambda one: one.began_seconds)),
        )

    def _run_step(self, step: Step, began: float) -> Mapping[str, Any]:
        try:
            arguments = resolve(step.arguments, self._facts)
            return self._dispatch(step, arguments, began)
        except BatchScoreError:
            raise
        except (InterruptedError, sqlite3.Error) as error:
            raise PlatformError(f"step {step.name}: {error}") from error
        except OSError as error:
            raise PlatformError(
                f"step {step.name}: {error.strerror or error} ({error.filename or 'no file named'}); "
                "check the free disk space and the permissions, then run again"
            ) from error

    def _dispatch(self, step: Step, arguments: Mapping[str, Any], began: float) -> Mapping[str, Any]:
        if step.type in _JOBS:
            return _JOBS[step.type](arguments, self._job_context(step, began))
        if step.type == "Condition":
            self._branches[step.name] = all(holds(condition) for condition in arguments["Conditions"])
            return {"Outcome": as_text(self._branches[step.name])}
        if step.type == "Fail":
            raise RunFailedError(f"{step.name}: {arguments['ErrorMessage']}")
        if step.type == "RegisterModel":
            package = self._machine.registry.register(arguments, created_at=now_text())
            return {**arguments, "ModelPackageArn": package.arn, "ModelPackageVersion": package.version}
        name = self._name_for(step)
        self._machine.registry.create_model(name, arguments, created_at=now_text())
        return {**arguments, "ModelName": name}

    def _name_for(self, step: Step) -> str:
        """Return the name of what a step makes or starts; no two attempts of a run share one."""
        run_id, attempt = self._record.run_id, self._record.attempt
        prefix = run_id if attempt == 1 else f"{run_id}-{attempt}"
        return f"{prefix}-{step.name}".lower()[:63]

    def _job_context(self, step: Step, began: float) -> JobContext:
        def report(records: int, fraction: float | None) -> None:
            self._record_counts[step.name] = records
            self._on_event(StepProgressed(step_name=step.name, records=records, fraction=fraction))

        folder = attempt_folder(self._machine.run_folder, self._record.attempt) / "steps" / step.name
        folder.mkdir(parents=True)
        return JobContext(
            job_name=self._name_for(step),
            folder=folder,
            store=self._machine.store,
            registry=self._machine.registry,
            image=self._machine.image,
            processes=self._processes,
            first_port=self._machine.first_port,
            report_progress=report,
            began=began,
            keep_process=self._ended_processes.setdefault(step.name, []).append,
        )

    def _property_file(self, step_name: str, file_name: str) -> Any:
        output_name, path = self._definition.steps[step_name].property_files[file_name]
        outputs = self._properties[step_name]["ProcessingOutputConfig"]["Outputs"]
        folder = next(entry["S3Output"]["S3Uri"] for entry in outputs if entry["OutputName"] == output_name)
        file = self._machine.store.path_of(f"{folder.rstrip('/')}/{path}")
        return json.loads(file.read_bytes())

    def _keep_step(self, step_record: StepRecord, name: str) -> None:
        self._update(steps={**self._record.steps, name: step_record})

    def _update(self, **changes: Any) -> None:
        self._record = replace(self._record, **changes)
        write_record(self._machine.run_folder, self._record)


def _begun(step: Step, began_seconds: float) -> StepRecord:
    return StepRecord(
        type=step.type, status="Executing", started_at=now_text(), began_seconds=round(began_seconds, 6)
    )
