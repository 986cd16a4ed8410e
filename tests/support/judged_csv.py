"""Read and judge CSV as a preparation does, with or without the native extension, few bytes at a time."""

from __future__ import annotations

import functools
import io
import json
from typing import Any

import pyarrow as pa
import pytest

from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from preprocessing import csv_engine
from preprocessing.checked_block import CheckedBlock, check_block
from preprocessing.csv_blocks import read_csv_blocks
from preprocessing.records import OpenSource

TEXTS = """
fields:
  - {name: record, type: integer}
  - {name: one, type: string, categories: [a]}
  - {name: two, type: string}
  - {name: three, type: string}
primaryKey: record
missingValues: MISSING
dialect: {delimiter: DELIMITER, encoding: ENCODING}
scoring: {features: [one], unseenCategory: missing}
"""
NAMES = ("one", "two", "three")
"""Of texts that are all valid."""


@functools.cache
def contract_of(text: str, **values: Any) -> DatasetContract:
    """Return the contract with these values in the place of their names in capitals."""
    for name, value in values.items():
        text = text.replace(name, json.dumps(value))
    return parse_contract(text.encode(), name="contract.yaml")


def checked_blocks(
    content: bytes,
    contract: DatasetContract,
    *,
    is_native: bool,
    block_bytes: int,
    wire_name: str = "parquet",
) -> list[CheckedBlock]:
    """Read and judge a source as a preparation does, so many bytes at a time."""
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content), bytes_done=lambda: 0)
    names = tuple(entry.name for entry in contract.fields)
    with pytest.MonkeyPatch.context() as patched:
        if not is_native:
            patched.setattr(csv_engine, "native_csv", None)
        blocks = read_csv_blocks(source, contract, max_record_bytes=100_000, block_bytes=block_bytes)
        return [check_block(block, contract, wire_name, names) for block in blocks]


def valid_rows(table: pa.Table, contract: DatasetContract) -> list[tuple[Any, ...]]:
    """Return the records as values in the contract's order, moments as microseconds since 1970."""
    columns = [
        table[entry.name].cast(pa.int64()) if entry.type == "datetime" else table[entry.name]
        for entry in contract.fields
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def exact(rows: list[tuple[Any, ...]]) -> list[str]:
    """Return the records so that -0.0 is not 0.0, nor 1 True."""
    return [repr(row) for row in rows]
