"""Of the HTTP side, what a sound server cannot be made to show from outside."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serving.app import ScoringApp, Service
from serving.codecs import DecodedPayload
from serving.exchange import is_accepted
from serving.request_log import RequestLog
from serving.scorer import Scorer, Scores


class FailingCodec:
    """A codec that fails as no codec should."""

    content_type = "text/csv"
    answer_type = "text/csv"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def decode(self, body: bytes) -> DecodedPayload:  # noqa: ARG002 - the codec's interface
        """Fail."""
        raise self._error

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:
        """Never come so far."""
        raise NotImplementedError


BUG = RuntimeError("-".join(["value", "of", "a", "record"]) * 1000)
WHOLE = [{"type": "http.request", "body": b"1,2", "more_body": False}]


def exchange(
    payloads: list[list[dict[str, Any]]], log: io.StringIO, error: BaseException = BUG
) -> list[dict[str, Any]]:
    """Post payloads one after another to an application with a failing codec and return what it sends.

    A payload whose messages do not end it stays away for good.
    """
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def post_all(app: ScoringApp) -> None:
        for messages in payloads:
            coming = iter(messages)

            async def receive(coming: Iterator[dict[str, Any]] = coming) -> dict[str, Any]:
                return next(coming, None) or await asyncio.get_running_loop().create_future()

            await app(scope, receive, send)

    with ThreadPoolExecutor(1) as executor:
        service = Service(
            scorer=Scorer.__new__(Scorer),
            codecs={"text/csv": FailingCodec(error)},
            max_payload_mb=1,
            concurrent_transforms=1,
            transform_memory_bytes=2**30,
            executor=executor,
            log=RequestLog(log),
            stall_seconds=0.01,
        )
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/invocations",
            "headers": [(b"Content-Type", b"text/csv")],
        }
        asyncio.run(post_all(ScoringApp(service)))
    return sent


def told(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line)["invocation"] for line in log.getvalue().splitlines()]


def test_a_bug_is_answered_with_a_bounded_message_and_logged_in_full(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client learns the kind of error and where to look; the stack frames stay in the log."""
    log = io.StringIO()
    with caplog.at_level(logging.ERROR):
        start, body = exchange([WHOLE], log)
    assert start["status"] == 500
    assert json.loads(body["body"]) == {
        "error": "the server failed on this payload (RuntimeError); see the log of the container"
    }
    assert "in decode" in caplog.text
    assert "value-of-a-record" not in caplog.text, "an exception's message may quote what was sent"
    assert told(log)[0]["status"] == 500


def test_a_payload_that_takes_more_memory_than_there_is_may_come_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """503 and when to come; the next payload is taken as if nothing had been."""
    log = io.StringIO()
    with caplog.at_level(logging.ERROR):
        start, body, *following = exchange([WHOLE, WHOLE], log, MemoryError())
    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert json.loads(body["body"])["error"].startswith("the memory ran out on a payload of 3 bytes; lower")
    assert following[0]["status"] == 503
    assert [fact["status"] for fact in told(log)] == [503, 503]


def test_a_client_that_stops_sending_loses_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    """408 with how much had come; the only turn there is goes to the next, who is answered."""
    half = [{"type": "http.request", "body": b"1,", "more_body": True}]
    log = io.StringIO()
    with caplog.at_level(logging.ERROR):
        start, body, *following = exchange([half, WHOLE], log)
    assert start["status"] == 408
    assert json.loads(body["body"])["error"] == (
        "nothing came for 0.01 seconds after 2 bytes of the payload; send it again"
    )
    assert following[0]["status"] == 500
    assert [(fact["status"], fact["bytes"]) for fact in told(log)] == [(408, 2), (500, 3)]


def test_a_payload_that_breaks_off_is_not_scored() -> None:
    """Though nobody may be there to read it, 400 is said, and logged with how far it came."""
    half = [{"type": "http.request", "body": b"1,", "more_body": True}, {"type": "http.disconnect"}]
    log = io.StringIO()
    start, body = exchange([half], log)
    assert start["status"] == 400
    assert "the payload broke off after 2 bytes" in json.loads(body["body"])["error"]
    assert [(fact["status"], fact["bytes"]) for fact in told(log)] == [(400, 2)]


@pytest.mark.parametrize(
    ("accept", "is_taken"),
    [
        ("", True),
        ("*/*", True),
        ("TEXT/*", True),
        ("text/csv;q=0.001", True),
        ("text/csv; header=absent; q=1", True),
        ("image/png, text/csv", True),
        ("text/*;q=0, text/csv", True),
        ("image/png", False),
        ("text/csv;q=0", False),
        ("text/csv; Q=0.000", False),
        ("text/csv;q=0, */*", False),
        ("text/*; q=0, */*", False),
        ("*/*;q=0", False),
    ],
)
def test_the_most_exact_entry_of_an_accept_header_decides(accept: str, is_taken: bool) -> None:
    """And a weight of 0 says no [RFC 9110]."""
    assert is_accepted("text/csv", accept) == is_taken
