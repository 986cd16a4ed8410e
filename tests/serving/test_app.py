"""Of the HTTP side, what a sound server cannot be made to show from outside."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serving.app import ScoringApp, Service
from serving.codecs import DecodedPayload
from serving.request_log import RequestLog
from serving.scorer import Scorer, Scores


class BrokenCodec:
    """A codec with a bug."""

    content_type = "text/csv"
    answer_type = "text/csv"

    def decode(self, body: bytes) -> DecodedPayload:  # noqa: ARG002 - the codec's interface
        """Fail as no codec should."""
        raise RuntimeError("-".join(["value", "of", "a", "record"]) * 1000)

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:
        """Never come so far."""
        raise NotImplementedError


def exchange(messages: list[dict[str, Any]], log: io.StringIO) -> list[dict[str, Any]]:
    """Post one payload to an application with a broken codec and return what it sends."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as executor:
        service = Service(
            scorer=Scorer.__new__(Scorer),
            codecs={"text/csv": BrokenCodec()},
            max_payload_mb=1,
            concurrent_transforms=1,
            transform_memory_bytes=2**30,
            executor=executor,
            log=RequestLog(log),
        )
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/invocations",
            "headers": [(b"Content-Type", b"text/csv")],
        }
        asyncio.run(ScoringApp(service)(scope, receive, send))
    return sent


def test_a_bug_is_answered_with_a_bounded_message_and_logged_in_full(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client learns the kind of error and where to look; the stack frames stay in the log."""
    log = io.StringIO()
    with caplog.at_level(logging.ERROR):
        start, body = exchange([{"type": "http.request", "body": b"1,2", "more_body": False}], log)
    assert start["status"] == 500
    assert json.loads(body["body"]) == {
        "error": "the server failed on this payload (RuntimeError); see the log of the container"
    }
    assert "in decode" in caplog.text
    assert "value-of-a-record" not in caplog.text, "an exception's message may quote what was sent"
    assert json.loads(log.getvalue())["invocation"]["status"] == 500


def test_a_client_that_goes_away_gets_no_answer() -> None:
    """Nobody is there to read it."""
    half = {"type": "http.request", "body": b"1,", "more_body": True}
    assert exchange([half, {"type": "http.disconnect"}], io.StringIO()) == []
