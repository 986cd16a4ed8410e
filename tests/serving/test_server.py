"""The real server process, over real HTTP, does what Batch Transform's container contract [doc] says."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from model_server import RunningServer, model_server, server_environment, start_process
from tiny_model import PLAN_TERMS, make_tiny_model_folder, tiny_score

from contracts.progress import parse_progress
from contracts.recordio_groups import encode_vectors
from contracts.timings import parse_timings
from contracts.wire import (
    CSV_CONTENT_TYPE,
    FINGERPRINT_KEY,
    JSON_LINES_CONTENT_TYPE,
    PARQUET_CONTENT_TYPE,
    RECORDIO_CONTENT_TYPE,
)

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    root = tmp_path_factory.mktemp("ml")
    make_tiny_model_folder(root / "model")
    with model_server(
        root, SAGEMAKER_MAX_PAYLOAD_IN_MB="1", SAGEMAKER_MAX_CONCURRENT_TRANSFORMS="4"
    ) as running:
        yield running


def parquet(ages: list[int], metadata: dict[bytes, bytes] | None = None) -> bytes:
    count = len(ages)
    table = pa.table(
        {
            "customer_id": [f"C{age}" for age in ages],
            "age": pa.array(ages, pa.int64()),
            "plan": pa.array(["pro"] * count, pa.string()),
            "active": pa.array([True] * count, pa.bool_()),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue()


def message(body: bytes) -> str:
    return str(json.loads(body)["error"])


def test_a_ping_is_answered_empty(server: RunningServer) -> None:
    """Status 200 and nothing else."""
    assert server.request("GET", "/ping") == (200, b"")


def test_execution_parameters_say_what_to_send(server: RunningServer) -> None:
    """In the spelling of this interface, not of the API."""
    status, body = server.request("GET", "/execution-parameters")
    assert status == 200
    assert json.loads(body) == {
        "MaxConcurrentTransforms": 4,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 1,
    }


@pytest.mark.parametrize("ages", [[], [29], [29, 30, 31]])
def test_parquet_comes_back_with_id_and_score(server: RunningServer, ages: list[int]) -> None:
    """Any number of records, in their order."""
    status, body = server.invoke(parquet(ages), PARQUET_CONTENT_TYPE)
    assert status == 200
    assert pq.read_table(io.BytesIO(body)).to_pylist() == [
        {"customer_id": f"C{age}", "score": tiny_score(age, "pro", True), "error": None} for age in ages
    ]
    assert server.reply_headers["content-type"] == PARQUET_CONTENT_TYPE


def test_csv_comes_back_line_by_line(server: RunningServer) -> None:
    """A score for a sound line, a reason for a damaged one."""
    status, body = server.invoke(b"29,0,1\nx,0,1\n,,\n", "text/csv; charset=utf-8", Accept=CSV_CONTENT_TYPE)
    assert status == 200
    assert body.decode().splitlines() == [
        "211.5",
        "error: feature age is 'x'; expected a number or nothing",
        "111.5",
    ]


@pytest.mark.parametrize("content_type", [CSV_CONTENT_TYPE, PARQUET_CONTENT_TYPE])
def test_an_empty_payload_is_no_error(server: RunningServer, content_type: str) -> None:
    """204, as there is nothing to say."""
    assert server.invoke(b"", content_type) == (204, b"")


def test_a_payload_that_cannot_be_read_is_refused_in_words(server: RunningServer) -> None:
    """What was found, what was expected."""
    status, body = server.invoke(b"29,0,1\n", PARQUET_CONTENT_TYPE)
    assert status == 400
    assert "the payload of 7 bytes cannot be read as one whole Parquet file" in message(body)


def test_shards_of_another_contract_are_refused(server: RunningServer) -> None:
    """Naming both fingerprints."""
    status, body = server.invoke(parquet([1], {FINGERPRINT_KEY: b"0123456789abcdef"}), PARQUET_CONTENT_TYPE)
    assert status == 400
    assert "0123456789abcdef" in message(body)


def test_an_unknown_content_type_lists_the_valid_ones(server: RunningServer) -> None:
    """415 before anything is decoded."""
    status, body = server.invoke(b"{}", "image/png")
    assert status == 415
    told, valid = message(body).split("; valid: ")
    assert told == "the content type is 'image/png'"
    assert {JSON_LINES_CONTENT_TYPE, PARQUET_CONTENT_TYPE, CSV_CONTENT_TYPE} <= set(valid.split(", "))


def test_a_content_type_that_comes_near_names_the_one_that_was_meant(server: RunningServer) -> None:
    """One JSON document is not JSON Lines."""
    status, body = server.invoke(b"{}", "application/json")
    assert status == 415
    assert message(body) == "the content type is 'application/json'; did you mean 'application/jsonlines'?"


def test_json_lines_are_answered_line_by_line(server: RunningServer) -> None:
    """Through HTTP, with a damaged line among sound ones."""
    status, body = server.invoke(b"[29,0,1]\noops\n[30,1,null]\n", JSON_LINES_CONTENT_TYPE)
    assert status == 200
    first, second, third = (json.loads(line) for line in body.splitlines())
    assert (first, third) == (
        {"score": tiny_score(29, "basic", True)},
        {"score": tiny_score(30, "plus", None)},
    )
    assert second["error"].startswith("is not JSON")


def test_an_answer_that_the_client_does_not_take_is_not_computed(server: RunningServer) -> None:
    """406, and the damaged payload is not even looked at."""
    status, body = server.invoke(b"damaged", PARQUET_CONTENT_TYPE, Accept="application/json")
    assert status == 406
    assert f"is answered with {PARQUET_CONTENT_TYPE}" in message(body)


def test_a_recordio_payload_is_answered_with_lines_of_csv(server: RunningServer) -> None:
    """For the client who takes them; one that wants records back gets 406."""
    body = encode_vectors(np.array([[29, 0, 1], [31, 2, np.nan]], np.float32))
    assert server.invoke(body, RECORDIO_CONTENT_TYPE, Accept=CSV_CONTENT_TYPE) == (200, b"211.5\n132.5\n")
    assert server.reply_headers["content-type"] == CSV_CONTENT_TYPE

    status, body = server.invoke(body, RECORDIO_CONTENT_TYPE, Accept=RECORDIO_CONTENT_TYPE)
    assert status == 406
    assert "is answered with text/csv" in message(body)


@pytest.mark.parametrize("accept", ["*/*", "text/*", "application/json, text/csv;q=0.5"])
def test_an_accept_header_may_be_wider(server: RunningServer, accept: str) -> None:
    """Clients send all sorts."""
    assert server.invoke(b"29,0,1", CSV_CONTENT_TYPE, Accept=accept) == (200, b"211.5\n")


def test_a_payload_of_exactly_the_limit_is_taken(server: RunningServer) -> None:
    """The limit is inclusive."""
    body = (b"29,0,1\n" * 150_000)[: 1024 * 1024]
    status, answer = server.invoke(body, CSV_CONTENT_TYPE)
    assert status == 200
    assert answer.count(b"211.5\n") == 1024 * 1024 // 7


def test_a_payload_over_the_limit_names_both_numbers(server: RunningServer) -> None:
    """And the client is told although it was still sending."""
    status, body = server.invoke(b"1" * (1024 * 1024 + 1), CSV_CONTENT_TYPE)
    assert status == 413
    assert "the payload is 1048577 bytes, the limit is 1048576 bytes (1 MB)" in message(body)


def test_an_unknown_path_names_near_ones(server: RunningServer) -> None:
    """A slip of the pen is seen at once."""
    status, body = server.request("POST", "/invocation", b"1" * 100_000)
    assert status == 404
    assert message(body) == "there is no path '/invocation'; did you mean '/invocations'?"


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/invocations", "POST"), ("POST", "/ping", "GET")]
)
def test_another_method_is_told_the_right_one(
    server: RunningServer, method: str, path: str, allowed: str
) -> None:
    """Also in the header that HTTP has for it."""
    assert server.request(method, path)[0] == 405
    assert server.reply_headers["allow"] == allowed


SOUND = b"29,0,1\n"
HEADERS = b"Host: test\r\nContent-Type: text/csv\r\n"
OF_SOUND = HEADERS + b"Content-Length: 7\r\n"


def raw_answer(port: int, request: bytes) -> tuple[int, bytes]:
    """Send bytes as they are and return the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        method = request.split(b" ", maxsplit=1)[0].decode("latin-1")
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return response.status, response.read()


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (
            b"POST /invocations HTTP/1.1\r\nHost: test\r\nContent-Length: 7\r\n\r\n",
            415,
            "the content type is ''",
        ),
        (
            b"POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\n" + OF_SOUND + b"\r\n",
            415,
            "text/csv, text/csv",
        ),
        (
            b"POST /invocations HTTP/1.1\r\n" + OF_SOUND + b"Content-Encoding: gzip\r\n\r\n",
            415,
            "is compressed",
        ),
        (b"POST /invocations HTTP/1.1\r\n" + OF_SOUND + b"Accept: text/csv;q=0\r\n\r\n", 406, "`Accept` is"),
        (
            b"POST /invocations HTTP/1.1\r\n" + OF_SOUND + b"Expect: 100-continue\r\nAccept: a/b\r\n\r\n",
            406,
            "a/b",
        ),
        (
            b"POST /invocations HTTP/1.1\r\n" + HEADERS + b"Transfer-Encoding: chunked\r\n\r\nxx\r\n",
            400,
            "broke off",
        ),
        (b"PUT /invocations HTTP/1.1\r\n" + OF_SOUND + b"\r\n" + SOUND, 405, "/invocations takes POST"),
        (b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n", 404, "there is no path"),
        (b"GET /%00%ff%0d%0a HTTP/1.1\r\nHost: test\r\n\r\n", 404, "there is no path"),
        (b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n", 404, "characters in all"),
    ],
)
def test_a_request_that_cannot_be_taken_is_told_why(
    server: RunningServer, request_bytes: bytes, status: int, reason: str
) -> None:
    """In bounded words, and mostly before the payload has come."""
    found, body = raw_answer(server.port, request_bytes)
    assert (found, reason in message(body)) == (status, True)
    assert len(message(body)) <= 1024


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /invocations HTTP/1.1\r\n" + HEADERS + b"Content-Length: -7\r\n\r\n" + SOUND, 400),
        (b"POST /invocations HTTP/1.1\r\n" + OF_SOUND + b"Content-Length: 3\r\n\r\n" + SOUND, 400),
        (b"POST /invocations HTTP/1.1\r\n" + HEADERS + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
        (b"GET /ping HTTP/1.1\r\n" + b"X: a\r\n" * 5000 + b"\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"HEAD /invocations HTTP/1.1\r\nHost: test\r\n\r\n", 405),
    ],
)
def test_what_is_no_request_is_refused_without_words(
    server: RunningServer, request_bytes: bytes, status: int
) -> None:
    """Granian's parser says it, with an empty body; after HEAD there must be none. Pings go on."""
    assert raw_answer(server.port, request_bytes) == (status, b"")
    assert server.request("GET", "/ping") == (200, b"")


def test_chunks_count_where_a_length_is_said_too(server: RunningServer) -> None:
    """[RFC 9112, 6.3] The chunks override the length."""
    chunked = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n" + SOUND + b"\r\n0\r\n\r\n"
    request = b"POST /invocations HTTP/1.1\r\n" + HEADERS + chunked
    assert raw_answer(server.port, request) == (200, b"211.5\n")


def test_eight_requests_at_once_each_get_their_own_answer(server: RunningServer) -> None:
    """Requests share one model and nothing else."""
    plans = list(PLAN_TERMS)

    def ask(number: int) -> bool:
        code = number % 3
        body = b"".join(b"%d,%d,%d\n" % (age, code, number % 2) for age in range(20, 40)) * 50
        expected = [tiny_score(age, plans[code], bool(number % 2)) for age in range(20, 40)] * 50
        status, answer = http_post(server.port, body)
        return status == 200 and [float(line) for line in answer.splitlines()] == expected

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(32))) == [True] * 32


def http_post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/invocations", body=body, headers={"Content-Type": CSV_CONTENT_TYPE})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def test_asked_to_stop_it_finishes_what_it_has_and_ends_well(tmp_path: Path) -> None:
    """A request that is under way when SIGTERM comes is answered; then the exit code is 0."""
    make_tiny_model_folder(tmp_path / "model")
    answers: list[tuple[int, bytes]] = []
    with model_server(tmp_path) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", CSV_CONTENT_TYPE)
        connection.putheader("Content-Length", "14")
        connection.endheaders(b"29,0,1\n")

        def finish() -> None:
            time.sleep(0.3)
            connection.send(b"31,2,1\n")
            response = connection.getresponse()
            answers.append((response.status, response.read()))

        sender = threading.Thread(target=finish)
        sender.start()
        time.sleep(0.1)
        assert server.stop() == 0
        sender.join()
    assert answers == [(200, b"211.5\n232.5\n")]


def test_the_log_has_a_line_for_each_payload_the_progress_and_at_last_the_timings(tmp_path: Path) -> None:
    """JSON for machines, cumulative counts for the progress display, no line for a ping."""
    make_tiny_model_folder(tmp_path / "model")
    with model_server(tmp_path) as server:
        server.invoke(b"29,0,1\n" * 3, CSV_CONTENT_TYPE)
        server.invoke(b"29,0,1\nx,0,1\n", CSV_CONTENT_TYPE)
        server.invoke(b"{}", "application/json")
        assert server.stop() == 0
    *lines, last = server.log.splitlines()
    told = [json.loads(line)["invocation"] for line in lines if parse_progress(line) is None]
    assert [(fact["status"], fact["bytes"], fact["records"], fact["faults"]) for fact in told] == [
        (200, 21, 3, 0),
        (200, 13, 2, 1),
        (415, 0, 0, 0),
    ]
    progress = [found for line in lines if (found := parse_progress(line))]
    assert progress[-1].records == 5
    timings = parse_timings(last)
    assert timings is not None
    assert list(timings.parts) == ["load the model", "wait for payloads", "answer payloads"]
    assert set(timings.thread_seconds) == {"receive payloads", "decode", "score", "write answers"}
    assert sum(timings.parts.values()) <= timings.seconds


def end_of(root: Path, command: str = "serve", port: int = 1, **extra: str) -> tuple[int, str, str]:
    process = start_process(server_environment(root, port, **extra), command)
    log, errors = process.communicate(timeout=30)
    return process.returncode, log, errors


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"BATCHSCORE_CONTRACT_FINGERPRINT": "0123456789abcdef"}, "0123456789abcdef"),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "many"}, "SAGEMAKER_MAX_PAYLOAD_IN_MB is 'many'"),
        ({"BATCHSCORE_ML_ROOT": "/nowhere"}, "/nowhere/model: expected exactly one of model.json, model.ubj"),
    ],
)
def test_what_cannot_be_served_ends_at_once_with_the_reason(
    tmp_path: Path, extra: dict[str, str], reason: str
) -> None:
    """One line on standard error and exit code 2, for `serve` and for `check`."""
    make_tiny_model_folder(tmp_path / "model")
    for command in ("serve", "check"):
        code, _, errors = end_of(tmp_path, command, **extra)
        assert code == 2
        assert errors.startswith("error: ")
        assert reason in errors
        assert errors.count("\n") == 1


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """No traceback, and the remedy."""
    make_tiny_model_folder(tmp_path / "model")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, errors = end_of(tmp_path, port=port)
    assert code == 2
    assert f"127.0.0.1:{port}: cannot listen: Address already in use" in errors
    assert "Traceback" not in errors


def test_two_servers_never_share_a_port(server: RunningServer, tmp_path: Path) -> None:
    """They would take turns in answering, with different models."""
    make_tiny_model_folder(tmp_path / "model")
    assert end_of(tmp_path, port=server.port)[0] == 2


def test_check_says_what_is_in_the_model_folder(tmp_path: Path) -> None:
    """That is what `batchscore package` relies on."""
    make_tiny_model_folder(tmp_path / "model")
    code, log, errors = end_of(tmp_path, "check")
    assert (code, errors) == (0, "")
    assert "4 rounds of trees evaluated by " in log
    assert " on 3 features fit the contract" in log
