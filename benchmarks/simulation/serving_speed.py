"""Measure what the simulation takes for granted: how long the real model server needs for a payload.

A payload of few and one of many records are sent again and again, one at a time, over HTTP on loopback. What
counts is the processor time of the server's processes, which other work on the machine hardly changes. The
line through both gives the seconds of a request and of a record: of one slot, by its own core.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import describe_machine, keep_result
from benchmarks.model_server import (
    TREES,
    ServerProcess,
    content_type_of,
    cpu_seconds,
    make_model_folder,
    started,
)
from contracts.arrow_files import arrow_bytes

RESULT_NAME = "simulation_serving"
FEATURES = 20
FEW, MANY = 1_000, 50_000
REQUESTS = {FEW: 400, MANY: 60}
WIRES = ("arrow", "parquet", "csv")


@dataclass(frozen=True, kw_only=True)
class ServingSpeed:
    """What one slot needs.

    Attributes:
        payload_seconds: For a request, beside its records.
        seconds_per_record: For a record.
        bytes_per_record: In a payload.
    """

    payload_seconds: float
    seconds_per_record: float
    bytes_per_record: float


def make_payload(wire: str, record_count: int) -> bytes:
    """Return a payload of records with FEATURES whole numbers from 0 to 99, as the wire has them.

    In Arrow they are of one byte, as PrepareInput writes integers whose bounds the contract states.
    """
    vectors = np.random.default_rng(5).integers(0, 100, (record_count, FEATURES))
    if wire == "csv":
        return "".join(",".join(map(str, row)) + "\n" for row in vectors.tolist()).encode()
    kind = np.int8 if wire == "arrow" else np.float64
    columns = {f"f{number}": vectors[:, number].astype(kind) for number in range(FEATURES)}
    table = pa.table({"id": pa.array(np.arange(record_count)).cast(pa.string()), **columns})
    if wire == "arrow":
        return arrow_bytes(table)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def speed_through(few: tuple[int, float], many: tuple[int, float], payload_bytes: int) -> ServingSpeed:
    """Return the speed on a line through two measurements: (records, seconds), and bytes of the second."""
    per_record = (many[1] - few[1]) / (many[0] - few[0])
    return ServingSpeed(
        payload_seconds=max(0.0, few[1] - few[0] * per_record),
        seconds_per_record=per_record,
        bytes_per_record=payload_bytes / many[0],
    )


def measure_serving() -> dict[str, Any]:
    """Measure each wire, print and keep the figures, and return them."""
    with tempfile.TemporaryDirectory(prefix="batchscore-simulation-") as name:
        work = Path(name)
        make_model_folder(work / "model", FEATURES)
        with started(["-m", "serving", "serve"], work) as server:
            wires = {wire: _measure_wire(server, wire) for wire in WIRES}
    for wire, found in wires.items():
        many, few = (found[name] * 1000 for name in ("many_seconds", "few_seconds"))
        print(f"{wire}: {MANY:,} records in {many:.1f} ms, {FEW:,} in {few:.2f} ms")
    how = "processor time of the server a request, sent one at a time over HTTP on loopback"
    facts = {"features": FEATURES, "trees": TREES, "few": FEW, "many": MANY, "how": how}
    result = {**facts, "wires": wires, "machine": describe_machine()}
    print(f"kept in {keep_result(RESULT_NAME, result)}")
    return result


def _measure_wire(server: ServerProcess, wire: str) -> dict[str, Any]:
    payloads = {count: make_payload(wire, count) for count in (FEW, MANY)}
    seconds = {count: _seconds(server, wire, body, REQUESTS[count]) for count, body in payloads.items()}
    return {
        "few_seconds": seconds[FEW],
        "many_seconds": seconds[MANY],
        "many_bytes": len(payloads[MANY]),
        "few_requests": REQUESTS[FEW],
        "many_requests": REQUESTS[MANY],
    }


def _seconds(server: ServerProcess, wire: str, payload: bytes, request_count: int) -> float:
    """Return the processor time of one request; the first ones, which fill caches, do not count."""
    for number in range(-3, request_count):
        if number == 0:
            before = cpu_seconds(server.process_id)
        status = server.invoke(payload, content_type_of(wire), timeout_seconds=60)
        if status != 200:
            raise RuntimeError(f"a payload of {wire} was answered with {status}")
    return (cpu_seconds(server.process_id) - before) / request_count


def speeds_of(measured: dict[str, Any]) -> dict[str, ServingSpeed]:
    """Return the speed on each wire of a kept measurement."""
    return {
        wire: speed_through(
            (measured["few"], found["few_seconds"]),
            (measured["many"], found["many_seconds"]),
            found["many_bytes"],
        )
        for wire, found in measured["wires"].items()
    }
