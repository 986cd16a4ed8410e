"""The HTTP side of the model server: an ASGI callable that knows paths, methods, headers and statuses.

    GET  /ping                  200, empty, as long as the process can answer at all
    GET  /execution-parameters  200, what Batch Transform should send
    POST /invocations           200 scores | 204 empty payload | 4xx the payload or the request is wrong
                                500 a bug | 503 not now: `Retry-After` says when

An error is answered with `{"error": "…"}`, one bounded message and never a stack trace; that goes to the log,
without the message of the exception, which may quote a record. Whatever can be refused without reading the
payload is refused before any of it is read, and is answered before the rest is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import BatchScoreError, InternalError, near_matches
from contracts.payload_limits import BYTES_PER_MB
from contracts.stopwatch import Stopwatch, started_stopwatch
from serving.admission import Admission
from serving.codecs import Codec
from serving.exchange import (
    STALL_SECONDS,
    Message,
    Payload,
    Receive,
    RequestRefusedError,
    Response,
    Send,
    ServerBusyError,
    declared_length,
    error_response,
    is_accepted,
    json_response,
    media_type,
    request_headers,
)
from serving.invocation import Answer, answer_payload
from serving.request_log import RequestFacts, RequestLog
from serving.scorer import Scorer

METHODS = {"/ping": "GET", "/execution-parameters": "GET", "/invocations": "POST"}

ANSWER_PART = "answer payloads"
"""What the time during which any payload is being answered counts as."""

IDENTITY = "identity"
"""The name that HTTP has for content that is not compressed."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Service:
    """What the application serves with.

    Attributes:
        scorer: The model.
        codecs: By content type.
        max_payload_mb: Largest payload.
        concurrent_transforms: Requests worked on at once, as `/execution-parameters` tells; more wait.
        transform_memory_bytes: What the work on one payload may take.
        executor: Runs the work on payloads, outside the event loop.
        log: Gets a line for each payload.
        stall_seconds: A client that sends nothing for so long is given up.
        stopwatch: Is told what is being done; its leading thread is the event loop's.
    """

    scorer: Scorer
    codecs: dict[str, Codec]
    max_payload_mb: int
    concurrent_transforms: int
    transform_memory_bytes: int
    executor: Executor
    log: RequestLog
    stall_seconds: float = STALL_SECONDS
    stopwatch: Stopwatch = field(default_factory=started_stopwatch)


class ScoringApp:
    """The ASGI application for one model."""

    def __init__(self, service: Service) -> None:
        """Take what to serve with."""
        self._service = service
        self._admission = Admission(service.concurrent_transforms)
        self._payload_count = 0

    def stop(self) -> None:
        """Take no more payloads; those that are being worked on are answered. For the event loop's thread."""
        self._admission.stop()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = request_headers(scope)
        payload = Payload(
            receive, declared_bytes=declared_length(headers), stall_seconds=self._service.stall_seconds
        )
        await _send_response(send, await self._respond(scope, headers, payload))
        with contextlib.suppress(RequestRefusedError):  # it was answered already
            await payload.discard()

    async def _respond(self, scope: Message, headers: dict[str, str], payload: Payload) -> Response:
        try:
            path = _known_path(scope)
        except RequestRefusedError as error:
            return error_response(error)
        if path == "/ping":
            return Response(status=200)
        if path == "/execution-parameters":
            return json_response(200, self._execution_parameters())
        with self._answering():
            return await self._invocation(headers, payload)

    def _execution_parameters(self) -> dict[str, Any]:
        return {
            "MaxConcurrentTransforms": self._service.concurrent_transforms,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": self._service.max_payload_mb,
        }

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Let the time during which any payload is being answered count as that, however many there are."""
        self._payload_count += 1
        if self._payload_count == 1:
            self._service.stopwatch.begin(ANSWER_PART)
        try:
            yield
        finally:
            self._payload_count -= 1
            if not self._payload_count:
                self._service.stopwatch.end(ANSWER_PART)

    async def _invocation(self, headers: dict[str, str], payload: Payload) -> Response:
        """Answer one payload, and tell the log what became of it."""
        started = time.perf_counter()
        answer: Answer | None = None
        response: Response | None = None
        try:
            codec = self._codec(headers)
            async with self._admission.entry():
                answer = await self._answer(payload, codec)
            if answer:
                response = Response(status=200, body=answer.body, content_type=codec.answer_type)
            else:
                response = Response(status=204)
        except Exception as error:  # noqa: BLE001 - whatever is left is a bug, told as one
            response = _failure(error, payload)
        finally:
            self._service.log.add(_facts(response, payload, answer, started))
        return response

    def _codec(self, headers: dict[str, str]) -> Codec:
        """Return the codec for the payload, if the client will also take the answer in that form."""
        codecs = self._service.codecs
        content_type = media_type(headers.get("content-type", ""))
        if content_type not in codecs:
            raise RequestRefusedError(
                415, f"the content type is {content_type!r}; {near_matches(content_type, codecs)}"
            )
        encoding = headers.get("content-encoding", IDENTITY)
        if encoding.strip().lower() != IDENTITY:
            raise RequestRefusedError(
                415,
                f"the payload is compressed, as `Content-Encoding` says ({encoding!r}); send it as it is",
                headers=(("accept-encoding", IDENTITY),),
            )
        answer_type = codecs[content_type].answer_type
        accept = headers.get("accept", "*/*")
        if not is_accepted(answer_type, accept):
            raise RequestRefusedError(
                406, f"a payload of {content_type} is answered with {answer_type}; `Accept` is {accept!r}"
            )
        return codecs[content_type]

    async def _answer(self, payload: Payload, codec: Codec) -> Answer | None:
        """Read and score the payload, or return None if it is empty."""
        with self._service.stopwatch.beside("receive payloads"):
            body = await payload.read(self._service.max_payload_mb * BYTES_PER_MB)
        if not body:
            return None
        work = functools.partial(
            answer_payload,
            body,
            codec,
            self._service.scorer,
            memory_bytes=self._service.transform_memory_bytes,
            stopwatch=self._service.stopwatch,
        )
        return await asyncio.get_running_loop().run_in_executor(self._service.executor, work)


async def _send_response(send: Send, response: Response) -> None:
    headers = list(response.headers)
    if response.status != 204:  # which says by itself that nothing follows
        headers.append(("content-length", str(len(response.body))))
    if response.content_type:
        headers.append(("content-type", response.content_type))
    raw_headers = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": raw_headers})
    await send({"type": "http.response.body", "body": response.body})


def _known_path(scope: Message) -> str:
    path: str = scope["path"]
    if path not in METHODS:
        raise RequestRefusedError(404, f"there is no path {path!r}; {near_matches(path, METHODS)}")
    if scope["method"] != METHODS[path]:
        allowed = METHODS[path]
        raise RequestRefusedError(
            405, f"{path} takes {allowed}, the request is {scope['method']}", headers=(("allow", allowed),)
        )
    return path


def _failure(error: Exception, payload: Payload) -> Response:
    """Return the answer that says what went wrong, and tell the log where if it is not the client's fault."""
    if isinstance(error, BatchScoreError):
        return error_response(error)
    kind = type(error).__name__
    # The frames without the error's own message: that may quote what stands in a record.
    frames = "".join(traceback.format_tb(error.__traceback__))
    _logger.error("a payload of %d bytes could not be scored: %s at\n%s", payload.byte_count, kind, frames)
    if isinstance(error, MemoryError):
        return error_response(
            ServerBusyError(
                f"the memory ran out on a payload of {payload.byte_count} bytes; lower MaxPayloadInMB or "
                "MaxConcurrentTransforms, or take a larger instance"
            )
        )
    return error_response(
        InternalError(f"the server failed on this payload ({kind}); see the log of the container")
    )


def _facts(
    response: Response | None, payload: Payload, answer: Answer | None, started: float
) -> RequestFacts:
    return RequestFacts(
        status=response.status if response else None,
        bytes=payload.byte_count,
        records=answer.record_count if answer else 0,
        faults=answer.fault_count if answer else 0,
        seconds=round(time.perf_counter() - started, 6),
    )
