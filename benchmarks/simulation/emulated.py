"""Run a real transform job by the emulator, with servers of known speed, and say what each instance did."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.images import LocalImage
from emulator.job_context import JobContext
from emulator.object_store import ObjectStore
from emulator.processes import ProcessPool
from emulator.registry import ModelRegistry
from emulator.transform_job import run_transform_job

SERVER = str(Path(__file__).with_name("sleeping_server.py"))
MODEL, ARCHIVE_URI = "sleeper", "s3://b/model.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Served:
    """What one instance did.

    Attributes:
        names: Of the objects, as their requests came to an end.
        busy_seconds: Of its requests together.
        span_seconds: From its first request to its last answer.
    """

    names: tuple[str, ...]
    busy_seconds: float
    span_seconds: float


def run_emulated(
    folder: Path, objects: Mapping[str, bytes], instance_count: int, slot_count: int, **variables: str
) -> list[Served]:
    """Score objects, each of which begins with its name and is one payload; return what each instance did.

    Args:
        folder: An empty one.
        objects: Content by key.
        instance_count: Of the job.
        slot_count: MaxConcurrentTransforms.
        variables: Of the servers: SECONDS_PER_BYTE and SECONDS_PER_REQUEST.
    """
    context = _context(folder, variables)
    for key, content in objects.items():
        _put(context.store, f"s3://b/in/{key}", content)
    run_transform_job(_request(instance_count, slot_count), context)
    logs = (context.folder / f"algo-{number + 1}" / "requests.log" for number in range(instance_count))
    return [_served(log) for log in logs]


def _served(log: Path) -> Served:
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    requests = [json.loads(line) for line in lines]
    ends = [request["ended"] for request in requests]
    begins = [request["begun"] for request in requests]
    return Served(
        names=tuple(request["name"] for request in requests),
        busy_seconds=sum(ends) - sum(begins),
        span_seconds=max(ends) - min(begins) if requests else 0.0,
    )


def _context(folder: Path, variables: Mapping[str, str]) -> JobContext:
    image = LocalImage(
        python=sys.executable, serve_entrypoint=("python3", SERVER), environment=dict(variables)
    )
    context = JobContext(
        job_name="simulated",
        folder=folder / "job",
        store=ObjectStore(folder / "objects"),
        registry=ModelRegistry(folder / "registry.sqlite"),
        image=image,
        processes=ProcessPool(),
        first_port=None,
        report_progress=lambda _records, _fraction: None,
        began=time.monotonic(),
        keep_process=lambda _record: None,
    )
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("readme.txt"), io.BytesIO(b""))
    _put(context.store, ARCHIVE_URI, archive.getvalue())
    container = {"Image": "any", "ModelDataUrl": ARCHIVE_URI}
    context.registry.create_model(MODEL, {"PrimaryContainer": container}, created_at="now")
    return context


def _put(store: ObjectStore, uri: str, content: bytes) -> None:
    path = store.path_of(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _request(instance_count: int, slot_count: int) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}}
    return {
        "ModelName": MODEL,
        "TransformInput": {"ContentType": "text/csv", "SplitType": "None", "DataSource": source},
        "TransformOutput": {"S3OutputPath": "s3://b/out/", "Accept": "text/csv", "AssembleWith": "None"},
        "TransformResources": {"InstanceCount": instance_count, "InstanceType": "ml.m5.xlarge"},
        "MaxPayloadInMB": 6,
        "MaxConcurrentTransforms": slot_count,
    }
