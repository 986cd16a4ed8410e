"""The real model server as the measuring programs use it: a model, payloads, a process, a client."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost

from contracts.payload_limits import BYTES_PER_MB
from contracts.recordio_groups import encode_vectors
from contracts.wire import WIRE_FORMATS

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
SECONDS_PER_MB = 3
"""So long is waited for an answer, for each MB that is sent to the server by all clients together."""

BLOCK_RECORDS = 10_000
"""Lines repeat after so many."""

TREES = 100


@dataclass(frozen=True)
class ServerProcess:
    """A server that answers pings."""

    port: int
    process_id: int

    def ask(self, path: str) -> bytes:
        """Return the body of the answer to a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def invoke(self, body: bytes | memoryview, content_type: str, timeout_seconds: float) -> int:
        """Post one payload, again for as long as it is answered 503, and return the status of the answer.

        Raises:
            TimeoutError: There was no other answer within `timeout_seconds`.
        """
        deadline = time.monotonic() + timeout_seconds
        while (left := deadline - time.monotonic()) > 0:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=left)
            try:
                connection.request("POST", "/invocations", body, {"Content-Type": content_type})
                response = connection.getresponse()
                while response.read(BYTES_PER_MB):
                    pass  # the answers of all clients would be more than the payload that they share
            finally:
                connection.close()
            if response.status != http.client.SERVICE_UNAVAILABLE:
                return response.status
            time.sleep(float(response.getheader("Retry-After", "1")))
        raise TimeoutError(f"no answer but 503 within {timeout_seconds:.0f} seconds")


def make_model_folder(folder: Path, feature_count: int) -> Path:
    """Train a small model, write it and its contract into `folder`, and return `folder`."""
    names = [f"f{number}" for number in range(feature_count)]
    chosen = np.random.default_rng(5)
    vectors = chosen.integers(0, 100, (2000, feature_count)).astype(np.float32)
    labels = (vectors.sum(axis=1) + chosen.normal(0, 20, 2000) > 50 * feature_count).astype(np.float32)
    matrix = xgboost.DMatrix(vectors, labels, feature_names=names)
    parameters = {"objective": "binary:logistic", "max_depth": 6, "nthread": 1}
    folder.mkdir(parents=True, exist_ok=True)
    xgboost.train(parameters, matrix, TREES).save_model(folder / "model.ubj")
    fields = [{"name": "id", "type": "string", "constraints": {"required": True}}]
    contract = {
        "fields": [*fields, *({"name": name, "type": "number"} for name in names)],
        "primaryKey": "id",
        "scoring": {"features": names},
    }
    (folder / "contract.json").write_text(json.dumps(contract), encoding="utf-8")
    return folder


def make_payload(path: Path, wire: str, payload_bytes: int, feature_count: int) -> None:
    """Write a payload of at most so many bytes; its features are whole numbers from 0 to 99.

    Numbers of few digits and few different values are the hard case: they unpack to most.
    """
    vectors = np.random.default_rng(5).integers(0, 100, (BLOCK_RECORDS, feature_count))
    if wire == "parquet":
        path.write_bytes(_parquet(vectors, payload_bytes))
        return
    if wire == "recordio":
        block = encode_vectors(vectors.astype(np.float32))
    else:
        before, after = {"csv": ("", "\n"), "jsonlines": ("[", "]\n")}[wire]
        block = "".join(before + ",".join(map(str, row)) + after for row in vectors.tolist()).encode()
    path.write_bytes(block * (payload_bytes // len(block)))


def _parquet(block: np.ndarray, payload_bytes: int) -> bytes:
    """Return a file as the prepare step writes them: dictionaries, zstd, ids that count up."""
    record_count = 10 * len(block)
    content = b""
    for _ in range(4):  # each time nearer to the size that is wanted
        vectors = np.resize(block, (record_count, block.shape[1])).astype(np.float64)
        columns = {f"f{number}": vectors[:, number] for number in range(block.shape[1])}
        sink = io.BytesIO()
        ids = pa.array(np.arange(record_count)).cast(pa.string())
        pq.write_table(pa.table({"id": ids, **columns}), sink, compression="zstd")
        if len(sink.getvalue()) <= payload_bytes:
            content = sink.getvalue()
        record_count = int(record_count * 0.98 * payload_bytes / len(sink.getvalue()))
    return content


def content_type_of(wire: str) -> str:
    """Return what a client says of a payload of this wire."""
    return WIRE_FORMATS[wire].content_type


@contextmanager
def started(command: list[str], ml_root: Path, **variables: str) -> Iterator[ServerProcess]:
    """Run a model server on the model in `ml_root`/model until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        "BATCHSCORE_ML_ROOT": str(ml_root),
        "BATCHSCORE_BIND_ADDRESS": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        **variables,
    }
    with subprocess.Popen(  # noqa: S603 - the project's own server
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        server = ServerProcess(port, process.pid)
        try:
            _wait_for_ping(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for_ping(server: ServerProcess, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server.ask("/ping")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not answer a ping within {START_SECONDS} seconds")


def peak_bytes(process_id: int) -> int:
    """Return the most memory that a process and its children ever had resident, each by itself [Linux]."""
    return sum(_peak_bytes(member) for member in _tree(process_id))


def cpu_seconds(process_id: int) -> float:
    """Return the processor time that a process and its children have taken [Linux]."""
    ticks = 0
    for member in _tree(process_id):
        fields = Path(f"/proc/{member}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak_bytes(process_id: int) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _tree(process_id: int) -> list[int]:
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="ascii").split()
    return [process_id, *(member for child in children for member in _tree(int(child)))]
