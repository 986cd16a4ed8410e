"""Parts of one HTTP exchange over ASGI: the request's body and headers, the response, why it was refused."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import BatchScoreError, CallerError
from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_DISCARDED_BYTES = 2 * MAX_PAYLOAD_MB * BYTES_PER_MB
"""A payload that is too large is read to its end and thrown away, up to here: most clients look for the
answer only after they have sent everything, and would report a broken pipe instead of the reason."""


class RequestRefusedError(CallerError):
    """The request is wrong whatever the payload holds.

    Attributes:
        http_status: The status that says why.
        headers: To be sent with it.
    """

    def __init__(self, http_status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.headers = headers


class ClientGoneError(Exception):
    """The client closed the connection before it had sent its request."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What goes back to the client.

    Attributes:
        status: HTTP status.
        body: As it goes over the wire.
        content_type: Of the body, or None if there is none.
        headers: Further headers.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Payload:
    """The body of one request, read at most once.

    Attributes:
        byte_count: Bytes received so far.
    """

    def __init__(self, receive: Receive) -> None:
        """Take the ASGI channel that the body comes from."""
        self._receive = receive
        self._is_complete = False
        self.byte_count = 0

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body.

        Raises:
            RequestRefusedError: It is larger than `limit_bytes`.
            ClientGoneError: The client went away.
        """
        parts = []
        while not self._is_complete:
            parts.append(await self._next_part())
            if self.byte_count > limit_bytes:
                await self.discard()
                raise RequestRefusedError(
                    413,
                    f"the payload is {self.byte_count} bytes, the limit is {limit_bytes} bytes "
                    f"({limit_bytes // BYTES_PER_MB} MB); raise MaxPayloadInMB or make smaller shards",
                )
        return b"".join(parts)

    async def discard(self) -> None:
        """Read on to the end of the body without keeping it, within MAX_DISCARDED_BYTES."""
        while not self._is_complete and self.byte_count <= MAX_DISCARDED_BYTES:
            await self._next_part()

    async def _next_part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part: bytes = message.get("body", b"")
        self.byte_count += len(part)
        self._is_complete = not message.get("more_body", False)
        return part


def request_headers(scope: Message) -> dict[str, str]:
    """Return the headers by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def media_type(header: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return header.split(";", maxsplit=1)[0].strip().lower()


def json_response(status: int, document: dict[str, Any]) -> Response:
    """Answer with `document`."""
    return Response(status=status, body=json.dumps(document).encode(), content_type="application/json")


def error_response(error: BatchScoreError) -> Response:
    """Answer with what an error says."""
    headers = error.headers if isinstance(error, RequestRefusedError) else ()
    body = json.dumps({"error": str(error)}).encode()
    return Response(status=error.http_status, body=body, content_type="application/json", headers=headers)
