"""Turn the fields of records into the numbers that a model takes.

The one place where that happens, for every wire format: the order is the contract's, a category becomes its
position in the contract's `categories`, true is 1 and false is 0, and a missing value is NaN. Nothing is
fitted here; all that is known about the training data is in the contract.
"""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import BINARY_TYPE, LIST_TYPE, DatasetContract, Field

ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
    BINARY_TYPE: pa.binary(),
    LIST_TYPE: pa.list_(pa.string()),
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
        _encode_into(vectors[:, position], records.column(field.name), field)
    return vectors


def encode_column(column: pa.ChunkedArray, field: Field) -> np.ndarray:
    """Return one field's values as float32 numbers, shape (records,), NaN where missing."""
    numbers = np.empty(len(column), dtype=np.float32)
    _encode_into(numbers, column, field)
    return numbers


def _encode_into(numbers: np.ndarray, column: pa.ChunkedArray, field: Field) -> None:
    start = 0
    for chunk in column.chunks:
        part = numbers[start : start + len(chunk)]
        start += len(chunk)
        if pa.types.is_dictionary(chunk.type):
            _look_up(part, chunk, encode_values(chunk.dictionary, field))
        elif chunk.null_count or not (pa.types.is_integer(chunk.type) or pa.types.is_floating(chunk.type)):
            part[:] = encode_values(chunk, field)
        else:
            with np.errstate(over="ignore"):  # a number too large for a float32 becomes infinite
                part[:] = chunk.to_numpy()


def encode_values(values: pa.Array, field: Field) -> np.ndarray:
    """Return the numbers of values that are no dictionary, float32 of shape (values,), NaN where missing."""
    if field.type == "string":
        values = pc.index_in(values, value_set=category_values(field.categories, values.type))
    numbers = pc.cast(values, pa.float32(), safe=False)
    return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy())


@functools.lru_cache(maxsize=1024)
def category_values(categories: tuple[str, ...], kind: pa.DataType) -> pa.Array:
    """Return a field's categories as an array of strings of some type."""
    return pa.array(categories, type=kind)


def _look_up(numbers: np.ndarray, chunk: pa.DictionaryArray, values: np.ndarray) -> None:
    """Write the number of each record's value, of which each different one was encoded once."""
    if not chunk.null_count and np.array_equal(values, np.arange(len(values))):
        numbers[:] = chunk.indices.to_numpy()  # in the contract's order already
        return
    if len(values):
        np.take(values, chunk.indices.fill_null(0).to_numpy(), out=numbers, mode="clip")
    numbers[chunk.is_null().to_numpy(zero_copy_only=False)] = np.nan
