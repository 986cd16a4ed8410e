"""Which outputs a record must not get: the items of its list, as positions of the model's outputs.

Items that are the name of no output are ignored, as are items that stand twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

ItemLists = pa.ListArray | pa.LargeListArray


@dataclass(frozen=True, kw_only=True)
class Exclusions:
    """Pairs of a record and one of the outputs that it must not get; arrays of one length.

    Attributes:
        rows: int64, positions of the records in the payload, ascending.
        outputs: int64, positions of the outputs in the model's order.
    """

    rows: np.ndarray
    outputs: np.ndarray

    def part(self, start: int, end: int) -> Exclusions:
        """Return those of the records from `start` to before `end`, counted from `start`."""
        first, last = np.searchsorted(self.rows, (start, end))
        return Exclusions(rows=self.rows[first:last] - start, outputs=self.outputs[first:last])


def are_item_lists(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold the lists: texts, each by itself or once in a dictionary."""
    if pt.is_null(kind):
        return True
    if not (pt.is_list(kind) or pt.is_large_list(kind)):
        return False
    item = kind.value_type
    item = item.value_type if pt.is_dictionary(item) else item
    return bool(pt.is_string(item) or pt.is_large_string(item) or pt.is_null(item))


def find_exclusions(lists: pa.ChunkedArray, names: Sequence[str]) -> Exclusions:
    """Look the items of each record's list up among the names of the outputs.

    Args:
        lists: Of a type that `are_item_lists`; a record without a list excludes nothing.
        names: Of the outputs, in the model's order.
    """
    rows, outputs, start = [], [], 0
    for chunk in lists.chunks:
        if not pt.is_null(chunk.type):
            positions = _positions(chunk.flatten(), names)
            lengths = pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False)
            is_output = positions >= 0
            rows.append(np.repeat(np.arange(start, start + len(chunk)), lengths)[is_output])
            outputs.append(positions[is_output])
        start += len(chunk)
    nothing = np.empty(0, dtype=np.int64)
    return Exclusions(rows=np.concatenate([nothing, *rows]), outputs=np.concatenate([nothing, *outputs]))


def _positions(items: pa.Array, names: Sequence[str]) -> np.ndarray:
    """Return the position of each item among the names, -1 where it is none of them."""
    if pt.is_dictionary(items.type):
        known = _positions(items.dictionary, names)
        codes = items.indices.cast(pa.int64()).fill_null(len(known)).to_numpy(zero_copy_only=False)
        chosen: np.ndarray = np.append(known, -1)[codes]
        return chosen
    if pt.is_null(items.type):
        return np.full(len(items), -1, dtype=np.int64)
    found = pc.index_in(items, value_set=pa.array(names, items.type))
    positions: np.ndarray = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
    return positions.astype(np.int64)
