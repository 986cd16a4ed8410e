"""Start the real model server on a loopback port, as the emulator does."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


@dataclass(kw_only=True)
class RunningServer:
    """One server process; `log` has its standard output once it was stopped."""

    port: int
    process: subprocess.Popen[str]
    log: str = ""
    errors: str = ""
    reply_headers: dict[str, str] = field(default_factory=dict)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request on a new connection and return the status and the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            self.reply_headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, response.read()
        finally:
            connection.close()

    def invoke(self, body: bytes, content_type: str, **headers: str) -> tuple[int, bytes]:
        """Post one payload."""
        return self.request("POST", "/invocations", body, {"Content-Type": content_type, **headers})

    def stop(self) -> int:
        """Ask the server to stop, as the service does, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        log, errors = self.process.communicate(timeout=30)
        self.log += log
        self.errors += errors
        return self.process.returncode


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_environment(ml_root: Path, port: int, **extra: str) -> dict[str, str]:
    """Return the environment that the emulator gives a model server."""
    return {
        **os.environ,
        "BATCHSCORE_ML_ROOT": str(ml_root),
        "BATCHSCORE_BIND_ADDRESS": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_BATCH": "true",
        **extra,
    }


def start_process(
    environment: Mapping[str, str], command: str = "serve", *options: str
) -> subprocess.Popen[str]:
    """Start `python -m serving` without waiting for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "serving", *options, command],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def model_server(ml_root: Path, *options: str, **extra: str) -> Iterator[RunningServer]:
    """Run a server on the model in `ml_root`/model until the block ends."""
    port = free_port()
    environment = server_environment(ml_root, port, **extra)
    server = RunningServer(port=port, process=start_process(environment, "serve", *options))
    try:
        wait_for_ping(server)
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def wait_for_ping(server: RunningServer) -> None:
    """Return once the server answers; raise RuntimeError if it ends or does not within START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            server.stop()
            raise RuntimeError(f"the server ended at once: {server.errors}")
        try:
            server.request("GET", "/ping")
        except OSError:
            time.sleep(0.05)
        else:
            return
    server.process.kill()
    raise RuntimeError(f"no answer to a ping within {START_SECONDS} seconds")
