"""A model container that does what it should not: the variable MISBEHAVE says what, for payloads with 666.

Other payloads get the sum of the numbers in each line, or what ANSWER says. Every request is a line of JSON
in the file `requests.log` of its folder, and how it was started is in `started.json`. The first BAD_PINGS
pings are answered 503. OFFERED is what `/execution-parameters` answers. `misbehaving_server.py serve` starts
it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path

from quiet_handler import QuietHandler

_lock = threading.Lock()
_others = threading.Event()
_pings = {"count": 0}
PAGE = b"<!DOCTYPE html><title>502</title>Bad gateway"


def scores(body: bytes) -> bytes:
    """Return the sum of the numbers in each line, a line each, the last one not ended."""
    lines = body.decode().removesuffix("\n").split("\n")
    return "\n".join(str(sum(map(float, line.split(",")))) for line in lines).encode()


class _Handler(QuietHandler):
    def do_GET(self) -> None:
        if self.path == "/ping":
            self._note("")
            _pings["count"] += 1
            return self.send(200 if _pings["count"] > int(os.environ.get("BAD_PINGS", "0")) else 503, b"")
        offered = os.environ.get("OFFERED", "")
        return self.send(200 if offered else 404, offered.encode())

    def do_POST(self) -> None:
        body = self._body()
        self._note(body.decode())
        misbehaviour = _MISBEHAVIOURS.get(os.environ.get("MISBEHAVE", ""))
        if misbehaviour and b"666" in body:
            misbehaviour(self, body)
        else:
            _others.set()
            self.send(200, os.environ["ANSWER"].encode() if "ANSWER" in os.environ else scores(body))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.read_body()
        body = b""
        while byte_count := int(self.rfile.readline(), 16):
            body += self.rfile.read(byte_count)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _note(self, body: str) -> None:
        noted = {"path": self.path, "headers": dict(self.headers), "body": body}
        with _lock, Path("requests.log").open("a", encoding="utf-8") as log:
            log.write(json.dumps(noted) + "\n")

    def too_short(self, _: bytes) -> None:
        self.send_head(200, {"Content-Length": "100"})
        self.wfile.write(b"1.5\n2")
        self.close_connection = True

    def broken_chunks(self, _: bytes) -> None:
        self.send_head(200, {"Transfer-Encoding": "chunked"})
        self.wfile.write(b"4\r\n1.5\n\r\n")
        self.close_connection = True

    def no_length(self, body: bytes) -> None:
        self.send_head(200, {})
        self.wfile.write(scores(body))
        self.close_connection = True

    def hangs(self, _: bytes) -> None:
        threading.Event().wait()

    def hangs_midway(self, _: bytes) -> None:
        self.send_head(200, {"Content-Length": "100"})
        self.wfile.write(b"1.5\n2")
        self.wfile.flush()
        threading.Event().wait()

    def late(self, body: bytes) -> None:
        """Answer when the next request is there, with a number that belongs to no record."""
        _others.wait()
        self.send(200, b"13\n" * len(body.splitlines()))

    def drips(self, _: bytes) -> None:
        """Send a byte every tenth of a second: each read is in time, the answer is not."""
        self.send_head(200, {"Content-Length": "1000"})
        try:
            for _ in range(1000):
                self.wfile.write(b"7")
                threading.Event().wait(0.1)
        except OSError:
            self.close_connection = True  # nobody listens any more

    def dies(self, _: bytes) -> None:
        self.send_head(200, {"Content-Length": "100"})
        self.wfile.write(b"1.5\n2")
        self.wfile.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    def exits(self, _: bytes) -> None:
        os._exit(1)


_MISBEHAVIOURS: dict[str, Callable[[_Handler, bytes], None]] = {
    "too-short": _Handler.too_short,
    "broken-chunks": _Handler.broken_chunks,
    "no-length": _Handler.no_length,
    "hangs": _Handler.hangs,
    "hangs-midway": _Handler.hangs_midway,
    "late": _Handler.late,
    "drips": _Handler.drips,
    "dies": _Handler.dies,
    "exits": _Handler.exits,
    "fewer-lines": lambda handler, body: handler.send(200, scores(body).partition(b"\n")[0]),
    "more-lines": lambda handler, body: handler.send(200, scores(body) + b"\n9\n"),
    "page": lambda handler, _: handler.send(200, PAGE),
    "typed-page": lambda handler, _: handler.send(
        200, b"It works!\n2\n", **{"Content-Type": "text/html; charset=utf-8"}
    ),
    "empty": lambda handler, _: handler.send(200, b""),
    "no-content": lambda handler, _: handler.send(204, b""),
    "redirects": lambda handler, _: handler.send(302, b"over there", Location="/elsewhere"),
    "unavailable": lambda handler, _: handler.send(503, b"warming up"),
    "not-csv": lambda handler, _: handler.send(200, b'"1,2\n3\n'),
}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Path("started.json").write_text(
        json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}), encoding="utf-8"
    )
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), _Handler).serve_forever()
