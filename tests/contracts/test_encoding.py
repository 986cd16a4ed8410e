"""Feature vectors, each number known beforehand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from contracts.contract_file import parse_contract
from contracts.dataset import Field
from contracts.encoding import encode, encode_column

CONTRACT = parse_contract(
    b"{fields: [{name: id}, {name: n, type: integer}, {name: x, type: number}, {name: b, type: boolean},"
    b" {name: k, categories: [p, q]}], primaryKey: id, scoring: {features: [k, b, x, n]}}",
    name="test",
)


def _table(rows: int) -> pa.Table:
    table = pa.table(
        {
            "n": pa.array([1, None, 3], pa.int64()),
            "x": pa.array([0.5, None, -1.0]),
            "b": pa.array([True, None, False]),
            "k": pa.array(["q", None, "unseen"]),
        }
    )
    return table.slice(0, rows)


def test_features_come_in_the_contracts_order_and_missing_or_unseen_is_nan() -> None:
    nan = np.nan
    expected = np.array([[1, 1, 0.5, 1], [nan] * 4, [nan, 0, -1, 3]], dtype=np.float32)
    found = encode(_table(3), CONTRACT)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_no_records_keep_two_dimensions() -> None:
    assert encode(_table(0), CONTRACT).shape == (0, 4)


def test_dictionary_columns_encode_as_plain_ones_do() -> None:
    """Parquet readers may hand out either; nulls may stand in the indices or in the dictionary."""
    field = Field(name="plan", type="string", categories=("a", "b", "c"))
    texts = ["c", None, "a", "zz", "b", "a"]
    indices = pa.array([0, None, 1, 2, 3, 1], pa.int32())
    dictionary = pa.DictionaryArray.from_arrays(indices, pa.array(["c", "a", "zz", "b", None]))
    with_null_value = pa.DictionaryArray.from_arrays(
        pa.array([0, 4, 1, 2, 3, 1], pa.int32()), pa.array(["c", "a", "zz", "b", None])
    )

    plain = encode_column(pa.chunked_array([pa.array(texts)]), field)

    for column in (dictionary, with_null_value):
        encoded = encode_column(pa.chunked_array([column, column.slice(0, 0)]), field)
        np.testing.assert_array_equal(encoded, plain)
    np.testing.assert_array_equal(plain, np.array([2, np.nan, 0, np.nan, 1, 0], dtype=np.float32))


@pytest.mark.parametrize("values", [[1e300, 0.1, -1e39], [1e300, None, -1e39]])
def test_a_number_that_no_float32_holds_is_infinite(values: list[float | None]) -> None:
    """With and without missing values beside it; the scorer says what is wrong with such a record."""
    field = Field(name="x", type="number")
    found = encode_column(pa.chunked_array([pa.array(values, pa.float64())]), field)
    assert (found[0], found[2]) == (np.inf, -np.inf)
    assert np.isnan(found[1]) if values[1] is None else found[1] == np.float32(0.1)
