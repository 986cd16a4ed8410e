"""Make what the benchmarks run on: customers as CSV, their contract, and a model of 300 trees of depth 6.

    python -m benchmarks.workload --rows 5000000 --damage 0.001

Everything is below `benchmarks/work/` and made again only when the code that decides it has changed. A CSV is
written a chunk at a time: memory does not grow with the rows. The model is the same for every size.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import xgboost

from benchmarks import customers, damage
from benchmarks.workload_files import WORK, Workload, workload_below
from contracts.atomic_files import whole_file, write_bytes
from contracts.encoding import encode
from examples import making

TRAINING_ROWS = 200_000
TREE_COUNT = 300
PARAMETERS = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 6,
    "learning_rate": 0.05,
    "seed": customers.SEED,
    "nthread": 1,  # sums in another order would change the last digits of the model
}


def write_customers(
    path: Path,
    row_count: int,
    damage_fraction: float = 0.0,
    *,
    seed: int = customers.SEED,
    chunk_rows: int = customers.CHUNK_ROWS,
) -> None:
    """Write customers as CSV with a header, whole or not at all; a missing value is empty."""
    number = 1
    with whole_file(path) as stream:
        names = [field.name for field in customers.benchmark_contract().fields]
        stream.write(",".join(names).encode() + b"\n")
        for table in customers.drawn_customers(row_count, seed=seed, chunk_rows=chunk_rows):
            stream.writelines(damage.with_damage(_csv_lines(table), number, damage_fraction))
            number += table.num_rows


def _csv_lines(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table, sink, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
    return bytes(sink.getvalue())


def train_model(table: pa.Table, tree_count: int = TREE_COUNT) -> xgboost.Booster:
    """Train on `table`, with an outcome that no shallow tree can tell: the trees grow to their depth."""
    contract = customers.benchmark_contract()
    vectors = encode(table, contract)
    weights = np.random.default_rng(customers.SEED).normal(0, 1, (2, vectors.shape[1]))
    scaled = np.nan_to_num((vectors - np.nanmean(vectors, axis=0)) / np.nanstd(vectors, axis=0))
    logit = scaled @ weights[0] * 0.4 + np.sin(2 * scaled) @ weights[1] - 1
    draws = np.random.default_rng(customers.SEED + 1).random(len(logit))
    outcome = draws < 1 / (1 + np.exp(-logit))
    return xgboost.train(PARAMETERS, xgboost.DMatrix(vectors, outcome), tree_count)


def write_model(path: Path) -> None:
    """Train on customers of another seed than the scored ones', and write the model whole or not at all."""
    (table,) = customers.drawn_customers(TRAINING_ROWS, seed=customers.SEED + 1, chunk_rows=TRAINING_ROWS)
    write_bytes(path, bytes(train_model(table).save_raw("ubj")))


def source_key() -> str:
    """Return a digest of everything that decides what customers and model look like."""
    sources = (customers, damage, Path(__file__), customers.CONTRACT_PATH)
    return making.source_key(sources, (pa, np, xgboost))


def make_customers(workload: Workload) -> None:
    """Make what needs no model: the customers, unless they are there, and the contract."""
    rows, fraction = workload.row_count, workload.damage_fraction
    what = f"{rows:,} customers"
    making.make_once(
        workload.customers, source_key(), what, lambda: write_customers(workload.customers, rows, fraction)
    )
    shutil.copyfile(customers.CONTRACT_PATH, workload.contract)


def make_workload(workload: Workload) -> None:
    """Make what is not there yet.

    Raises:
        subprocess.CalledProcessError: The model could not be packaged.
    """
    make_customers(workload)
    key = source_key()
    making.make_once(
        workload.training,
        key,
        "the training customers",
        lambda: write_customers(workload.training, TRAINING_ROWS, seed=customers.SEED + 1),
    )
    making.make_once(workload.model, key, "the model", lambda: write_model(workload.model))
    making.make_once(workload.artifact, key, "the model artifact", lambda: _package(workload))


def _package(workload: Workload) -> None:
    given = {
        "--model": workload.model,
        "--contract": workload.contract,
        "--baseline": workload.training,
        "--out": workload.artifact,
    }
    words = [str(word) for pair in given.items() for word in pair]
    # Fixed words and paths of this folder; no shell.
    subprocess.run([sys.executable, "-m", "runner", "package", *words], check=True)  # noqa: S603


def main(arguments: Sequence[str]) -> None:
    """Make the files and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workload", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="customers")
    parser.add_argument("--damage", type=float, default=0.0, help="fraction of damaged lines, in [0, 1]")
    parser.add_argument("--customers-only", action="store_true", help="no model and no artifact")
    given = parser.parse_args(arguments)
    workload = workload_below(WORK, given.rows, given.damage)
    (make_customers if given.customers_only else make_workload)(workload)
    print(f"{workload.customers}: {workload.customers.stat().st_size / given.rows:.1f} bytes a record")


if __name__ == "__main__":
    main(sys.argv[1:])
