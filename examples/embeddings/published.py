"""Read the vectors that the newest run has published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pa_dataset

from contracts.errors import CallerError
from contracts.ledger import POINTER_FILE


def published_reviews(output: Path) -> pa.Table:
    """Return the reviews that have a vector, from the newest run below `output`.

    Raises:
        CallerError: Nothing was published there.
    """
    pointer = output / "pointer" / POINTER_FILE
    if not pointer.is_file():
        raise CallerError(
            f"{pointer}: is not there; run `make example NAME=embeddings` first, or say with `--rows` which "
            f"ROWS it was run with: {_runs_beside(output)}"
        )
    newest = json.loads(pointer.read_bytes())
    folder = output / "scores" / f"run_date={newest['run_date']}" / newest["run_id"]
    reviews = pa_dataset.dataset(sorted(str(path) for path in folder.glob("part-*.parquet"))).to_table()
    return reviews.filter(pc.is_null(reviews["error"]))


def _runs_beside(output: Path) -> str:
    """Return the options of those runs that have published something."""
    names = sorted(path.parents[1].name for path in output.parent.glob(f"*/pointer/{POINTER_FILE}"))
    options = ["no --rows" if name == "real" else f"--rows {name}" for name in names]
    return f"there are results for {', '.join(options) or 'none'}"


def vectors_of(reviews: pa.Table) -> np.ndarray:
    """Return the vectors as float32 of shape (reviews, 384)."""
    lists = reviews["score"].combine_chunks()
    return np.asarray(lists.flatten().to_numpy().reshape(len(lists), lists.type.list_size))
