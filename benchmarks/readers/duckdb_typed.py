"""DuckDB: columns typed as it reads, what it cannot read or type rejected, the other rules in SQL; one pass.

Of a record that it rejects it keeps line, position, kind of error and text. Of one that breaks a rule of the
contract there are the values that are selected: which line they come from is not known after reading.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.contract_in_sql import TYPES, first_broken_rule
from benchmarks.readers.findings import Findings, leave
from contracts.contract_file import read_contract

READ = """
read_csv($path, columns = $columns, header = true, delim = ',', quote = '"', escape = '"', nullstr = $missing,
         auto_detect = false, store_rejects = true, rejects_limit = 0, strict_mode = true)
"""
REJECTED = """
SELECT error_type, count(DISTINCT line_byte_position), min_by({line: line, position: byte_position,
       column_name: column_name, error_message: error_message, csv_line: left(csv_line, 200)}, line)
FROM reject_errors GROUP BY error_type ORDER BY min(line)
"""


def main(customers_csv: str, contract_file: str, folder: str) -> None:
    """Read and check one CSV file."""
    contract = read_contract(Path(contract_file))
    rule = first_broken_rule(contract, "parquet", are_typed=True)
    database = duckdb.connect()
    # The contract's names and values are in the statement, quoted; nothing else is.
    checked = database.execute(
        f'SELECT {rule} AS reason, count(*), list("{contract.id_field}") FILTER (reason IS NOT NULL) '  # noqa: S608
        f"FROM {READ} GROUP BY reason",
        {
            "path": customers_csv,
            "columns": {entry.name: TYPES[entry.type] for entry in contract.fields},
            "missing": list(contract.missing_values),
        },
    ).fetchall()
    rejected = database.execute(REJECTED).fetchall()
    counts = {reason: count for reason, count, _ in checked}
    valid_count = counts.pop(None, 0)
    examples = [example for _, _, example in rejected] + [
        {"id": ids[0]} for reason, _, ids in checked if reason
    ]
    leave(
        Findings(
            valid_count=valid_count,
            held_back=counts | {kind: count for kind, count, _ in rejected},
            example=examples[0] if examples else {},
        ),
        folder,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
