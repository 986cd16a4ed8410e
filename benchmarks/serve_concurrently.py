"""Measure the model server with more payloads at once than it works on.

    python -m benchmarks.serve_concurrently --wire csv --megabytes 100 --clients 64

Each client posts the same payload of the given size, all at the same time, to a server that works on as many
as it chose for this machine; a client that is told 503 comes again when it was told to. Printed are
throughput, the peak memory of the server's processes before and after, and the bound that `serving.sizing`
states for it. The payload is mapped into memory once, whoever sends it.
"""

from __future__ import annotations

import argparse
import json
import mmap
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine, keep_result
from benchmarks.model_server import (
    SECONDS_PER_MB,
    content_type_of,
    make_model_folder,
    make_payload,
    peak_bytes,
    started,
)
from benchmarks.processes import in_another_process
from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB
from contracts.wire import WIRE_FORMATS
from serving.sizing import LIBRARY_BYTES, WORKING_BYTES_PER_PAYLOAD_BYTE


def serve_one_round(work: Path, payload: memoryview, given: argparse.Namespace) -> dict[str, Any]:
    """Start a server, send it all payloads at once and return what was measured.

    Raises:
        SystemExit: One was not answered with scores.
    """
    wait_seconds = given.megabytes * given.clients * SECONDS_PER_MB
    with (
        started(["-m", "serving", "serve"], work, SAGEMAKER_MAX_PAYLOAD_IN_MB=str(given.megabytes)) as server,
        ThreadPoolExecutor(given.clients) as pool,
    ):
        at_once = json.loads(server.ask("/execution-parameters"))["MaxConcurrentTransforms"]
        peak_before = peak_bytes(server.process_id)
        begun = time.perf_counter()
        sent = [
            pool.submit(server.invoke, payload, content_type_of(given.wire), wait_seconds)
            for _ in range(given.clients)
        ]
        statuses = {answer.result() for answer in sent}
        seconds = time.perf_counter() - begun
        if statuses != {200}:
            sys.exit(f"answered with {statuses}")
        working_bytes = at_once * given.megabytes * BYTES_PER_MB * WORKING_BYTES_PER_PAYLOAD_BYTE
        return {
            "at_once": at_once,
            "seconds": seconds,
            "peak_bytes": peak_bytes(server.process_id),
            "peak_bytes_before": peak_before,
            "bound_bytes": peak_before + LIBRARY_BYTES + working_bytes,
        }


def main(arguments: Sequence[str]) -> None:
    """Measure each round with a new server, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve_concurrently", description=__doc__)
    parser.add_argument("--wire", choices=sorted(WIRE_FORMATS), default="csv")
    parser.add_argument("--features", type=int, default=20, help="numbers in a record")
    parser.add_argument("--megabytes", type=int, default=10, help=f"of a payload, 1 to {MAX_PAYLOAD_MB}")
    parser.add_argument("--clients", type=int, default=64, help="payloads at once")
    parser.add_argument("--rounds", type=int, default=3, help="how often, each with a new server")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="batchscore-serve-") as name:
        work = Path(name)
        in_another_process(make_model_folder, work / "model", given.features)
        payload_bytes = given.megabytes * BYTES_PER_MB
        in_another_process(make_payload, work / "payload", given.wire, payload_bytes, given.features)
        with (
            (work / "payload").open("rb") as file,
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped,
        ):
            payload = memoryview(mapped)
            sent_bytes = len(payload)
            rounds = [serve_one_round(work, payload, given) for _ in range(given.rounds)]
            payload.release()
    median = statistics.median(measured["seconds"] for measured in rounds)
    highest = max(rounds, key=lambda measured: measured["peak_bytes"])
    print(
        f"{given.clients} payloads of {given.megabytes} MB {given.wire}, {highest['at_once']} at once: "
        f"{median:.2f} s, {given.clients * sent_bytes / BYTES_PER_MB / median:.0f} MB/s, "
        f"peak {highest['peak_bytes'] / BYTES_PER_MB:.0f} MB "
        f"({highest['peak_bytes_before'] / BYTES_PER_MB:.0f} MB before the first), "
        f"bound {highest['bound_bytes'] / BYTES_PER_MB:.0f} MB"
    )
    asked = {name: getattr(given, name) for name in ("wire", "features", "megabytes", "clients")}
    result = {**asked, "payload_bytes": sent_bytes, "rounds": rounds, "machine": describe_machine()}
    print(f"kept in {keep_result('serve_concurrently', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])
