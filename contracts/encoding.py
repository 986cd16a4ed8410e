"""Turn the fields of records into the numbers that a model takes.

The one place where that happens, for every wire format: the order is the contract's, a category becomes its
position in the contract's `categories`, true is 1 and false is 0, and a missing value is NaN. Nothing is
fitted here; all that is known about the training data is in the contract.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract, Field

ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
}
"""The column type in memory and in Parquet for each type of the contract."""


def encode(records: pa.Table, contract: DatasetContract) -> np.ndarray:
    """Return the feature vectors of `records`.

    Args:
        records: Typed columns (ARROW_TYPES); the features are found by name.
        contract: Says which fields are features, in which order.

    Returns:
        float32 of shape (records, features), Fortran order (each feature in one piece), NaN where a
        value is missing.
    """
    vectors = np.empty((records.num_rows, len(contract.features)), dtype=np.float32, order="F")
    for position, field in enumerate(contract.feature_fields):
        vectors[:, position] = encode_column(records.column(field.name), field)
    return vectors


def encode_column(column: pa.ChunkedArray, field: Field) -> np.ndarray:
    """Return one field's values as float32 numbers, shape (records,), NaN where missing."""
    if pa.types.is_dictionary(column.type):
        return _encode_dictionary(column, field)
    if field.type == "string":
        column = pc.index_in(column, value_set=pa.array(field.categories, type=column.type))
    numbers = pc.cast(column, pa.float32(), safe=False)
    return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy())


def _encode_dictionary(column: pa.ChunkedArray, field: Field) -> np.ndarray:
    """Encode each different value once, and look the rest up."""
    chunks = []
    for chunk in column.chunks:
        values = encode_column(pa.chunked_array([chunk.dictionary]), field)
        positions = chunk.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        chunks.append(np.append(values, np.float32("nan"))[positions])
    return np.concatenate(chunks) if chunks else np.empty(0, dtype=np.float32)
