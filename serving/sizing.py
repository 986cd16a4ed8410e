"""How many requests to serve at once, and with how many threads each, on the machine at hand.

XGBoost and pyarrow work outside the interpreter lock, so requests run on threads of one process that share
one model. Requests at once times threads a request equals the cores: more only adds switching.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB

WORKING_BYTES_PER_PAYLOAD_BYTE = 64
"""Memory for one request over the size of its payload: body, columns, feature vectors, scores, answer.

Measured with 20 MB: lines of CSV, JSON or LIBSVM 2 to 9, and 25 where each line is of two bytes or
damaged; RecordIO 6; Parquet 10 with plain columns, 53 to 64 with columns of few different values. A Parquet
payload that would take more than its share of the memory is refused (`serving.invocation`)."""

LOADED_BYTES_PER_MODEL_BYTE = 4
"""Memory for a model over the size of its file, guessed before it is loaded to choose its threads, and
afterwards measured. It differs too much to be told by format: 1.8 (UBJ), 10.8 (the same trees as JSON), 1.5
(LightGBM), 13.5 (ONNX)."""

LIBRARY_BYTES = 100 * BYTES_PER_MB
"""For what libraries and threads keep once they have been used: measured some 40 MB
(benchmarks/serve_concurrently.py)."""

USABLE_MEMORY_FRACTION = 0.8

CONTAINER_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux (cgroup v2) tells a container how much memory it may use, in bytes."""

PROCESS_STATISTICS = Path("/proc/self/statm")
"""Where Linux tells a process how many pages of memory it has, and has resident."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the process may use.

    Attributes:
        core_count: Processor cores.
        memory_bytes: Physical memory, or what the container is limited to if that is less.
    """

    core_count: int
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How requests are served.

    Attributes:
        concurrent_transforms: Requests at once.
        threads_per_transform: Threads that score one request.
        transform_memory_bytes: What one request may take, however small its payload is packed.
    """

    concurrent_transforms: int
    threads_per_transform: int
    transform_memory_bytes: int


def this_machine(memory_limit_file: Path = CONTAINER_MEMORY_LIMIT) -> Machine:
    """Return the cores this process may run on and the memory that it may use."""
    # Not everywhere does the operating system say which cores a process is tied to (macOS does not).
    tied = getattr(os, "sched_getaffinity", None)
    core_count = len(tied(0)) if tied else os.cpu_count() or 1
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = memory_limit_file.read_text().strip() if memory_limit_file.is_file() else "max"
    if limit.isdecimal():  # and not "max", which stands for no limit
        memory_bytes = min(memory_bytes, int(limit))
    return Machine(core_count=core_count, memory_bytes=memory_bytes)


def resident_bytes(process_statistics: Path = PROCESS_STATISTICS) -> int:
    """Return the memory that this process holds now; without Linux, the most that it ever held."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    if process_statistics.is_file():
        return int(process_statistics.read_text().split()[1]) * page_bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS says bytes


def plan_capacity(
    machine: Machine, *, loaded_bytes: int, max_payload_mb: int, requested: int | None
) -> Capacity:
    """Choose the capacity: one request a core, or as many as the transform job `requested`.

    Memory and the API's limit on concurrency times payload (100 MB) bound both, but there is always one.
    Further requests wait, so that the peak of the process stays below

        loaded_bytes + LIBRARY_BYTES + concurrent_transforms x max_payload_mb x WORKING_BYTES_PER_PAYLOAD_BYTE

    Args:
        machine: What the process may use.
        loaded_bytes: What the process takes with its model, before the first payload.
        max_payload_mb: Largest payload.
        requested: Requests at once that the transform job asked for, or None if it did not say.
    """
    payload_bytes = max_payload_mb * BYTES_PER_MB
    free_bytes = int(machine.memory_bytes * USABLE_MEMORY_FRACTION) - loaded_bytes - LIBRARY_BYTES
    fit_in_memory = free_bytes // (payload_bytes * WORKING_BYTES_PER_PAYLOAD_BYTE)
    wanted = machine.core_count if requested is None else requested
    concurrent = max(1, min(wanted, fit_in_memory, MAX_PAYLOAD_MB // max_payload_mb))
    return Capacity(
        concurrent_transforms=concurrent,
        threads_per_transform=max(1, machine.core_count // concurrent),
        # Where not even one fits, what is small is still tried.
        transform_memory_bytes=max(free_bytes // concurrent, payload_bytes),
    )
