"""Under more load than it offered to take, and when it is told to stop, the server keeps its word."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from held_request import OpenRequest, first_answered, take_a_turn
from model_server import ROOT, RunningServer, free_port, model_server, server_environment, wait_for_ping
from tiny_model import make_tiny_model_folder

from contracts.wire import CSV_CONTENT_TYPE
from serving.admission import MAX_REQUESTS
from serving.server import SHUTDOWN_SECONDS

pytestmark = pytest.mark.functional

MIB = 1024 * 1024
PAYLOAD_MB = 4
ONE_AT_A_TIME = {
    "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(PAYLOAD_MB),
    "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "1",
}
RECORD, SCORED = b"29,0,1\n", b"211.5\n"
WIDE_RECORD = b"29,0," + b"0" * (64 * 1024 - 7) + b"1\n"
"""The same record in 64 KiB: a large payload that is quickly scored."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    root = tmp_path_factory.mktemp("ml")
    make_tiny_model_folder(root / "model")
    with model_server(root, **ONE_AT_A_TIME) as running:
        yield running


def send_too_many(port: int) -> tuple[list[OpenRequest], list[OpenRequest]]:
    """While one request has its turn, send ten more than may wait.

    Returns:
        Those that wait for their turn, and those that were turned away.
    """
    others = [OpenRequest(port, len(RECORD), RECORD) for _ in range(MAX_REQUESTS - 1 + 10)]
    turned_away = first_answered(others, 10)
    return [request for request in others if request not in turned_away], turned_away


def peak_bytes(process_id: int) -> int:
    """Return the most memory that a process ever had resident [Linux]."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def test_one_too_many_is_turned_away_and_those_who_wait_are_answered(server: RunningServer) -> None:
    """503 says when to come again; a hundred requests at once are as many as any transform job may have."""
    first = take_a_turn(server.port, len(RECORD))
    waiting, turned_away = send_too_many(server.port)
    for request in turned_away:
        status, body, headers = request.answer()
        assert (status, headers["retry-after"]) == (503, "1")
        assert json.loads(body)["error"].startswith("100 requests are being answered or wait for their turn")
    assert server.request("GET", "/ping") == (200, b"")  # all the while
    first.finish(RECORD)
    assert [request.answer()[:2] for request in (first, *waiting)] == [(200, SCORED)] * MAX_REQUESTS


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_the_payloads_of_those_who_wait_take_no_memory(server: RunningServer) -> None:
    """64 payloads of the largest size at once: one is worked on, of the others nothing is read."""
    body = WIDE_RECORD * (PAYLOAD_MB * MIB // len(WIDE_RECORD))
    assert len(body) == PAYLOAD_MB * MIB
    expected = (200, SCORED * (len(body) // len(WIDE_RECORD)))
    before = peak_bytes(server.process.pid)
    first = take_a_turn(server.port, len(body))
    with ThreadPoolExecutor(63) as pool:
        answers = [pool.submit(server.invoke, body, CSV_CONTENT_TYPE) for _ in range(63)]
        first.finish(body)
        assert first.answer()[:2] == expected
        assert [answer.result() for answer in answers] == [expected] * 63
    bound = PAYLOAD_MB * MIB * 16
    assert bound < 63 * len(body)  # or this test could not fail
    assert peak_bytes(server.process.pid) - before < bound


def test_a_payload_that_is_announced_too_large_is_refused_unread(server: RunningServer) -> None:
    """The client had sent three bytes of a terabyte when it was told."""
    status, body, _ = OpenRequest(server.port, 10**12, b"29,").answer()
    assert status == 413
    assert json.loads(body)["error"] == (
        "the payload is 1000000000000 bytes, the limit is 4194304 bytes (4 MB); "
        "raise MaxPayloadInMB or make smaller shards"
    )


def test_a_payload_of_unknown_length_is_refused_when_it_passes_the_limit(server: RunningServer) -> None:
    """Chunked transfer tells no length; the end is not waited for."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", CSV_CONTENT_TYPE)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(PAYLOAD_MB + 1):
        connection.send(b"100000\r\n" + b"1" * MIB + b"\r\n")
    response = connection.getresponse()
    assert response.status == 413
    assert " bytes and more, the limit is 4194304 bytes (4 MB)" in json.loads(response.read())["error"]
    connection.close()


def test_a_client_that_still_sends_megabytes_reads_why_it_was_refused(server: RunningServer) -> None:
    """Not a broken pipe: what it sends after the answer is thrown away."""
    status, body = server.invoke(b"1" * (50 * MIB), CSV_CONTENT_TYPE)
    assert (status, json.loads(body)["error"][:29]) == (413, "the payload is 52428800 bytes")


def test_asked_to_stop_it_answers_who_has_a_turn_and_turns_the_others_away(tmp_path: Path) -> None:
    """In flight: 200. Waiting: 503, told at once. Coming later: nothing. Then the exit code is 0."""
    make_tiny_model_folder(tmp_path / "model")
    with model_server(tmp_path, **ONE_AT_A_TIME) as server:
        first = take_a_turn(server.port, len(RECORD))
        waiting, turned_away = send_too_many(server.port)
        for request in turned_away:
            request.answer()
        server.process.send_signal(signal.SIGTERM)
        for request in waiting:
            status, body, headers = request.answer()
            assert (status, headers["retry-after"]) == (503, "1")
            assert "the server was asked to stop" in json.loads(body)["error"]
        assert not is_scored(server.port)
        first.finish(RECORD)
        assert first.answer()[:2] == (200, SCORED)
        assert server.stop() == 0
    assert server.errors == ""


SERVE_BRIEFLY = """
import functools, os, sys
from serving.factory import serve
from serving.server import run_server
from serving.settings import settings_from
serve(settings_from(os.environ), sys.stdout, run=functools.partial(run_server, shutdown_seconds=0.2))
"""


def test_asked_to_stop_it_does_not_wait_for_a_client_that_never_finishes(tmp_path: Path) -> None:
    """After its time is over (25 s, here 0.2 s) it cuts off what is left and ends well, before SIGKILL."""
    make_tiny_model_folder(tmp_path / "model")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE_BRIEFLY],
        cwd=ROOT,
        env=server_environment(tmp_path, port, **ONE_AT_A_TIME),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        wait_for_ping(RunningServer(port=port, process=process))
        unfinished = take_a_turn(port, len(RECORD))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=SHUTDOWN_SECONDS - 5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        with unfinished.connection, pytest.raises((OSError, http.client.HTTPException)):
            unfinished.answer()


def is_scored(port: int) -> bool:
    """Whether the server takes a new payload: it may also refuse it or the connection, or say nothing."""
    try:
        request = OpenRequest(port, len(RECORD), RECORD)
        with request.connection:
            request.connection.settimeout(1)
            return request.answer()[0] == 200
    except (OSError, http.client.HTTPException):
        return False
