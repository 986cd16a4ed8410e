"""Ask DuckDB which records it reads from a CSV source, what their values are, and which rules they break.

DuckDB shares nothing with the readers under test: neither how records and fields are found, nor how text
becomes a value, nor how rules are checked (`benchmarks.contract_in_sql`).
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from benchmarks.contract_in_sql import TYPES, first_broken_rule
from contracts.dataset import DatasetContract

NO_TEXT = "\x01never\x01"
"""Means a missing value where no text does: DuckDB wants at least one."""

READ = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT row_number() OVER () - 1 AS row_index, * FROM read_csv(
    $path, columns = $columns, header = true, delim = $delimiter, encoding = $encoding, nullstr = $missing,
    quote = '"', escape = '"', auto_detect = false, store_rejects = true, strict_mode = $is_strict)
"""
REJECTED = "SELECT line_byte_position - 1, error_type FROM reject_errors"


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a source is written.

    Attributes:
        delimiter: Between fields.
        encoding: As DuckDB calls it.
        missing: Texts that mean a missing value.
        is_strict: Whether DuckDB shall refuse what RFC 4180 does not have: without, it takes line ends of
            several kinds, and more fields than there are columns.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    missing: Sequence[str] = ("",)
    is_strict: bool = True


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What DuckDB reads from a source.

    Attributes:
        rows: The records that it takes, each as values in the order of the columns.
        rejected: What it says of each other one, by the position of its first byte.
    """

    rows: list[tuple[Any, ...]]
    rejected: dict[int, set[str]] = field(default_factory=dict)


@functools.cache
def connection() -> duckdb.DuckDBPyConnection:
    """Return the database of this process: one thread, so that rows keep their order; no downloads."""
    settings = {"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    opened = duckdb.connect(config=settings)
    opened.execute("SET TimeZone = 'UTC'")
    return opened


def read(content: bytes, columns: Mapping[str, str], form: Form) -> Reading:
    """Read a source with a header as columns of DuckDB's types; its table `found` has them from then on."""
    database = connection()
    database.execute("DROP TABLE IF EXISTS reject_errors")
    database.execute("DROP TABLE IF EXISTS reject_scans")
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        database.execute(
            READ,
            {
                "path": file.name,
                "columns": dict(columns),
                "delimiter": form.delimiter,
                "encoding": form.encoding,
                "missing": list(form.missing) or [NO_TEXT],
                "is_strict": form.is_strict,
            },
        )
    rejected: dict[int, set[str]] = {}
    for position, kind in database.execute(REJECTED).fetchall():
        rejected.setdefault(_first_byte(content, position), set()).add(kind)
    found = database.table("found").order("row_index")
    shown = [
        f'epoch_us("{name}")' if kind == "TIMESTAMPTZ" else f'"{name}"' for name, kind in columns.items()
    ]
    return Reading(rows=found.project(", ".join(shown)).fetchall(), rejected=rejected)


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What DuckDB says of a source.

    Attributes:
        reasons: The first rule that each record breaks which has as many fields as there are columns, by its
            field `record`; None for a valid one.
        broken: What it says of each other record, by the position of its first byte.
        uncast: Positions of the records that have a text which DuckDB takes for no value of its column.
        rows: Those that have none, typed, in the contract's order.
    """

    reasons: dict[int, str | None]
    broken: dict[int, set[str]]
    uncast: set[int]
    rows: list[tuple[Any, ...]]


def opinion(content: bytes, delimiter: str, contract: DatasetContract, wire_name: str) -> Opinion:
    """Ask DuckDB about a source in UTF-8 that has the contract's fields in its order, `record` among them."""
    form = Form(delimiter=delimiter, missing=contract.missing_values)
    typed = read(content, {entry.name: TYPES[entry.type] for entry in contract.fields}, form)
    texts = read(content, {entry.name: "VARCHAR" for entry in contract.fields}, form)
    return Opinion(
        reasons=reasons(contract, wire_name),
        broken=texts.rejected,
        uncast={start for start, kinds in typed.rejected.items() if "CAST" in kinds},
        rows=typed.rows,
    )


def _first_byte(content: bytes, position: int) -> int:
    """Return where a record begins: DuckDB counts blank lines before it, and half of a CR LF, to it."""
    while content[position : position + 1] in (b"\r", b"\n"):
        position += 1
    return position


def reasons(contract: DatasetContract, wire_name: str) -> dict[int, str | None]:
    """Return the first rule that each record of `found` breaks, by its field `record`; None for a valid one.

    `found` must have been read as text. A record that is valid but for the id that it shares with another one
    is `duplicate_id`.
    """
    identity = f'"{contract.id_field}"'
    window = f"PARTITION BY {identity}, reason"
    is_repeated = f"row_number() OVER ({window} ORDER BY row_index) > 1"
    if contract.duplicate_ids == "quarantineAll":
        is_repeated = f"count(*) OVER ({window}) > 1"
    rule = first_broken_rule(contract, wire_name)
    judged = connection().table("found").project(f"row_index, record, {identity}, {rule} AS reason")
    told = judged.project(
        f"record, CASE WHEN reason IS NULL AND {is_repeated} THEN 'duplicate_id' ELSE reason END"
    )
    return {int(record): reason for record, reason in told.fetchall()}
