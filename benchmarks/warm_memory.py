"""Touch free memory and give it back, so that who is measured next finds it there.

    python -m benchmarks.warm_memory

A virtual machine may have to get memory from its host piece by piece when it is first touched, and may give
it back as soon as it is free. Where that was so, getting a gigabyte took 2.3 seconds, which would be paid for
by whoever comes after a pause, and not by who comes after a program that needed much.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

MEMINFO = Path("/proc/meminfo")
TOUCHED_FRACTION = 0.5
"""Of what is free: enough for every program here, and no reason for the system to make room."""

MOST_BYTES = 12 * 1024**3
"""More than any of them took of 50,000,000 records."""

_PAGE_BYTES = 4096


def free_bytes() -> int:
    """Return the memory that nothing is in, on Linux; elsewhere 0."""
    if not MEMINFO.exists():
        return 0
    found = re.search(r"^MemFree:\s+(\d+) kB", MEMINFO.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def touch(byte_count: int) -> None:
    """Write to each page of so much memory, and give it back."""
    np.empty(byte_count, dtype=np.uint8)[::_PAGE_BYTES] = 1


if __name__ == "__main__":
    touch(min(MOST_BYTES, int(TOUCHED_FRACTION * free_bytes())))
