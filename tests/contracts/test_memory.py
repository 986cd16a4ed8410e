"""Memory that was freed is taken again without asking the kernel for it anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

COUNT_FAULTS = """
import resource, sys
import numpy as np
from contracts import memory

getattr(memory, sys.argv[1], list)()
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones(1_000_000) for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Pages that come anew when blocks of 32 MB are taken for the third time, as for payload after payload."""


def page_faults(how: str) -> int:
    """What a process of its own counts: what is told to the C library cannot be taken back."""
    argv = [sys.executable, "-c", COUNT_FAULTS, how]
    return int(subprocess.run(argv, cwd=ROOT, env={}, capture_output=True, check=True).stdout)


@pytest.mark.functional
@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_freed_blocks_stay_with_the_process() -> None:
    """Clearing fresh pages costs more than what is written to them."""
    assert page_faults("keep_freed_memory") < 100 < page_faults("as it is")
    assert page_faults("tune_memory") < 100
