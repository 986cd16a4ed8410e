"""Polars, streaming: columns typed as it reads, the other rules as expressions.

The first record that it cannot read or type ends it: an error that names neither line nor record.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from benchmarks.readers.findings import Findings, leave
from benchmarks.readers.polars_rules import TYPES, first_broken_rule, other_missing_texts, reason_counts
from contracts.contract_file import read_contract


def main(customers_csv: str, contract_file: str, folder: str) -> None:
    """Read and check one CSV file."""
    contract = read_contract(Path(contract_file))
    customers = pl.scan_csv(
        customers_csv,
        schema={entry.name: TYPES[entry.type] for entry in contract.fields},
        null_values=other_missing_texts(contract),
    )
    counts = reason_counts(customers, first_broken_rule(contract, are_typed=True))
    leave(Findings(valid_count=counts.pop(None, 0), held_back=counts, example={}), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
