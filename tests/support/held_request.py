"""Requests whose progress a test decides: begun, held open, finished when the test wants it."""

from __future__ import annotations

import http.client
import select
import socket

from contracts.wire import CSV_CONTENT_TYPE

SECONDS = 30


class OpenRequest:
    """A connection with one request on it, of which some is sent."""

    def __init__(
        self, port: int, declared_bytes: int, sent: bytes, *, expects_continue: bool = False
    ) -> None:
        """Send the headers of a CSV payload and the part `sent` of it."""
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        expect = "Expect: 100-continue\r\n" if expects_continue else ""
        self.connection.sendall(
            f"POST /invocations HTTP/1.1\r\nHost: test\r\nContent-Type: {CSV_CONTENT_TYPE}\r\n"
            f"Content-Length: {declared_bytes}\r\n{expect}\r\n".encode()
            + sent
        )

    def finish(self, rest: bytes) -> None:
        """Send what is left of the payload."""
        self.connection.sendall(rest)

    def answer(self) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Wait for the answer; return status, body and headers, and close the connection."""
        response = http.client.HTTPResponse(self.connection)
        response.begin()
        body = response.read()
        self.connection.close()
        return response.status, body, response.headers


def take_a_turn(port: int, declared_bytes: int) -> OpenRequest:
    """Begin a request and return once the server has let it in: only then it asks for the payload."""
    request = OpenRequest(port, declared_bytes, b"", expects_continue=True)
    told = b""
    while not told.endswith(b"\r\n\r\n"):
        told += request.connection.recv(1000)
    if not told.startswith(b"HTTP/1.1 100 "):
        raise AssertionError(f"the server answered {told!r} instead of asking for the payload")
    return request


def first_answered(requests: list[OpenRequest], count: int) -> list[OpenRequest]:
    """Wait until `count` of the requests are answered, and return the ones that are."""
    answered: list[OpenRequest] = []
    waiting = {request.connection: request for request in requests}
    while len(answered) < count:
        ready, _, _ = select.select(list(waiting), [], [], SECONDS)
        if not ready:
            raise AssertionError(f"{len(answered)} of {count} were answered within {SECONDS} seconds")
        answered += [waiting.pop(connection) for connection in ready]
    return answered
