"""Ours where the native extension was not built: numpy and pyarrow do the same work."""

from __future__ import annotations

import gc
import sys

from benchmarks.readers import ours_native
from preprocessing import csv_engine


def main(customers_csv: str, contract_file: str, folder: str) -> None:
    """Read and check one CSV file."""
    csv_engine.native_csv = None  # type: ignore[assignment]  # as `csv_engine` does where it is missing
    ours_native.main(customers_csv, contract_file, folder)


if __name__ == "__main__":
    gc.freeze()
    main(*sys.argv[1:])
