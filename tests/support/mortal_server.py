"""The real model server behind a door that falls shut: it answers so many payloads, and then no more.

Started in place of the real one: `python mortal_server.py serve`. The environment variable ANSWERS says how
many payloads are answered (all, without it); AFTERWARDS what comes then: `dies` kills the server and itself
with SIGKILL, `hangs` answers nothing any more and touches the file HUNG. The SHA-256 of every payload that is
answered is a line of the file SENT.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

import urllib3
from model_server import free_port
from quiet_handler import QuietHandler

_lock = threading.Lock()
_answered = {"count": 0}


def _note(body: bytes) -> None:
    """Note a payload that is answered; do not return where no more are."""
    limit = int(os.environ.get("ANSWERS", sys.maxsize))
    with _lock:
        is_last = _answered["count"] >= limit
        _answered["count"] += 1
        if not is_last:
            with Path(os.environ["SENT"]).open("a", encoding="utf-8") as log:
                log.write(hashlib.sha256(body).hexdigest() + "\n")
    if is_last and os.environ["AFTERWARDS"] == "dies":
        time.sleep(0.3)  # so that the answers on their way arrive
        os.killpg(0, signal.SIGKILL)
    if is_last:
        Path(os.environ["HUNG"]).touch()
        threading.Event().wait()


class _Handler(QuietHandler):
    def do_GET(self) -> None:
        self._forward(b"")

    def do_POST(self) -> None:
        body = self.read_body()
        _note(body)
        self._forward(body)

    def _forward(self, body: bytes) -> None:
        try:
            answer = _real.request(self.command, self.path, body=body, headers=dict(self.headers))
        except urllib3.exceptions.HTTPError:  # it is not listening yet
            return self.send(503, b"")
        return self.send(answer.status, answer.data)


if __name__ == "__main__":
    # Listens before a free port is looked for: that might else be its own, and it would ask itself for ever.
    door = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), _Handler)
    _real = urllib3.HTTPConnectionPool("127.0.0.1", free_port(), maxsize=8, retries=False)
    server = subprocess.Popen(
        [sys.executable, "-m", "serving", "serve"],
        env={**os.environ, "SAGEMAKER_BIND_TO_PORT": str(_real.port)},
    )
    signal.signal(signal.SIGTERM, lambda *_: (server.terminate(), os._exit(0)))
    door.serve_forever()
