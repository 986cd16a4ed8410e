"""The model deals objects out to instances as the emulator does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.simulation.emulated import run_emulated
from contracts.transform_schedule import deal

pytestmark = pytest.mark.functional


@pytest.mark.parametrize(("seed", "instances"), [(1, 1), (2, 2), (3, 4), (4, 5)])
def test_every_instance_is_sent_what_the_model_deals_to_it(seed: int, instances: int, tmp_path: Path) -> None:
    """Keys of several lengths and folders: their order is that of their bytes, and not of numbers."""
    chosen = np.random.default_rng(seed)
    numbers = chosen.choice(2000, size=int(chosen.integers(1, 14)), replace=False)
    keys = [f"{'deep/' if number % 3 == 0 else ''}{number}.csv" for number in numbers]
    objects = {key: f"{key:<32}".encode() for key in keys}
    nothing = {"SECONDS_PER_BYTE": "0", "SECONDS_PER_REQUEST": "0"}

    served = run_emulated(tmp_path, objects, instances, 2, **nothing)

    assert [sorted(instance.names) for instance in served] == [
        sorted(share) for share in deal(sorted(keys), instances)
    ]
