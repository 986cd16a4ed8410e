"""Encode Arrow record batches by the contract: for the peers whose workers are handed those."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.peers.contract import Encoding


def column_types(encoding: Encoding) -> dict[str, pa.DataType]:
    """Return the types of id and features in their CSV."""
    types = {name: pa.string() if name in encoding.categories else pa.float32() for name in encoding.features}
    return {encoding.id_field: pa.string(), **types}


def encode(customers: pa.Table | pa.RecordBatch, encoding: Encoding) -> np.ndarray:
    """Return the feature vectors, float32 of shape (records, features)."""
    vectors = np.empty((customers.num_rows, len(encoding.features)), dtype=np.float32)
    for position, name in enumerate(encoding.features):
        column = customers.column(name)
        if name in encoding.categories:
            column = pc.index_in(column, value_set=pa.array(encoding.categories[name])).cast(pa.float32())
        vectors[:, position] = np.asarray(pc.fill_null(column, float("nan")))
    return vectors
