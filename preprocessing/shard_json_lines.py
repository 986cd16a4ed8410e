"""Write a JSON Lines shard: `{"id":"<id as text>","features":[numbers]}`, one line a record.

A number is the shortest text that reads back to the same 32-bit float; a missing feature is null. An id may
hold anything: quotes, backslashes and line breaks are escaped, so a record is always one line.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.json_text import (
    ROWS_AT_ONCE,
    json_number_arrays,
    json_string,
    json_strings,
    one_array,
    text_bytes,
)
from contracts.wire import JSON_FEATURES_KEY, JSON_ID_KEY

_BEFORE_ID = f"{{{json_string(JSON_ID_KEY)}:"
_BEFORE_FEATURES = f",{json_string(JSON_FEATURES_KEY)}:"


def shard_lines(ids: pa.Array | pa.ChunkedArray, vectors: np.ndarray) -> bytes:
    """Return the shard of these records.

    Args:
        ids: Of the contract's type.
        vectors: float32 of shape (records, features), NaN where a value is missing.
    """
    return b"".join(_lines(pc.cast(ids, pa.string()), vectors))


def _lines(ids: pa.Array | pa.ChunkedArray, vectors: np.ndarray) -> Iterator[bytes]:
    for start in range(0, len(ids), ROWS_AT_ONCE):
        texts = json_strings(one_array(ids.slice(start, ROWS_AT_ONCE)))
        features = json_number_arrays(vectors[start : start + ROWS_AT_ONCE])
        yield text_bytes(
            pc.binary_join_element_wise(_BEFORE_ID, texts, _BEFORE_FEATURES, features, "}\n", "")
        )
