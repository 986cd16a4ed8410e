"""One model container: start it, wait until it answers, send it payloads.

`GET /ping` must answer 200; each try waits 2 seconds [doc]. A payload is tried again after a lost
connection, a time-out or a 5xx answer, at most `InvocationsMaxRetries` times; an answer of 4xx says that the
payload is wrong, so it is not sent again. (The documentation says only "when invocation requests are
failing".)
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

import urllib3

from contracts.errors import BatchScoreError, CallerError, bounded
from emulator.job_context import JobFailedError
from emulator.processes import ContainerProcess
from emulator.transform_request import TransformRequest

PING_TIMEOUT_SECONDS = 2.0
START_TIMEOUT_SECONDS = 1800.0
"""A job whose ping keeps failing is stopped after about 30 minutes [doc]."""

_PING_WAIT_SECONDS = 0.05
_RETRY_WAIT_SECONDS = 0.2
_ANSWER_CHARS = 300
HOST = "127.0.0.1"
MAX_PORT = 65535


class InvocationError(BatchScoreError):
    """A payload got no usable answer: its object fails."""

    exit_code = 1


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
        while time.monotonic() < deadline:
            self._check_alive()
            try:
                if self._pool.request("GET", "/ping", timeout=PING_TIMEOUT_SECONDS).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass  # not listening yet
            time.sleep(_PING_WAIT_SECONDS)
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

    def invoke(self, payload: bytes, request: TransformRequest, *, name: str) -> bytes:
        """Send one payload and return the answer's body.

        Args:
            payload: The body.
            request: Says the content types, the time-out and the number of retries.
            name: Of the payload, for messages.

        Raises:
            InvocationError: No usable answer came, after the retries.
            JobFailedError: The server has ended.
        """
        headers = {"Content-Type": request.content_type}
        if request.accept:
            headers["Accept"] = request.accept
        timeout = urllib3.Timeout(total=request.timeout_seconds)
        fault = ""
        for attempt in range(request.max_retries + 1):
            if attempt:
                time.sleep(_RETRY_WAIT_SECONDS * 2**attempt)
            self._check_alive()
            try:
                answer = self._pool.request(
                    "POST", "/invocations", body=payload, headers=headers, timeout=timeout, redirect=False
                )
            except urllib3.exceptions.HTTPError as error:
                fault = f"{type(error).__name__}: {error}"
                continue
            if answer.status in (200, 204):
                return answer.data
            fault = f"status {answer.status}: {_excerpt(answer.data)}"
            if answer.status < 500:
                break
        self._check_alive()
        raise InvocationError(f"{name}: {fault}")

    def _check_alive(self) -> None:
        code = self.process.exit_code
        if code is not None:
            raise JobFailedError(
                f"the model server {self.process.ending()}; its last lines:\n{self.process.log_tail()}",
                container_exit_code=code,
            )


def _excerpt(body: bytes) -> str:
    return bounded(body.decode("utf-8", "replace").strip() or "(empty body)", _ANSWER_CHARS)


def choose_port(first_port: int | None, instance_number: int) -> int:
    """Return the port for an instance: `first_port` + its number, or any free one.

    Raises:
        CallerError: The wanted port is in use.
    """
    wanted = 0 if first_port is None else first_port + instance_number
    if wanted > MAX_PORT:
        raise CallerError(f"port {wanted} is above {MAX_PORT}; choose a lower one with --port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise CallerError(
                f"port {wanted} on {HOST} is in use ({error.strerror}); choose another with --port, or none"
            ) from error
        return int(probe.getsockname()[1])
