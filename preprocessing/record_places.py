"""Say where many records stand at once: their line numbers, and the columns that carry places to the report.

Only where several instances prepare do records carry their places: the report finds what is delivered to two
of them, and must name it.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from contracts.plan import LINE_NUMBER_COLUMN, SOURCE_KEY_COLUMN
from preprocessing.records import ParsedBlock


@runtime_checkable
class NumberedBlock(Protocol):
    """A parsed block that knows the line numbers of many rows at once."""

    def line_numbers(self, rows: np.ndarray) -> np.ndarray:
        """Return the line numbers of those rows, int64: the same as `place` says."""


def line_numbers(parsed: ParsedBlock, rows: np.ndarray) -> np.ndarray:
    """Return the 1-based line number of each of `rows`, int64."""
    if isinstance(parsed, NumberedBlock):
        return parsed.line_numbers(rows)
    return np.array([parsed.place(row).line_number for row in rows.tolist()], dtype=np.int64)


def with_places(records: pa.Table, source_key: str, numbers: np.ndarray) -> pa.Table:
    """Return records of one source object with the two columns of a kept file that say where they stand."""
    positions = pa.array(np.zeros(len(numbers), dtype=np.int32))
    keys = pa.DictionaryArray.from_arrays(positions, pa.array([source_key], pa.string()))
    records = records.append_column(SOURCE_KEY_COLUMN, keys)
    return records.append_column(LINE_NUMBER_COLUMN, pa.array(numbers, pa.int64()))
