"""How this process allocates memory: block after block is freed and taken again."""

from __future__ import annotations

import ctypes

_GLIBC_OPTIONS = {-1: 2**30, -2: 2**26, -3: 2**25}
"""M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD of malloc.h, in bytes."""


def tune_memory() -> None:
    """Keep freed memory for the next block instead of giving it back, in columns too.

    That is a tenth of the time of a preparation, and a fifth of that of answering payloads. pyarrow uses
    jemalloc where that is built in: a quarter less memory and half the system time.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow to load, and who has no columns needs none of it

    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Tell glibc, where it is the C library, not to give freed memory back."""
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):
        for option, byte_count in _GLIBC_OPTIONS.items():
            c_library.mallopt(option, byte_count)
