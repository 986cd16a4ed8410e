"""Measure the model server with more payloads at once than it works on.

    python -m benchmarks.serve_concurrently --megabytes 10 --clients 64

Each client posts one CSV payload of the given size, all at the same time, to a server that works on as many
as it chose for this machine. Printed are throughput, the peak memory of the server's process before and
after, and the bound that `serving.sizing` states for it. A client waits for at most 30 seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.machine import describe_machine, keep_result
from contracts.payload_limits import BYTES_PER_MB
from contracts.wire import CSV_CONTENT_TYPE
from serving.sizing import MODEL_COPIES, PROCESS_BYTES, WORKING_BYTES_PER_PAYLOAD_BYTE

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

RECORD = b"29,0,1\n"


def peak_bytes(process_id: int) -> int:
    """Return the most memory that a process ever had resident [Linux]."""
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main(arguments: Sequence[str]) -> None:
    """Start a server for each round, send it all payloads at once, print and keep the figures."""
    from model_server import model_server  # noqa: PLC0415 - found through the path above
    from tiny_model import make_tiny_model_folder  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve_concurrently", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=10, help="size of a payload, 1 to 100")
    parser.add_argument("--clients", type=int, default=64, help="payloads at once")
    parser.add_argument("--rounds", type=int, default=3, help="how often, each with a new server")
    given = parser.parse_args(arguments)
    body = RECORD * (given.megabytes * BYTES_PER_MB // len(RECORD))
    seconds: list[float] = []
    peaks: list[int] = []
    peaks_before: list[int] = []
    at_once = 0
    with tempfile.TemporaryDirectory(prefix="batchscore-serve-") as work:
        folder = make_tiny_model_folder(Path(work) / "model")
        model_bytes = (folder / "model.json").stat().st_size
        for _ in range(given.rounds):
            with model_server(Path(work), SAGEMAKER_MAX_PAYLOAD_IN_MB=str(given.megabytes)) as server:
                offered = json.loads(server.request("GET", "/execution-parameters")[1])
                at_once = offered["MaxConcurrentTransforms"]
                peaks_before.append(peak_bytes(server.process.pid))
                begun = time.perf_counter()
                with ThreadPoolExecutor(given.clients) as pool:
                    sent = [pool.submit(server.invoke, body, CSV_CONTENT_TYPE) for _ in range(given.clients)]
                    statuses = {answer.result()[0] for answer in sent}
                seconds.append(time.perf_counter() - begun)
                peaks.append(peak_bytes(server.process.pid))
            if statuses != {200}:
                sys.exit(f"answered with {statuses}")
    working_bytes = at_once * given.megabytes * BYTES_PER_MB * WORKING_BYTES_PER_PAYLOAD_BYTE
    bound = PROCESS_BYTES + MODEL_COPIES * model_bytes + working_bytes
    median = statistics.median(seconds)
    print(
        f"{given.clients} payloads of {given.megabytes} MB, {at_once} at once: {median:.2f} s, "
        f"{given.clients * given.megabytes / median:.0f} MB/s, peak {max(peaks) / BYTES_PER_MB:.0f} MB "
        f"({max(peaks_before) / BYTES_PER_MB:.0f} MB before the first), "
        f"bound {bound / BYTES_PER_MB:.0f} MB"
    )
    facts = {"megabytes": given.megabytes, "clients": given.clients, "at_once": at_once, "seconds": seconds}
    result = {
        **facts,
        "peak_bytes": peaks,
        "peak_bytes_before": peaks_before,
        "bound_bytes": bound,
        "machine": describe_machine(),
    }
    print(f"kept in {keep_result('serve_concurrently', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])
