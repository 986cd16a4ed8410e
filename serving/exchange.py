"""Parts of one HTTP exchange over ASGI: the request's body and headers, the response, why it was refused."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import BatchScoreError, CallerError, PlatformError
from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_DISCARDED_BYTES = 2 * MAX_PAYLOAD_MB * BYTES_PER_MB
"""What a refused client still sends is thrown away, up to here, after it was answered: most clients look for
the answer only after they have sent everything, and would report a broken pipe instead of the reason."""

STALL_SECONDS = 60.0
"""A client that sends nothing for so long is given up, as its place is another one's turn."""

DISCARD_STALL_SECONDS = 5.0
"""The same for a client that was answered already. Whether it sends more, or has gone, is not always told,
and a server that is asked to stop waits for as long."""

RETRY_AFTER_SECONDS = 1

_WEIGHT_OF_ZERO = re.compile(r";\s*q\s*=\s*0(\.0*)?\s*(;|$)", re.IGNORECASE)


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


class ServerBusyError(PlatformError):
    """The server does not take the request now; the same request may be taken later.

    Attributes:
        headers: To be sent with the answer.
    """

    headers = (("retry-after", str(RETRY_AFTER_SECONDS)),)


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

    def __init__(
        self, receive: Receive, *, declared_bytes: int | None = None, stall_seconds: float = STALL_SECONDS
    ) -> None:
        """Take the ASGI channel that the body comes from, and its length if the client has told it."""
        self._receive = receive
        self._declared_bytes = declared_bytes
        self._stall_seconds = stall_seconds
        self._is_complete = False
        self.byte_count = 0

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body.

        Raises:
            RequestRefusedError: It is larger than `limit_bytes`, found before reading where the client has
                told its length, and else as soon as the limit is passed; or nothing came for too long; or
                it broke off.
        """
        if self._declared_bytes is not None:
            _check_size(self._declared_bytes, "", limit_bytes)
        parts = []
        while not self._is_complete:
            parts.append(await self._next_part())
            _check_size(self.byte_count, " and more", limit_bytes)
        return b"".join(parts)

    async def discard(self) -> None:
        """Read on to the end of the body without keeping it, within MAX_DISCARDED_BYTES.

        Raises:
            RequestRefusedError: Nothing came for DISCARD_STALL_SECONDS, or it broke off.
        """
        self._stall_seconds = min(self._stall_seconds, DISCARD_STALL_SECONDS)
        while not self._is_complete and self.byte_count <= MAX_DISCARDED_BYTES:
            await self._next_part()

    async def _next_part(self) -> bytes:
        try:
            message = await asyncio.wait_for(self._receive(), self._stall_seconds)
        except asyncio.TimeoutError as error:
            self._is_complete = True
            raise RequestRefusedError(
                408,
                f"nothing came for {self._stall_seconds:g} seconds after {self.byte_count} bytes of the "
                "payload; send it again",
            ) from error
        if message["type"] == "http.disconnect":
            self._is_complete = True
            # Mostly there is nobody left to read this, but the server says the same of damaged chunks.
            raise RequestRefusedError(
                400, f"the payload broke off after {self.byte_count} bytes; send it again as a whole"
            )
        part: bytes = message.get("body", b"")
        self.byte_count += len(part)
        self._is_complete = not message.get("more_body", False)
        return part


def _check_size(byte_count: int, more: str, limit_bytes: int) -> None:
    if byte_count > limit_bytes:
        raise RequestRefusedError(
            413,
            f"the payload is {byte_count} bytes{more}, the limit is {limit_bytes} bytes "
            f"({limit_bytes // BYTES_PER_MB} MB); raise MaxPayloadInMB or make smaller shards",
        )


def request_headers(scope: Message) -> dict[str, str]:
    """Return the headers by lower-case name; what is there more than once is joined by commas [RFC 9110]."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def declared_length(headers: dict[str, str]) -> int | None:
    """Return how many bytes the client says it sends, or None where it does not say."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else None


def media_type(header: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return header.split(";", maxsplit=1)[0].strip().lower()


def is_accepted(content_type: str, accept: str) -> bool:
    """Whether a client that sent this `Accept` takes an answer of this content type.

    The entry that names the type most exactly decides, and one with a weight of 0 says no [RFC 9110, 12.5.1].
    """
    parts = [part for part in accept.split(",") if part.strip()]
    wanted = {media_type(part): not _WEIGHT_OF_ZERO.search(part) for part in parts}
    ranges = (content_type, content_type.split("/", maxsplit=1)[0] + "/*", "*/*")
    return next((wanted[name] for name in ranges if name in wanted), not wanted)


def json_response(status: int, document: dict[str, Any]) -> Response:
    """Answer with `document`."""
    return Response(status=status, body=json.dumps(document).encode(), content_type="application/json")


def error_response(error: BatchScoreError) -> Response:
    """Answer with what an error says."""
    headers = error.headers if isinstance(error, (RequestRefusedError, ServerBusyError)) else ()
    body = json.dumps({"error": str(error)}).encode()
    return Response(status=error.http_status, body=body, content_type="application/json", headers=headers)
