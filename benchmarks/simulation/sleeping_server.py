"""A model container of known speed that needs no core: it sleeps for as long as a payload is large.

    python sleeping_server.py serve

Several of them on a machine with few cores are as fast as on machines of their own. SECONDS_PER_BYTE and
SECONDS_PER_REQUEST say how long; when each request began and ended (on the clock that all processes of a
machine share) is a line of JSON in `requests.log` in its folder.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        begun = time.monotonic()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        wanted = len(body) * float(os.environ["SECONDS_PER_BYTE"]) + float(os.environ["SECONDS_PER_REQUEST"])
        time.sleep(max(0.0, wanted - (time.monotonic() - begun)))
        line = json.dumps({"name": body[:32].decode().strip(), "begun": begun, "ended": time.monotonic()})
        with _lock, Path("requests.log").open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        self._send(200, b"0\n")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), _Handler).serve_forever()
