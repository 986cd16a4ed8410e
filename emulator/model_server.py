"""One model container: start it, wait until it answers, send it payloads.

`GET /ping` must answer 200; each try waits 2 seconds [doc]. A payload is tried again after a lost
connection, a time-out, an answer that breaks off or a 5xx answer, at most `InvocationsMaxRetries` times; any
other answer would come again, so it is not asked for again. (The documentation says only "when invocation
requests are failing".)
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import urllib3

from emulator.answers import Answer, InvocationError, fault_of
from emulator.images import HOST
from emulator.job_context import JobFailedError
from emulator.processes import ContainerProcess
from emulator.splitting import Blocks
from emulator.transform_request import TransformRequest

PING_TIMEOUT_SECONDS = 2.0
START_TIMEOUT_SECONDS = 1800.0
"""A job whose ping keeps failing is stopped after about 30 minutes [doc]."""

_PING_WAIT_SECONDS = 0.005
_PING_WAIT_GROWTH = 1.05
_MAX_PING_WAIT_SECONDS = 0.2
"""Between two tries, longer each time: most servers are there soon, and some load a large model."""
_RETRY_WAIT_SECONDS = 0.2
_ENDING_SECONDS = 0.5
_BLOCK_BYTES = 1024 * 1024


class ModelServer:
    """A started model container on a loopback port."""

    def __init__(self, process: ContainerProcess, port: int, connections: int) -> None:
        self.process = process
        self.port = port
        self._pool = urllib3.HTTPConnectionPool(HOST, port, maxsize=connections, block=True, retries=False)

    def wait_until_ready(self) -> None:
        """Ping until the answer is 200.

        Raises:
            JobFailedError: The process ended, or never answered.
        """
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        wait_seconds = _PING_WAIT_SECONDS
        while time.monotonic() < deadline:
            self._check_alive()
            try:
                if self._pool.request("GET", "/ping", timeout=PING_TIMEOUT_SECONDS).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass  # not listening yet
            time.sleep(wait_seconds)
            wait_seconds = min(_PING_WAIT_GROWTH * wait_seconds, _MAX_PING_WAIT_SECONDS)
        raise JobFailedError(f"the model server did not answer /ping in {START_TIMEOUT_SECONDS:.0f} seconds")

    def execution_parameters(self) -> Mapping[str, Any]:
        """Return what the container offers; an empty mapping where it has no such route."""
        try:
            answer = self._pool.request("GET", "/execution-parameters", timeout=PING_TIMEOUT_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            raise JobFailedError(f"/execution-parameters was not answered: {error}") from error
        if answer.status != 200:
            return {}
        try:
            offered = json.loads(answer.data)
        except ValueError as error:
            raise JobFailedError(f"/execution-parameters answered what is not JSON: {error}") from error
        if not isinstance(offered, dict):
            raise JobFailedError(f"/execution-parameters answered {offered!r}; expected a JSON object")
        return offered

    def invoke(
        self,
        payload: bytes | Blocks,
        request: TransformRequest,
        *,
        name: str,
        record_count: int | None = None,
    ) -> bytes:
        """Send one payload and return the answer's body.

        Args:
            payload: The body; or what returns its blocks anew for each try, which are sent in HTTP chunks.
            request: Says the content types, the time-out and the number of retries.
            name: Of the payload, for messages.
            record_count: Records in the payload if each is a line, else None.

        Raises:
            InvocationError: No usable answer came, after the retries.
            JobFailedError: The server has ended.
        """
        fault = ""
        for attempt in range(request.max_retries + 1):
            if attempt:
                time.sleep(_RETRY_WAIT_SECONDS * 2**attempt)
            self._check_alive(name)
            answer = self._exchange(payload, request)
            fault = fault_of(
                answer, accept=request.accept, is_empty_payload=payload == b"", record_count=record_count
            )
            if not fault:
                return answer.body
            if not answer.may_change:
                break
        if answer.status is None:
            # What closed the connection may be the end of the server, which is then the better reason.
            self.process.ends_within(_ENDING_SECONDS)
        self._check_alive(name)
        raise InvocationError(f"{name}: {fault}")

    def _exchange(self, payload: bytes | Blocks, request: TransformRequest) -> Answer:
        """Post a payload once, and return what came until the time-out."""
        headers = {"Content-Type": request.content_type}
        if request.accept:
            headers["Accept"] = request.accept
        deadline = time.monotonic() + request.timeout_seconds
        try:
            response = self._pool.request(
                "POST",
                "/invocations",
                body=payload() if callable(payload) else payload,
                chunked=callable(payload),
                headers=headers,
                timeout=urllib3.Timeout(total=request.timeout_seconds),
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return Answer(status=None, fault=f"{type(error).__name__}: {error}")
        return _read_answer(response, deadline, request.timeout_seconds)

    def _check_alive(self, name: str = "") -> None:
        code = self.process.exit_code
        if code is not None:
            raise JobFailedError(
                (f"{name}: " if name else "")
                + f"the model server {self.process.ending()}; its last lines:\n{self.process.log_tail()}",
                container_exit_code=code,
            )


def _read_answer(response: urllib3.BaseHTTPResponse, deadline: float, timeout_seconds: int) -> Answer:
    """Read an answer's body to its end, or to what ends it before."""
    body, fault = bytearray(), ""
    try:
        if response.length_remaining is None and not response.chunked:
            fault = "the answer says no length and comes in no chunks, so nobody can tell whether it is whole"
        while not fault and (piece := response.read1(_BLOCK_BYTES)):
            body += piece
            if time.monotonic() > deadline:
                fault = f"the answer was not complete within {timeout_seconds} seconds"
    except urllib3.exceptions.HTTPError as error:
        fault = f"the answer broke off: {type(error).__name__}: {error}"
    finally:
        if fault:
            response.close()
        response.release_conn()
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Answer(status=response.status, media_type=media_type, body=bytes(body), fault=fault)
