"""Compare the published scores with what the scans show: `python -m examples.images.accuracy SCORES`.

SCORES is the folder that the run names under `scores`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from .data import is_for_training, real_scans, scan_number


def accuracy(scores: Path) -> float:
    """Return the share of scans that the model never saw for which its largest output is the right digit."""
    published = pq.read_table(scores, columns=["file", "score"])
    _, digits = real_scans()
    numbers = np.array([scan_number(file) for file in published["file"].to_pylist()]) % len(digits)
    unseen = ~is_for_training(len(digits))[numbers]
    found = np.array(published["score"].to_pylist()).argmax(axis=1)
    return float(np.mean(found[unseen] == digits[numbers][unseen]))


if __name__ == "__main__":
    print(f"{accuracy(Path(sys.argv[1])):.1%} right of the scans that the model never saw")
