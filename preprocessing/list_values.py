"""Turn a column into lists of texts: delimited text, as CSV has it, or lists of a source that has them.

An item is a text of at least one character; spaces around it belong to it. An empty text is a list without
items, unless the contract says that it is a missing value. A list with an item that is none — nothing
between two delimiters, a null in an array — becomes null as a whole: the field's rules call it `wrong_type`,
and no item is ever dropped or guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import LIST_TYPE
from contracts.encoding import ARROW_TYPES

MAX_ITEM_CHARS = 20
"""Of an item shown in a message."""


def list_values(column: pa.Array, delimiter: str) -> pa.Array:
    """Read a column as lists of texts.

    Args:
        column: Text, lists of texts, or what `typed_columns.mixed_column` makes of them; null where missing.
        delimiter: Between the items of a text.

    Returns:
        The lists (ARROW_TYPES), null where missing or wrong.
    """
    if pa.types.is_struct(column.type):
        column = column.field("value")
    if not pa.types.is_string(column.type):
        return _whole(pc.cast(column, ARROW_TYPES[LIST_TYPE]))
    lists = _whole(pc.split_pattern(column, delimiter))
    is_empty = pc.fill_null(pc.equal(column, ""), False)
    if not pc.any(is_empty, min_count=0).as_py():
        return lists
    return pc.if_else(is_empty, pa.scalar([], lists.type), lists)


def split_items(text: str, delimiter: str) -> list[str] | None:
    """Return the items of one text as `list_values` does; None where it is no list."""
    items = text.split(delimiter) if text else []
    return items if all(items) else None


def broken_item(number: int, shown: str) -> str:
    """Return an array as a message shows it whose item `number` (1-based) is none, such as `null`."""
    return f"[…] (item {number} is {shown[:MAX_ITEM_CHARS]})"


def shown_items(items: Sequence[str | None]) -> str:
    """Return a list's items as a message shows them, or which is the first that is none."""
    at = next((index for index, item in enumerate(items) if not item), None)
    return str(items) if at is None else broken_item(at + 1, "null" if items[at] is None else '""')


def _whole(lists: pa.Array) -> pa.Array:
    """Return the lists with null for those that have an item without a character."""
    items = lists.flatten()
    is_none = pc.fill_null(pc.equal(pc.binary_length(items), 0), True)
    if not pc.any(is_none, min_count=0).as_py():
        return lists
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(lists)), counts)
    is_whole = np.ones(len(lists), dtype=bool)
    is_whole[rows[is_none.to_numpy(zero_copy_only=False)]] = False
    return pc.if_else(pa.array(is_whole), lists, pa.scalar(None, lists.type))
