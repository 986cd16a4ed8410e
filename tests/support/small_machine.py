"""A machine for the emulator in a temporary folder, with small stand-ins for the containers."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.definition import Definition, parameter_values, read_definition
from emulator.events import Event
from emulator.execution import Execution, Machine
from emulator.images import LocalImage
from emulator.job_context import JobContext
from emulator.object_store import ObjectStore
from emulator.processes import ProcessPool
from emulator.registry import ModelRegistry
from emulator.run_record import RunRecord

ADDING_SERVER = str(Path(__file__).with_name("adding_server.py"))
RUN_ID = "20261123t040000-abcd"


def local_image(**environment: str) -> LocalImage:
    """Return an image whose model container is the adding server."""
    return LocalImage(
        python=sys.executable, serve_entrypoint=("python3", ADDING_SERVER), environment=environment
    )


def job_context(folder: Path, **environment: str) -> JobContext:
    """Return the surroundings of one job below `folder`; the variables go to its containers."""
    return JobContext(
        job_name="job-1",
        folder=folder / "job",
        store=ObjectStore(folder / "objects"),
        registry=ModelRegistry(folder / "registry.sqlite"),
        image=local_image(**environment),
        processes=ProcessPool(),
        first_port=None,
        report_progress=lambda _records, _fraction: None,
        began=0.0,
        keep_process=lambda _record: None,
    )


def put(store: ObjectStore, uri: str, content: bytes) -> None:
    """Write an object."""
    path = store.path_of(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def contents(store: ObjectStore, prefix: str) -> dict[str, bytes]:
    """Return what is below a prefix, by the rest of the URI."""
    return {entry.uri[len(prefix) :]: entry.path.read_bytes() for entry in store.list(prefix)}


def put_archive(store: ObjectStore, uri: str) -> None:
    """Write a gzip-compressed tar with one harmless member."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("readme.txt")
        archive.addfile(member, io.BytesIO(b""))
    put(store, uri, buffer.getvalue())


def execute(
    document: dict[str, Any], folder: Path, events: list[Event] | None = None, **given: str
) -> tuple[RunRecord, Machine]:
    """Execute a definition below `folder`; return the final record and the machine."""
    definition: Definition = read_definition(json.dumps(document))
    machine, record = machine_below(folder), new_record(parameters=given)
    taken = events if events is not None else []
    execution = Execution(definition, parameter_values(definition, given), record, machine, taken.append)
    return execution.run(), machine


def machine_below(folder: Path) -> Machine:
    """Return a machine below `folder`, with the folder of its run."""
    machine = Machine(
        store=ObjectStore(folder / "objects"),
        registry=ModelRegistry(folder / "registry.sqlite"),
        image=local_image(),
        run_folder=folder / "run",
    )
    machine.run_folder.mkdir()
    return machine


def new_record(**facts: Any) -> RunRecord:
    """Return the record of a run that begins, with some facts of its own."""
    begun = RunRecord(
        run_id=RUN_ID,
        pipeline_name="tiny",
        parameters={},
        process_id=1,
        started_at="2026-11-23T04:00:00.000Z",
    )
    return replace(begun, **facts)


def containers_below(folder: Path) -> list[int]:
    """Return the ids of living processes that stand for containers whose tree is below `folder`.

    They and what they start work beside their tree; a forked one shows the variables of its fork server.
    """
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue  # it ended while we looked, or belongs to somebody else
    return found
