"""Ours, as a preparation reads and checks: `validation_only`, and what it held back first."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks import validation_only
from benchmarks.readers.findings import Findings, leave

SHOWN = ("line_number", "byte_offset", "reason_code", "field", "message", "raw")


def main(customers_csv: str, contract_file: str, folder: str) -> None:
    """Read and check one CSV file."""
    source = Path(folder) / "source"
    source.mkdir()
    (source / "customers.csv").symlink_to(Path(customers_csv).resolve())
    quarantine = Path(folder) / "quarantine"
    validation_only.main([str(source), contract_file, str(quarantine)])
    counts = json.loads((quarantine / validation_only.COUNTS_FILE).read_text())
    held_back = counts["reason_counts"]
    leave(
        Findings(
            valid_count=counts["record_count"] - sum(held_back.values()),
            held_back=held_back,
            example=_first(quarantine),
        ),
        folder,
    )


def _first(quarantine: Path) -> dict[str, object]:
    for path in sorted(quarantine.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(1, columns=list(SHOWN)):
            return dict(batch.to_pylist()[0])
    return {}


if __name__ == "__main__":
    gc.freeze()
    main(*sys.argv[1:])
