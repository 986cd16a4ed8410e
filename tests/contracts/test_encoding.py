"""Feature vectors, each number known beforehand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from contracts.contract_file import parse_contract
from contracts.encoding import encode

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
