"""Compare HTTP servers under the model server's own application.

    python -m benchmarks.compare_servers --rounds 5

Each round starts each server anew, in turn; a client posts payloads of growing size, one of each to warm up
and then REQUESTS more, one after another. Told are medians over the rounds: wall and processor time of the
server for one payload, and the peak memory of its process above what it held before the first. The payload is
CSV of few and very long records (zeros before the number), which is quickly scored: what differs is the
server's part.

The servers: granian, as the container runs it; uvicorn with httptools and with h11, its two parsers
(`requirements/bench.txt`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine, keep_result
from benchmarks.model_server import ServerProcess, cpu_seconds, make_model_folder, peak_bytes, started
from contracts.payload_limits import BYTES_PER_MB
from contracts.wire import CSV_CONTENT_TYPE
from serving.app import ScoringApp
from serving.factory import serve
from serving.request_log import RequestLog
from serving.settings import settings_from

SERVERS = ("granian", "uvicorn-httptools", "uvicorn-h11")
REQUESTS = 5
TIMEOUT_SECONDS = 120
FEATURES = 3
RECORD = b"29,0," + b"0" * (64 * 1024 - 7) + b"1\n"
COLUMNS = ("wall_seconds", "cpu_seconds", "peak_bytes")


def serve_with_uvicorn(app: ScoringApp, *, address: str, port: int, log: RequestLog) -> None:
    """Serve as `serving.server.run_server` does, without its manners at the end."""
    import uvicorn  # noqa: PLC0415 - only who compares has it

    del log
    parser = os.environ["BATCHSCORE_HTTP_PARSER"]
    uvicorn.run(
        app,
        host=address,
        port=port,
        http=parser,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="warning",
    )


def measure(name: str, ml_root: Path, megabytes: Sequence[int]) -> list[dict[str, float]]:
    """Start a server and return what a payload of each size took, by the names of COLUMNS.

    Args:
        name: One of SERVERS.
        ml_root: Has the model.
        megabytes: The sizes, ascending: a peak of memory is never lower than the one before.
    """
    kind, _, parser = name.partition("-")
    command = (
        ["-m", "serving", "serve"] if kind == "granian" else ["-m", "benchmarks.compare_servers", "--serve"]
    )
    variables = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "100", "BATCHSCORE_HTTP_PARSER": parser}
    found = []
    with started(command, ml_root, **variables) as server:
        held = peak_bytes(server.process_id)
        for size in megabytes:
            body = RECORD * (size * BYTES_PER_MB // len(RECORD))
            _post(server, body)
            cpu_before = cpu_seconds(server.process_id)
            walls = [_post(server, body) for _ in range(REQUESTS)]
            cpu = (cpu_seconds(server.process_id) - cpu_before) / REQUESTS
            peak = peak_bytes(server.process_id) - held
            found.append(dict(zip(COLUMNS, (statistics.median(walls), cpu, peak), strict=True)))
    return found


def _post(server: ServerProcess, body: bytes) -> float:
    """Return how many seconds it took."""
    begun = time.perf_counter()
    status = server.invoke(body, CSV_CONTENT_TYPE, TIMEOUT_SECONDS)
    seconds = time.perf_counter() - begun
    if status != 200:
        sys.exit(f"answered {status}")
    return seconds


def main(arguments: Sequence[str]) -> None:
    """Measure in alternate rounds, print medians and their ratios to the first server's, and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_servers", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="be the server that the environment names")
    parser.add_argument("--rounds", type=int, default=5, help="how often, each with new servers")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 6, 20, 100], help="of the payloads")
    given = parser.parse_args(arguments)
    if given.serve:
        serve(settings_from(os.environ), sys.stdout, run=serve_with_uvicorn)
        return
    rounds: dict[tuple[int, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="batchscore-servers-") as name:
        work = Path(name)
        make_model_folder(work / "model", FEATURES)
        sizes = sorted(given.megabytes)
        for number in range(given.rounds):
            first = number % len(SERVERS)
            for server in SERVERS[first:] + SERVERS[:first]:
                for size, found in zip(sizes, measure(server, work, sizes), strict=True):
                    rounds.setdefault((size, server), []).append(found)
    results: list[dict[str, Any]] = []
    for (megabytes, server), measured in sorted(rounds.items()):
        medians = {column: statistics.median(each[column] for each in measured) for column in COLUMNS}
        results.append({"megabytes": megabytes, "server": server, **medians, "rounds": measured})
        base = next(each for each in results if each["megabytes"] == megabytes)  # granian comes first
        told = (
            f"{medians['wall_seconds'] * 1000:.1f} ms, {medians['cpu_seconds'] * 1000:.1f} ms of processor, "
            f"{medians['peak_bytes'] / BYTES_PER_MB:.0f} MB"
        )
        ratios = ", ".join(f"{medians[column] / base[column]:.2f}" for column in COLUMNS)
        print(f"{megabytes:4} MB  {server:18} {told}  ({ratios})")
    versions = {package: version(package) for package in ("granian", "uvicorn", "httptools", "h11")}
    result = {"requests": REQUESTS, "results": results, "versions": versions, "machine": describe_machine()}
    print(f"kept in {keep_result('compare_servers', result)}")


if __name__ == "__main__":
    main(sys.argv[1:])
