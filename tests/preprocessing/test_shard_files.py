"""What the bytes of a shard are, whichever way its records were read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from contracts.arrow_files import read_arrow
from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from preprocessing.shard_files import shard_content


def contract_of(bounds: str) -> DatasetContract:
    content = f"""
fields:
  - {{name: id, type: integer, constraints: {{minimum: 0, maximum: 9}}}}
  - {{name: n, type: integer, constraints: {bounds}}}
primaryKey: id
scoring: {{features: [n]}}
"""
    return parse_contract(content.encode(), name="contract.yaml")


@pytest.mark.parametrize(
    ("bounds", "kind"),
    [
        ("{minimum: -128, maximum: 127}", pa.int8()),
        ("{minimum: -129, maximum: 0}", pa.int16()),
        ("{minimum: 0, maximum: 128}", pa.int16()),
        ("{minimum: 0, maximum: 2147483647}", pa.int32()),
        ("{minimum: 0, maximum: 2147483648}", pa.int64()),
        ("{minimum: 0}", pa.int64()),
        ("{maximum: 5}", pa.int64()),
    ],
)
def test_an_integer_feature_takes_as_many_bytes_as_its_bounds_need(bounds: str, kind: pa.DataType) -> None:
    """On the arrow wire; the id, whose values come back with the scores, stays what it is."""
    contract = contract_of(bounds)
    values: list[Any] = [
        contract.field("n").constraints.minimum,
        contract.field("n").constraints.maximum,
        None,
    ]
    records = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "n": pa.array(values, pa.int64())})
    shard = read_arrow(bytes(shard_content(records, contract, "arrow")))
    assert [entry.type for entry in shard.schema] == [pa.int64(), kind]
    assert shard.to_pydict() == records.to_pydict()


def test_how_records_lie_in_memory_is_not_seen_in_a_shard() -> None:
    contract = contract_of("{minimum: 0, maximum: 9}")
    records = pa.table({"id": pa.array(range(9), pa.int64()), "n": pa.array(range(9), pa.int64())})
    pieces = pa.concat_tables([records.slice(start, 2) for start in range(0, 9, 2)])
    assert bytes(shard_content(pieces, contract, "arrow")) == bytes(shard_content(records, contract, "arrow"))
