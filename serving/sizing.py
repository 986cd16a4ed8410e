"""How many requests to serve at once, and with how many threads each, on the machine at hand.

XGBoost and pyarrow work outside the interpreter lock, so requests run on threads of one process that share
one model. Requests at once times threads a request equals the cores: more only adds switching.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB

WORKING_BYTES_PER_PAYLOAD_BYTE = 32
"""Memory for one request over the size of its payload: body, columns, feature vectors, scores, answer.
Measured with 20 features and payloads of 6 MB: 16 (zstd Parquet), 9 (plain Parquet), 10 (CSV); doubled for
columns that compress better."""

MODEL_COPIES = 3
"""Memory for a loaded model over the size of its file: 20.5 MB for a UBJ file of 6.8 MB (500 trees)."""

USABLE_MEMORY_FRACTION = 0.8


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the process may use.

    Attributes:
        core_count: Processor cores.
        memory_bytes: Physical memory.
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


def this_machine() -> Machine:
    """Return the cores this process may run on and the memory of the machine."""
    # Not everywhere does the operating system say which cores a process is tied to (macOS does not).
    tied = getattr(os, "sched_getaffinity", None)
    core_count = len(tied(0)) if tied else os.cpu_count() or 1
    return Machine(
        core_count=core_count, memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    )


def plan_capacity(
    machine: Machine, *, model_bytes: int, max_payload_mb: int, requested: int | None
) -> Capacity:
    """Choose the capacity; `requested` is what the transform job asked for, and wins if given.

    Otherwise there is one request a core, as far as memory and the API's limit on concurrency times payload
    (100 MB) allow, and never fewer than one.
    """
    if requested is None:
        free_bytes = machine.memory_bytes * USABLE_MEMORY_FRACTION - model_bytes * MODEL_COPIES
        fit_in_memory = int(free_bytes // (max_payload_mb * BYTES_PER_MB * WORKING_BYTES_PER_PAYLOAD_BYTE))
        requested = max(1, min(machine.core_count, fit_in_memory, MAX_PAYLOAD_MB // max_payload_mb))
    return Capacity(
        concurrent_transforms=requested, threads_per_transform=max(1, machine.core_count // requested)
    )
