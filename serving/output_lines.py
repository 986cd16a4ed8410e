"""Write several outputs of each record as one line of text, many records at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.json_text import text_bytes
from serving.scorer import Scores

NUMBERS_AT_ONCE = 4_000_000
"""Numbers written in one go: bounds memory, and the text of one array must stay under 2 GiB."""

WriteRows = Callable[[np.ndarray, np.ndarray | None], pa.Array]
"""Takes values and, under topK, positions, both of shape (records, kept outputs); returns a text a record."""


def output_lines(scores: Scores, write_rows: WriteRows, write_reason: Callable[[str], str]) -> bytes:
    """Return one line for each record: its outputs, or why there are none.

    Args:
        scores: Of a model with several outputs.
        write_rows: Writes what was scored; what it writes of records with a fault is not used.
        write_reason: Writes why a record was not scored.
    """
    record_count, output_count = scores.values.shape
    rows_at_once = max(1, NUMBERS_AT_ONCE // output_count)
    fault_rows = np.array(sorted(scores.faults), dtype=np.int64)
    parts = []
    for start in range(0, record_count, rows_at_once):
        rows = slice(start, start + rows_at_once)
        texts = write_rows(scores.values[rows], None if scores.top is None else scores.top[rows])
        here = fault_rows[np.searchsorted(fault_rows, start) : np.searchsorted(fault_rows, rows.stop)]
        if len(here):
            is_fault = np.zeros(len(texts), dtype=bool)
            is_fault[here - start] = True
            reasons = [write_reason(scores.faults[at]) for at in here.tolist()]
            texts = pc.replace_with_mask(texts, is_fault, pa.array(reasons, pa.string()))
        parts.append(text_bytes(pc.binary_join_element_wise(texts, "\n", "")))
    return b"".join(parts)


def number_texts(numbers: np.ndarray) -> pa.Array:
    """Return the shortest texts of the numbers of a matrix, row by row, as one array."""
    return pc.cast(pa.array(numbers.ravel()), pa.string())


def joined_rows(texts: pa.Array, row_length: int, separator: str) -> pa.Array:
    """Return the texts of each row, of which there are `row_length`, as one text with separators."""
    offsets = pa.array(np.arange(0, len(texts) + 1, row_length, dtype=np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, texts), separator)
