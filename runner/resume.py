"""Resume a local run: execute what is left of it under its own id, beside what it has already.

The run's record keeps the steps that had succeeded. Definition and logs of the new attempt go to a folder of
their own, the S3 manifest file of the missing shards to `runs/<run id>/resume/<attempt>/` in the output, so
that nothing of an earlier attempt is overwritten. An attempt that is lost itself can be resumed again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from contracts.atomic_files import write_bytes, write_json
from emulator.definition import Definition, parameter_values, read_definition
from emulator.events import OnEvent
from emulator.execution import Execution, Machine
from emulator.run_record import RunRecord, attempt_folder, now_text, read_record
from pipelines.parameter_specs import check_values
from runner.container_code import run_image
from runner.definition_cache import compiled_definition
from runner.local_run import RESUME_PIPELINE, check_ports
from runner.local_state import DEFINITION_FILE, LocalState, lost
from runner.lost_run import Resumption, instance_count, resumed_parameters
from runner.missing_shards import s3_manifest
from runner.packaged_model import model_of_run
from runner.resumption import check_content, find_resumption
from runner.run_lock import held


@contextmanager
def claimed(run_id: str, state: LocalState) -> Iterator[Resumption]:
    """Find out what is left of a run, and keep others from executing it for as long as the block lasts.

    Raises:
        CallerError: There is no such run, it cannot be resumed, or another process executes it.
    """
    find_resumption(state.run(run_id), state)
    folder = state.run_folder(run_id)
    with held(folder):
        record = read_record(folder)  # anew: until now another process may have executed it
        resumption = find_resumption(lost(record) if record.status == "Executing" else record, state)
        check_content(resumption, state)
        yield resumption


def resume_locally(
    resumption: Resumption, state: LocalState, first_port: int | None, on_event: OnEvent
) -> RunRecord:
    """Execute what is left of a run that was claimed.

    Args:
        resumption: What is left.
        state: Where local runs live.
        first_port: Port of the first model server, or None for free ones.
        on_event: Takes progress.

    Returns:
        The record of the run, which succeeded.

    Raises:
        CallerError: Something is wrong with the machine as it is now; nothing was started.
        BatchScoreError: The run failed again; what was scored meanwhile is kept.
    """
    check_ports(first_port, instance_count(resumption))
    record = resumption.record
    image = run_image(in_containers=record.in_containers, stands_in=bool(model_of_run(record, state).image))
    choices = {
        **record.choices,
        **({"resumed": "production"} if record.pipeline_name == "production" else {}),
        "resume_at": resumption.resume_at,
        "pointer": "keep" if _is_overtaken(record, state) else "move",
    }
    text = compiled_definition(state.root / "definitions", RESUME_PIPELINE, **choices)
    definition = read_definition(text)
    parameters = parameter_values(definition, resumed_parameters(resumption, definition.parameters))
    check_values(parameters)
    _write_manifest(resumption, parameters.get("ShardManifestUri"), state)
    folder = state.run_folder(record.run_id)
    write_bytes(attempt_folder(folder, resumption.attempt) / DEFINITION_FILE, text.encode())
    machine = Machine(
        store=state.store,
        registry=state.registry,
        image=image,
        run_folder=folder,
        first_port=first_port,
    )
    begun = _begun_again(record, definition)
    return Execution(definition, parameters, begun, machine, on_event).run()


def _is_overtaken(record: RunRecord, state: LocalState) -> bool:
    """Whether a run into the same output that began later has succeeded: the pointer names that one."""
    output_uri = record.parameters["OutputUri"]
    return any(
        other.started_at > record.started_at
        and other.status == "Succeeded"
        and other.parameters.get("OutputUri") == output_uri
        for other in state.runs()
    )


def _write_manifest(resumption: Resumption, uri: str | None, state: LocalState) -> None:
    if uri is not None:
        names = [shard.name for shard in resumption.missing]
        write_json(state.store.path_of(uri), s3_manifest(resumption.shards_uri, names))


def _begun_again(record: RunRecord, definition: Definition) -> RunRecord:
    """Return the record with the steps that had succeeded, but for those that are executed again."""
    return replace(
        record,
        process_id=os.getpid(),
        finished_at="",
        failure_reason="",
        resumed_at=(*record.resumed_at, now_text()),
        steps={
            name: step
            for name, step in record.steps.items()
            if step.status == "Succeeded" and name not in definition.steps
        },
    )
