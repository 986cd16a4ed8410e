"""The HTTP side of the model server: an ASGI callable that knows paths, methods, headers and statuses.

    GET  /ping                  200, empty, as long as the process can answer at all
    GET  /execution-parameters  200, what Batch Transform should send
    POST /invocations           200 scores | 204 empty payload | 4xx the payload or the request is wrong | 500

An error is answered with `{"error": "…"}`, one bounded message and never a stack trace; that goes to the log.
Whatever can be refused without reading the payload is refused before any work is done on it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from contracts.errors import BatchScoreError, near_matches
from contracts.payload_limits import BYTES_PER_MB
from serving.codecs import Codec
from serving.exchange import (
    ClientGoneError,
    Message,
    Payload,
    Receive,
    RequestRefusedError,
    Response,
    Send,
    error_response,
    json_response,
    media_type,
    request_headers,
)
from serving.invocation import Answer, answer_payload
from serving.request_log import RequestFacts, RequestLog
from serving.scorer import Scorer

METHODS = {"/ping": "GET", "/execution-parameters": "GET", "/invocations": "POST"}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Service:
    """What the application serves with.

    Attributes:
        scorer: The model.
        codecs: By content type.
        max_payload_mb: Largest payload.
        concurrent_transforms: Requests at once, as `/execution-parameters` tells.
        executor: Runs the work on payloads, outside the event loop.
        log: Gets a line for each payload.
    """

    scorer: Scorer
    codecs: dict[str, Codec]
    max_payload_mb: int
    concurrent_transforms: int
    executor: Executor
    log: RequestLog


class ScoringApp:
    """The ASGI application for one model."""

    def __init__(self, service: Service) -> None:
        """Take what to serve with."""
        self._service = service

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._respond(scope, receive)
        except ClientGoneError:
            return
        headers = [("content-length", str(len(response.body))), *response.headers]
        if response.content_type:
            headers.append(("content-type", response.content_type))
        raw_headers = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": response.status, "headers": raw_headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, scope: Message, receive: Receive) -> Response:
        try:
            path = _known_path(scope)
        except RequestRefusedError as error:
            await Payload(receive).discard()
            return error_response(error)
        if path == "/ping":
            return Response(status=200)
        if path == "/execution-parameters":
            return json_response(200, self._execution_parameters())
        return await self._invocation(scope, receive)

    def _execution_parameters(self) -> dict[str, Any]:
        return {
            "MaxConcurrentTransforms": self._service.concurrent_transforms,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": self._service.max_payload_mb,
        }

    async def _invocation(self, scope: Message, receive: Receive) -> Response:
        started = time.perf_counter()
        payload = Payload(receive)
        answer: Answer | None = None
        try:
            codec = self._codec(request_headers(scope))
            body = await payload.read(self._service.max_payload_mb * BYTES_PER_MB)
            if body:
                answer = await self._answer(body, codec)
                response = Response(status=200, body=answer.body, content_type=codec.answer_type)
            else:
                response = Response(status=204)
        except BatchScoreError as error:
            await payload.discard()
            response = error_response(error)
        except ClientGoneError:
            raise
        except Exception as error:
            _logger.exception("a payload of %d bytes could not be scored", payload.byte_count)
            what = f"the server failed on this payload ({type(error).__name__}); see the log of the container"
            response = json_response(500, {"error": what})
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
        answer_type = codecs[content_type].answer_type
        accept = headers.get("accept", "*/*")
        wanted = {media_type(part) for part in accept.split(",")}
        if wanted.isdisjoint({"", "*/*", answer_type.split("/", maxsplit=1)[0] + "/*", answer_type}):
            raise RequestRefusedError(
                406, f"a payload of {content_type} is answered with {answer_type}; `Accept` is {accept!r}"
            )
        return codecs[content_type]

    async def _answer(self, body: bytes, codec: Codec) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._service.executor, answer_payload, body, codec, self._service.scorer
        )


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


def _facts(response: Response, payload: Payload, answer: Answer | None, started: float) -> RequestFacts:
    return RequestFacts(
        status=response.status,
        bytes=payload.byte_count,
        records=answer.record_count if answer else 0,
        faults=answer.fault_count if answer else 0,
        seconds=round(time.perf_counter() - started, 6),
    )
