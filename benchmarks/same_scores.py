"""Compare our scores with a peer's, id by id.

    python -m benchmarks.same_scores OUTPUT SCORES 1e-6

Ends with 0 if no score differs by more, and otherwise with what is different.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.dataset as pa_dataset

ID = "customer_id"


def our_scores(output: Path) -> pa.Table:
    """Return id and score of the newest run published in `output`."""
    (run,) = sorted((output / "scores").glob("run_date=*/*"))[-1:]
    files = sorted(str(path) for path in run.glob("*.parquet"))
    return pa_dataset.dataset(files).to_table(columns=[ID, "score"])


def peer_scores(written: Path) -> pa.Table:
    """Return id and score from a CSV with a header, or from all those in a folder, in any order."""
    files = [written] if written.is_file() else sorted(written.glob("*.csv"))
    types = pa_csv.ConvertOptions(column_types={ID: pa.string(), "score": pa.float64()})
    return pa.concat_tables(pa_csv.read_csv(file, convert_options=types) for file in files)


def largest_difference(output: Path, written: Path) -> float:
    """Return by how much a peer's score differs from ours at most; infinity if the ids are not the same."""
    ours, theirs = (_in_order(table) for table in (our_scores(output), peer_scores(written)))
    if ours.num_rows != theirs.num_rows or not pc.all(pc.equal(ours[ID], theirs[ID])).as_py():
        return math.inf
    return float(np.abs(ours["score"].to_numpy() - theirs["score"].to_numpy()).max(initial=0.0))


def _in_order(table: pa.Table) -> pa.Table:
    ids = table[ID].cast(pa.string())
    return pa.table({ID: ids, "score": table["score"].cast(pa.float64())}).sort_by(ID)


def main(output: str, written: str, allowed: str) -> None:
    """Compare; end with a message if they are not the same."""
    difference = largest_difference(Path(output), Path(written))
    if difference > float(allowed):
        what = f"by up to {difference:g}" if math.isfinite(difference) else "in which records they have"
        sys.exit(f"its scores differ from ours {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
