"""Run one transform request twice: in our emulator, and in the local mode of the SageMaker SDK.

Both start the same stand-in for a container: an HTTP server inside this process, which notes what arrives
and answers as the test says. The SDK is held at its own seam,
`sagemaker.core.local.entities._SageMakerContainer`, so that neither Docker, an account, a network nor
telemetry takes part; our emulator at its process pool.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from model_server import free_port
from quiet_handler import QuietHandler
from small_machine import contents, job_context, put, put_archive

from emulator.images import Launch
from emulator.job_context import JobFailedError
from emulator.process_record import ProcessRecord
from emulator.transform_job import run_transform_job

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the SDK's own modules warn of while being imported
    from sagemaker.core.local import data as sdk_data
    from sagemaker.core.local import entities as sdk_entities
    from sagemaker.core.local import local_session as sdk_session

HOST = "127.0.0.1"
JOB_NAME = "job-1"

Answer = Callable[[bytes], tuple[int, bytes]]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One request to `/invocations`, as it arrived."""

    body: bytes
    content_type: str | None
    accept: str | None


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What came of a request on one side.

    Attributes:
        heard: The requests, in their order.
        environment: What the container was started with.
        outputs: Content by path below the output.
        failure: Why the job failed, or empty.
        is_stopped: Whether the container was stopped at the end.
        uploads: Keys to which the SDK would have uploaded, where the output is in S3.
    """

    heard: list[Heard]
    environment: Mapping[str, str]
    outputs: Mapping[str, bytes]
    failure: str
    is_stopped: bool
    uploads: list[str] = field(default_factory=list)

    @property
    def bodies(self) -> list[bytes]:
        """The payloads, in their order."""
        return [request.body for request in self.heard]


def run_ours(
    request: Mapping[str, Any],
    objects: Mapping[str, bytes],
    folder: Path,
    answer: Answer,
    offered: Mapping[str, Any] | None = None,
) -> Opinion:
    """Run a request in the emulator, on objects below s3://b/in/.

    Args:
        request: A CreateTransformJob request without places and model name.
        objects: Content by key.
        folder: Empty, or not there.
        answer: Takes a payload, returns status and body.
        offered: Answer of `/execution-parameters`, if there is such a route.
    """
    container = _StandIn(answer, offered)
    context = replace(job_context(folder), processes=container)  # type: ignore[arg-type]  # as much as is used
    put_archive(context.store, "s3://b/model.tar.gz")
    primary = {"PrimaryContainer": {"Image": "any", "ModelDataUrl": "s3://b/model.tar.gz"}}
    context.registry.create_model("adder", primary, created_at="now")
    for key, content in objects.items():
        put(context.store, f"s3://b/in/{key}", content)
    failure = ""
    try:
        placed = _placed(request, "s3://b/in/", "s3://b/out/")
        run_transform_job({**placed, "ModelName": "adder"}, context)
    except JobFailedError as error:
        failure = str(error)
    outputs = contents(context.store, "s3://b/out/")
    return container.opinion(outputs, failure)


def run_theirs(
    request: Mapping[str, Any],
    objects: Mapping[str, bytes],
    folder: Path,
    answer: Answer,
    offered: Mapping[str, Any] | None = None,
    *,
    output: str | None = None,
) -> Opinion:
    """Run a request in the SDK's local mode, on files; arguments as for `run_ours`.

    `output` is the URI of the output, where that is not to be a folder.
    """
    for key, content in objects.items():
        path = folder / "in" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "work").mkdir()
    container = _StandIn(answer, offered)
    port = free_port()
    settings = {"local": {"serving_port": port, "container_root": str(folder / "work")}}
    model = {"PrimaryContainer": {"Image": "any", "ModelDataUrl": "file:///none", "Environment": {}}}
    uploads: list[str] = []
    session = SimpleNamespace(
        config=settings,
        sagemaker_client=SimpleNamespace(describe_model=lambda _name: model),
        sagemaker_runtime_client=sdk_session.LocalSagemakerRuntimeClient(settings),
        upload_data=lambda _source, _bucket, key: uploads.append(key),
    )
    placed = _placed(request, f"file://{folder}/in", output or f"file://{folder}/out")
    failure = ""
    with (
        mock.patch.object(sdk_entities, "_SageMakerContainer", return_value=container.on(port)),
        # These would ask the docker command where it runs.
        mock.patch.object(sdk_entities, "get_docker_host", return_value=HOST),
        mock.patch.object(sdk_session, "get_docker_host", return_value=HOST),
    ):
        try:
            job = sdk_entities._LocalTransformJob(JOB_NAME, "adder", session)
            job.start(
                placed.pop("TransformInput"),
                placed.pop("TransformOutput"),
                placed.pop("TransformResources"),
                **placed,
            )
        except (RuntimeError, ValueError, KeyError) as error:
            failure = f"{type(error).__name__}: {error}"
    outputs = {
        path.relative_to(folder / "out").as_posix(): path.read_bytes()
        for path in (folder / "out").rglob("*")
        if path.is_file()
    }
    return container.opinion(outputs, failure, uploads)


@contextmanager
def megabytes_of_one_byte() -> Iterator[None]:
    """Let both sides take MaxPayloadInMB for bytes while the block lasts.

    The SDK's own measure, which is not the length of the payload, is replaced: it is tested by itself.
    """

    def is_within(payload: str | bytes, size: int) -> bool:
        return len(payload.encode() if isinstance(payload, str) else payload) <= size

    with (
        mock.patch.object(sdk_data, "_payload_size_within_limit", is_within),
        mock.patch("emulator.transform_request.BYTES_PER_MB", 1),
    ):
        yield


def _placed(request: Mapping[str, Any], source: str, output: str) -> dict[str, Any]:
    place = {"S3DataType": "S3Prefix", **request["TransformInput"].get("DataSource", {}), "S3Uri": source}
    return {
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        **request,
        "TransformInput": {**request["TransformInput"], "DataSource": {"S3DataSource": place}},
        "TransformOutput": {**request.get("TransformOutput", {}), "S3OutputPath": output},
    }


class _StandIn:
    """Stands for the container on either side: for a pool that starts processes, and for Docker."""

    exit_code = None

    def __init__(self, answer: Answer, offered: Mapping[str, Any] | None) -> None:
        self._heard: list[Heard] = []
        self._environment: Mapping[str, str] = {}
        self._handler = _handler(self._heard, answer, offered)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def opinion(
        self, outputs: Mapping[str, bytes], failure: str, uploads: list[str] | None = None
    ) -> Opinion:
        """Return what came of it all, and stop what was not stopped."""
        is_stopped = self._server is None
        self.stop_serving()
        return Opinion(
            heard=self._heard,
            environment=self._environment,
            outputs=outputs,
            failure=failure,
            is_stopped=is_stopped,
            uploads=uploads or [],
        )

    def start(self, launch: Launch, **_: Any) -> _StandIn:
        """Start as the emulator's process pool would start a process."""
        self.on(int(launch.environment["SAGEMAKER_BIND_TO_PORT"])).serve("", launch.environment)
        return self

    def record(self, host: str, step_began: float) -> ProcessRecord:
        """Tell nothing of a process that is none."""
        return ProcessRecord(name=host, began_seconds=step_began, seconds=0.0)

    def end(self, _process: _StandIn) -> None:
        """End as the emulator's process pool would end a process."""
        self.stop_serving()

    def on(self, port: int) -> _StandIn:
        """Choose the port."""
        self._port = port
        return self

    def serve(self, _model_folder: str, environment: Mapping[str, str]) -> None:
        """Start as the SDK's container would."""
        self._environment = environment
        self._server = ThreadingHTTPServer((HOST, self._port), self._handler)
        threading.Thread(target=self._server.serve_forever, args=(0.002,), daemon=True).start()

    def stop_serving(self) -> None:
        """Stop as the SDK's container would."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


def _handler(
    heard: list[Heard], answer: Answer, offered: Mapping[str, Any] | None
) -> type[BaseHTTPRequestHandler]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            if self.path == "/ping":
                self.send(200, b"")
            elif offered is None:
                self.send(404, b"")
            else:
                self.send(200, json.dumps(offered).encode())

        def do_POST(self) -> None:
            body = self.read_body()
            content_type, accept = self.headers["Content-Type"], self.headers["Accept"]
            heard.append(Heard(body=body, content_type=content_type, accept=accept))
            self.send(*answer(body))

    return Handler
