"""Read what PrepareInput kept of a shard: id, label, kept columns, places where several instances prepared.

Kept files are the Arrow files of `contracts.arrow_files`: what is read stays where it is in the bytes of the
file, and is checked once. A field with known values comes as positions in a dictionary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pt

from contracts.arrow_files import arrow_schema, read_arrow
from contracts.errors import PlatformError
from reporting.damage import naming_damage

_DECODED_ROWS = 65_536
"""Of a dictionary at once: long texts, millions of times, are more than one array can hold."""


def read_kept(path: Path, names: Sequence[str]) -> pa.Table:
    """Read columns of a kept file.

    Raises:
        PlatformError: It cannot be read, or lacks one.
    """
    sentence = _sentence(path)
    try:
        with naming_damage(PlatformError, sentence):
            table = read_arrow(path.read_bytes())
    except FileNotFoundError as error:
        raise PlatformError(f"{sentence}: {error}") from error
    absent = [name for name in names if table.column_names.count(name) != 1]
    if absent:
        raise PlatformError(
            f"{path}: lacks the columns {absent}, found {table.column_names}; "
            "hand the same contract file and KeepColumns to PrepareInput and ReportRun"
        )
    return table.select(list(names))


def kept_schema(path: Path) -> pa.Schema:
    """Return the schema of a kept file that is there.

    Raises:
        PlatformError: It cannot be read.
    """
    with naming_damage(PlatformError, _sentence(path)):
        return arrow_schema(path.read_bytes())


def decoded(table: pa.Table) -> pa.Table:
    """Return columns with the values themselves where there were positions in a dictionary."""
    for position, entry in enumerate(table.schema):
        if pt.is_dictionary(entry.type):
            kind = entry.type.value_type
            chunks = [
                chunk.slice(start, _DECODED_ROWS).dictionary_decode()
                for chunk in table.column(position).chunks
                for start in range(0, len(chunk), _DECODED_ROWS)
            ]
            table = table.set_column(position, entry.name, pa.chunked_array(chunks, kind))
    return table


def _sentence(path: Path) -> str:
    return f"{path}: cannot be read as what PrepareInput kept"
