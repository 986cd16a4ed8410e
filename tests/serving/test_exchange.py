"""A payload is read as far as its sender goes on sending, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from serving import exchange
from serving.exchange import Payload, RequestRefusedError


def _silent_after(*parts: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return a channel that gives parts of a body, and then nothing more."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    return receive


def test_a_client_that_was_answered_is_not_waited_for_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a server that is asked to stop would wait for one that has nothing more to say."""
    monkeypatch.setattr(exchange, "DISCARD_STALL_SECONDS", 0.01)
    payload = Payload(_silent_after(b"1,2", b"\n"), stall_seconds=3600)
    with pytest.raises(RequestRefusedError, match=r"nothing came for 0\.01 seconds after 4 bytes"):
        asyncio.run(asyncio.wait_for(payload.discard(), timeout=60))


def test_a_payload_that_is_wanted_is_waited_for() -> None:
    """For as long as the server was told to."""
    payload = Payload(_silent_after(b"1,2"), stall_seconds=0.01)
    with pytest.raises(RequestRefusedError, match=r"nothing came for 0\.01 seconds after 3 bytes"):
        asyncio.run(payload.read(100))
