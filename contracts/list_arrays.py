"""Columns of lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def relisted(lists: pa.Array, values: pa.Array) -> pa.ListArray:
    """Return lists of the lengths of `lists`, null where those are, with other values.

    Args:
        lists: Lists of anything.
        values: As many as `lists.flatten()` has.
    """
    ends = np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(), dtype=np.int32)
    offsets = pa.array(np.concatenate([np.zeros(1, np.int32), ends]))
    return pa.ListArray.from_arrays(offsets, values, mask=lists.is_null())
