"""Polars, streaming: columns of text, cast and checked by expressions, and every leniency that it has.

Fields too many, and the records that an unclosed quote takes along, are dropped without a word. Bytes that
are not UTF-8 inside such a quote end it all the same; without `quote_char` it would read on, but no quoted
field. Of a record that breaks a rule there could be the number of its row, which is no line.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from benchmarks.readers.findings import Findings, leave
from benchmarks.readers.polars_rules import first_broken_rule, other_missing_texts, reason_counts
from contracts.contract_file import read_contract


def main(customers_csv: str, contract_file: str, folder: str) -> None:
    """Read and check one CSV file."""
    contract = read_contract(Path(contract_file))
    customers = pl.scan_csv(
        customers_csv,
        schema={entry.name: pl.String for entry in contract.fields},
        null_values=other_missing_texts(contract),
        encoding="utf8-lossy",
        truncate_ragged_lines=True,
    )
    counts = reason_counts(customers, first_broken_rule(contract, are_typed=False))
    leave(Findings(valid_count=counts.pop(None, 0), held_back=counts, example={}), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
