"""A stand-in for the model container of the tiny model on the `csv` wire, which may be killed at any moment.

Started in place of the real one: `python killable_server.py serve`. A worker answers, each payload after a
twentieth of a second; when it is killed, its parent starts another. Scores are those of tiny_model.
"""

from __future__ import annotations

import os
import time
from http.server import ThreadingHTTPServer

from quiet_handler import QuietHandler

WORK_SECONDS = 0.05
PLANS = {"": 10.0, "0": 10.0, "1": 20.0, "2": 30.0}


def score(line: str) -> float:
    """Return the score of one encoded record: age, number of the plan, whether active; empty is missing."""
    age, plan, active = line.split(",")
    return 0.5 + (1 if not age or int(age) < 30 else 2) + PLANS[plan] + (200 if active == "1" else 100)


class _Handler(QuietHandler):
    def do_GET(self) -> None:
        self.send(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        lines = self.read_body().decode().splitlines()
        time.sleep(WORK_SECONDS)
        self.send(200, "".join(f"{score(line)}\n" for line in lines).encode())


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), _Handler)
    while True:
        worker = os.fork()
        if not worker:
            server.serve_forever()
        os.waitpid(worker, 0)
