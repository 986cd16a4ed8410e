"""How many requests to serve at once, and with how many threads each, on the machine at hand.

XGBoost and pyarrow work outside the interpreter lock, so requests run on threads of one process that share
one model. Requests at once times threads a request equals the cores: more only adds switching.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB

WORKING_BYTES_PER_PAYLOAD_BYTE = 32
"""Memory for one request over the size of its payload: body, columns, feature vectors, scores, answer.
Measured with 20 features and payloads of 6 MB: 16 (zstd Parquet), 9 (plain Parquet), 10 (CSV); doubled for
columns that compress better."""

MODEL_COPIES = 3
"""Memory for a loaded model over the size of its file: 20.5 MB for a UBJ file of 6.8 MB (500 trees)."""

PROCESS_BYTES = 300 * BYTES_PER_MB
"""For the process itself, whatever it serves: measured 206 MB before the first payload, and some 40 MB for
what its libraries keep once they have been used (benchmarks/serve_concurrently.py)."""

USABLE_MEMORY_FRACTION = 0.8

CONTAINER_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux (cgroup v2) tells a container how much memory it may use, in bytes."""


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
    """

    concurrent_transforms: int
    threads_per_transform: int


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


def plan_capacity(
    machine: Machine, *, model_bytes: int, max_payload_mb: int, requested: int | None
) -> Capacity:
    """Choose the capacity: one request a core, or as many as the transform job `requested`.

    Memory and the API's limit on concurrency times payload (100 MB) bound both, but there is always one.
    Further requests wait, so that the peak of the process stays below

        PROCESS_BYTES + MODEL_COPIES x model_bytes
        + concurrent_transforms x max_payload_mb x WORKING_BYTES_PER_PAYLOAD_BYTE
    """
    free_bytes = machine.memory_bytes * USABLE_MEMORY_FRACTION - model_bytes * MODEL_COPIES
    fit_in_memory = int(free_bytes // (max_payload_mb * BYTES_PER_MB * WORKING_BYTES_PER_PAYLOAD_BYTE))
    wanted = machine.core_count if requested is None else requested
    concurrent = max(1, min(wanted, fit_in_memory, MAX_PAYLOAD_MB // max_payload_mb))
    return Capacity(
        concurrent_transforms=concurrent, threads_per_transform=max(1, machine.core_count // concurrent)
    )
