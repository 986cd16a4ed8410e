"""A batch transform job: one model server an instance, objects dealt out by key, outputs put together.

An object that fails gets no output; the others complete and are uploaded; then the job ends `Failed`. An
output is `<object>.out` below `S3OutputPath`, where the object lay below the prefix of the input or of the
S3 manifest file. Nothing partial is uploaded [doc: "Use Batch Transform"].
"""

from __future__ import annotations

import functools
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.container_paths import MODEL, inside
from contracts.errors import BatchScoreError, CallerError
from contracts.model_artifact import unpack_artifact
from contracts.transform_schedule import deal
from contracts.wire import CSV_CONTENT_TYPE
from emulator.answers import InvocationError, excerpt, lines_in
from emulator.job_context import JobContext, JobFailedError, ProgressSum
from emulator.object_store import StoredObject
from emulator.ports import choose_port
from emulator.splitting import Blocks, blocks, payloads
from emulator.transform_objects import transform_objects
from emulator.transform_request import Batching, TransformRequest, batching, read_request, request_environment

if TYPE_CHECKING:
    from emulator.model_server import ModelServer

_FAULTS_NAMED = 5


def run_transform_job(request: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Score every object below the input prefix, or every one that the S3 manifest file names.

    Args:
        request: A CreateTransformJob request, references resolved.
        context: The job's surroundings.

    Returns:
        What DescribeTransformJob would tell of the finished job.

    Raises:
        JobFailedError: An object failed, or a server did not come up.
        CallerError: The request asks for what is not emulated, or an object to score is not there.
    """
    facts = read_request(request)
    objects, prefix_uri = transform_objects(context.store, facts)
    facts = replace(facts, input_uri=prefix_uri)  # from here on both kinds of input are the same
    shares = deal(objects, facts.instance_count)
    counter = _ObjectCounter(context, sum(entry.byte_count for entry in objects))
    failures: list[str] = []
    with ThreadPoolExecutor(max_workers=facts.instance_count) as instances:
        running = [
            instances.submit(_run_instance, number, share, facts, counter)
            for number, share in enumerate(shares)
            if share
        ]
        for instance in running:
            failures += instance.result()
    if failures:
        more = f" (and {len(failures) - _FAULTS_NAMED} more)" if len(failures) > _FAULTS_NAMED else ""
        raise JobFailedError(
            f"{len(failures)} of {len(objects)} objects failed: " + "; ".join(failures[:_FAULTS_NAMED]) + more
        )
    return {**request, "TransformJobName": context.job_name, "TransformJobStatus": "Completed"}


class _ObjectCounter:
    """Knows how far the whole job is: bytes by finished objects, records by what the servers report."""

    def __init__(self, context: JobContext, total_bytes: int) -> None:
        self.context = context
        self._lock = threading.Lock()
        self._total_bytes = max(total_bytes, 1)
        self._done_bytes = 0
        self.progress = ProgressSum(lambda _records, _fraction: self._report())

    def finish(self, stored: StoredObject) -> None:
        """Count an object as done, with or without success."""
        with self._lock:
            self._done_bytes += stored.byte_count
        self._report()

    def _report(self) -> None:
        self.context.report_progress(self.progress.records, self._done_bytes / self._total_bytes)


def _run_instance(
    number: int, share: Sequence[StoredObject], facts: TransformRequest, counter: _ObjectCounter
) -> list[str]:
    """Serve one instance's objects; return a failure message for each that failed."""
    with _server(number, facts, counter) as server:
        is_settled = facts.max_concurrent and facts.max_payload_mb is not None and facts.strategy
        offered = {} if is_settled else server.execution_parameters()
        try:
            cutting = batching(facts, offered)
        except (TypeError, ValueError) as error:
            raise JobFailedError(f"/execution-parameters offered {offered!r}: {error}") from error
        with ExitStack() as stack:
            senders = stack.enter_context(ThreadPoolExecutor(max_workers=cutting.max_concurrent))
            keepers = stack.enter_context(ThreadPoolExecutor(max_workers=cutting.max_concurrent))
            transform = _ObjectTransform(server, facts, cutting, senders, counter)
            return [message for message in keepers.map(transform.run, share) if message]


@contextmanager
def _server(number: int, facts: TransformRequest, counter: _ObjectCounter) -> Iterator[ModelServer]:
    context = counter.context
    container = context.registry.model_container(facts.model_name)
    folder = context.folder / f"algo-{number + 1}"
    root = folder / "ml"
    model_folder = inside(root, MODEL)
    model_folder.mkdir(parents=True)
    unpack_artifact(context.store.path_of(container["ModelDataUrl"]), model_folder)
    port = choose_port(context.first_port, number)
    given = {**container.get("Environment", {}), **request_environment(facts)}
    process = context.processes.start(
        context.image.server(root, given, port),
        folder=folder,
        log_path=context.folder / f"algo-{number + 1}.log",
        on_progress=counter.progress.listener(number),
    )
    try:
        from emulator.model_server import ModelServer  # noqa: PLC0415 - while the container starts

        server = ModelServer(process, port, connections=max(facts.max_concurrent or 1, 8))
        server.wait_until_ready()
        yield server
    finally:
        context.end(process, folder.name)
        shutil.rmtree(root, ignore_errors=True)


def _processing(facts: TransformRequest) -> Callable[..., bytes]:
    """Return what filters and joins; it needs pyarrow, which is slow to load, and many jobs need neither."""
    if facts.content_type == CSV_CONTENT_TYPE:
        from emulator.data_processing import process_csv  # noqa: PLC0415 - see above

        return process_csv
    from emulator.json_processing import process_json  # noqa: PLC0415 - see above

    return process_json


class _ObjectTransform:
    """Turns one object into its output, payload by payload, in order."""

    def __init__(
        self,
        server: ModelServer,
        facts: TransformRequest,
        cutting: Batching,
        senders: ThreadPoolExecutor,
        counter: _ObjectCounter,
    ) -> None:
        self._server = server
        self._facts = facts
        self._cutting = cutting
        self._senders = senders
        self._counter = counter

    def run(self, stored: StoredObject) -> str:
        """Transform one object and upload its output; return why it failed, or an empty text."""
        context = self._counter.context
        key = stored.uri[self._facts.input_uri.rindex("/") + 1 :]
        partial = context.folder / "outputs" / f"{key}.out"
        partial.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._write_output(stored, key, partial)
            context.store.move_in(partial, self._facts.output_uri.rstrip("/") + f"/{key}.out")
        except BatchScoreError as error:
            return f"{key}: {error}"
        finally:
            partial.unlink(missing_ok=True)
            self._counter.finish(stored)
        return ""

    def _write_output(self, stored: StoredObject, key: str, output: Path) -> None:
        pending: deque[Future[bytes]] = deque()
        with output.open("wb") as stream:
            for number, payload in enumerate(self._payloads(stored), 1):
                pending.append(self._senders.submit(self._transform, payload, f"payload {number} of {key}"))
                if len(pending) > self._cutting.max_concurrent:
                    stream.write(pending.popleft().result())
            while pending:
                stream.write(pending.popleft().result())

    def _payloads(self, stored: StoredObject) -> Iterator[bytes | Blocks]:
        compression = self._facts.compression
        if self._cutting.max_payload_bytes == 0:
            yield functools.partial(blocks, stored.path, compression=compression)
        else:
            yield from payloads(stored.path, self._facts.split_type, self._cutting, compression=compression)

    def _transform(self, payload: bytes | Blocks, name: str) -> bytes:
        facts = self._facts
        if callable(payload) or not facts.uses_data_processing:
            answer = self._ask(payload, name)
            needs_newline = facts.assemble_with == "Line" and answer and not answer.endswith(b"\n")
            return answer + b"\n" if needs_newline else answer
        answers: list[bytes] = []

        def infer(body: bytes) -> bytes:
            answers.append(self._ask(body, name))
            return answers[-1]

        try:
            return _processing(facts)(payload, facts, infer, name=name)
        except CallerError as error:
            if not answers:
                raise
            raise InvocationError(
                f"{name}: status 200: {error}; the answer begins: {excerpt(answers[-1])}"
            ) from error

    def _ask(self, payload: bytes | Blocks, name: str) -> bytes:
        record_count = None
        if self._facts.split_type == "Line" and not callable(payload):
            record_count = lines_in(payload)
        return self._server.invoke(payload, self._facts, name=name, record_count=record_count)
