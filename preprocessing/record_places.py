"""Add the columns that carry the places of records to the report.

Only where several instances prepare do records carry their places: the report finds what is delivered to two
of them, and must name it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from contracts.plan import LINE_NUMBER_COLUMN, SOURCE_KEY_COLUMN


def with_places(records: pa.Table, source_key: str, numbers: np.ndarray) -> pa.Table:
    """Return records of one source object with the two columns of a kept file that say where they stand."""
    positions = pa.array(np.zeros(len(numbers), dtype=np.int32))
    keys = pa.DictionaryArray.from_arrays(positions, pa.array([source_key], pa.string()))
    records = records.append_column(SOURCE_KEY_COLUMN, keys)
    return records.append_column(LINE_NUMBER_COLUMN, pa.array(numbers, pa.int64()))
