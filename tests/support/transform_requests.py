"""Ask for transform jobs that the misbehaving server serves, and see what it was sent."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from small_machine import job_context, put, put_archive

from emulator.images import LocalImage
from emulator.job_context import JobContext

SERVER = str(Path(__file__).with_name("misbehaving_server.py"))


def csv_job(**changes: Any) -> dict[str, Any]:
    """Return a request for scoring s3://b/in/ as CSV lines with at most 1 MB a payload.

    Changes named `split`, `compression`, `assemble`, `instances` and `prefix` go where they belong, others to
    its top level; None takes a key away.
    """
    split = changes.pop("split", "Line")
    source = {"S3DataType": "S3Prefix", "S3Uri": changes.pop("prefix", "s3://b/in/")}
    request = {
        "ModelName": "adder",
        "TransformInput": {
            "ContentType": "text/csv",
            "SplitType": split,
            "CompressionType": changes.pop("compression", "None"),
            "DataSource": {"S3DataSource": source},
        },
        "TransformOutput": {
            "S3OutputPath": "s3://b/out/",
            "Accept": "text/csv",
            "AssembleWith": changes.pop("assemble", "Line"),
        },
        "TransformResources": {"InstanceCount": changes.pop("instances", 1), "InstanceType": "ml.m5.large"},
        "MaxPayloadInMB": 1,
        "MaxConcurrentTransforms": 2,
        "ModelClientConfig": {"InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 60},
        **changes,
    }
    return {key: value for key, value in request.items() if value is not None}


def served_objects(folder: Path, objects: dict[str, bytes], **environment: str) -> JobContext:
    """Return a context with the misbehaving server as the model `adder`, and objects below s3://b/in/."""
    context = job_context(folder)
    image = LocalImage(python=sys.executable, serve_entrypoint=("python3", SERVER), environment=environment)
    context = replace(context, image=image)
    put_archive(context.store, "s3://b/model.tar.gz")
    container = {"Image": "any", "ModelDataUrl": "s3://b/model.tar.gz", "Environment": {"OF_MODEL": "1"}}
    context.registry.create_model("adder", {"PrimaryContainer": container}, created_at="now")
    for key, content in objects.items():
        put(context.store, f"s3://b/in/{key}", content)
    return context


def requests_to(context: JobContext, instance: int = 1) -> list[dict[str, Any]]:
    """Return every request to an instance's server, in the order in which they came."""
    log = context.folder / f"algo-{instance}" / "requests.log"
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def payloads_to(context: JobContext, instance: int = 1) -> list[str]:
    """Return the bodies of all invocations of an instance's server."""
    return [entry["body"] for entry in requests_to(context, instance) if entry["path"] == "/invocations"]
