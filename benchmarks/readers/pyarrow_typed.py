"""pyarrow's streaming reader: a block at a time, typed as it reads, the other rules with the project's code.

Records with another number of fields go to a handler, with their text, but (as blocks are parsed on several
threads) without their number. The first text that is not of its column's type ends it, with the column and
the text in the error.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv

from benchmarks.readers.findings import Findings, leave
from contracts.contract_file import read_contract
from contracts.encoding import ARROW_TYPES
from preprocessing.validation import validate

BLOCK_BYTES = 8 * 1024 * 1024


def main(customers_csv: str, contract_file: str, folder: str) -> None:
    """Read and check one CSV file."""
    contract = read_contract(Path(contract_file))
    ragged: list[dict[str, Any]] = []

    def keep(row: Any) -> str:
        ragged.append({"number": row.number, "field_count": row.actual_columns, "text": row.text})
        return "skip"

    blocks = pa_csv.open_csv(
        customers_csv,
        read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(invalid_row_handler=keep, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={entry.name: ARROW_TYPES[entry.type] for entry in contract.fields},
            null_values=list(contract.missing_values),
            strings_can_be_null=True,
        ),
    )
    valid_count, counts = 0, Counter[str]()
    for block in blocks:
        columns = dict(zip(block.schema.names, block.columns, strict=True))
        found = validate(columns, contract, "parquet")
        valid_count += found.valid.num_rows
        counts.update(fault.reason.value for fault in found.faults)
    counts["wrong_field_count"] += len(ragged)
    example = ragged[0] if ragged else {}
    leave(Findings(valid_count=valid_count, held_back=+counts, example=example), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
