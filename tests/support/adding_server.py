"""A model container whose score a reader can add up: the sum of the numbers in each CSV line.

Started as a process in place of the real one: `python adding_server.py serve`. The environment variable
MISBEHAVE makes it answer wrongly (see `_answer`); every request is noted in `requests.log` in its folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path

from quiet_handler import QuietHandler

_calls = {"count": 0}


def _scores(body: bytes) -> bytes:
    lines = [line for line in body.decode().split("\n") if line]
    return "\n".join(str(sum(float(number) for number in line.split(","))) for line in lines).encode()


def _answer(body: bytes, misbehaviour: str) -> tuple[int, bytes]:
    _calls["count"] += 1
    if misbehaviour == "fails-once" and _calls["count"] == 1:
        return 503, b"warming up"
    if misbehaviour == "refuses-666" and b"666" in body:
        return 400, b"the number of the beast"
    if misbehaviour == "one-too-few":
        return 200, b"\n".join(_scores(body).split(b"\n")[1:])
    if misbehaviour == "dies":
        sys.stderr.write("out of cheese\n")
        sys.stderr.flush()
        os._exit(9)
    if misbehaviour == "dies-talking":
        sys.stderr.write("a line of a long story, told before the end\n" * 40 + "THE REASON\n")
        sys.stderr.flush()
        os._exit(9)
    return 200, _scores(body)


class _Handler(QuietHandler):
    def do_GET(self) -> None:
        offered = json.loads(os.environ.get("OFFERED", "{}"))
        if self.path == "/ping":
            self.send(200, b"")
        elif offered:
            self.send(200, json.dumps(offered).encode())
        else:
            self.send(404, b"")

    def do_POST(self) -> None:
        body = self.read_body()
        with Path("requests.log").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"type": self.headers["Content-Type"], "body": body.decode()}) + "\n")
        self.send(*_answer(body, os.environ.get("MISBEHAVE", "")))


if __name__ == "__main__":
    if os.environ.get("MISBEHAVE") == "never-starts":
        sys.exit("no model in /opt/ml/model")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), _Handler).serve_forever()
