"""What is data and what tools leave beside it, by its name alone."""

from __future__ import annotations

import pytest

from contracts.source_names import is_data


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("customers.csv", True),
        ("2026/11/customers", True),
        ("_success.csv", True),
        ("day=1/_SUCCESS", False),
        ("_metadata", False),
        (".crc/customers.csv", False),
        ("day=1/.customers.csv.crc", False),
        ("_temporary/0/part.parquet", False),
    ],
)
def test_only_data_is_scored(key: str, expected: bool) -> None:
    assert is_data(key) is expected
