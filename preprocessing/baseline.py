"""Describe training data, so that later runs can say how far their data has drifted from it.

For each feature: how many records have no value (or one that the contract lets stand for none), and a
histogram. Categories and booleans are counted by
value; numbers by bins whose edges are the deciles of the first records. Only records that are valid under
the contract count.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract, Field
from contracts.encoding import ARROW_TYPES
from contracts.errors import CallerError
from preprocessing.readers import AUTO_FORMAT, read_blocks
from preprocessing.source_objects import find_source_files
from preprocessing.validation import validate

BIN_COUNT = 10
MAX_RECORD_BYTES = 1024 * 1024


def build_baseline(source: Path, contract_path: Path) -> dict[str, Any]:
    """Read training data and return its baseline.

    Args:
        source: Folder of training data in any format that runs read.
        contract_path: The dataset contract.

    Returns:
        `contract_fingerprint`, `record_count`, and for each of `features` its `missing_count`, its `counts`,
        and either `values` (one a count) or `edges` (inner bin edges, one fewer than counts).

    Raises:
        CallerError: No record of the data is valid under the contract.
    """
    contract = read_contract(contract_path)
    histograms: dict[str, dict[str, Any]] = {}
    record_count = 0
    for valid in _valid_records(source, contract):
        record_count += valid.num_rows
        for field in contract.feature_fields:
            column = valid.column(field.name).cast(ARROW_TYPES[field.type])
            histogram = histograms.setdefault(field.name, _empty_histogram(column, field))
            _add(histogram, column)
    if not record_count:
        raise CallerError(
            f"{source}: no record is valid under {contract_path}, so there is nothing to describe"
        )
    return {
        "contract_fingerprint": contract.fingerprint,
        "record_count": record_count,
        "features": histograms,
    }


def _valid_records(source: Path, contract: DatasetContract) -> Iterator[pa.Table]:
    for file in find_source_files(source):
        for block in read_blocks(file, AUTO_FORMAT, contract, MAX_RECORD_BYTES):
            valid = validate(block.parse().columns, contract, "parquet").valid
            if valid.num_rows:
                yield valid


def _empty_histogram(column: pa.ChunkedArray, field: Field) -> dict[str, Any]:
    if field.type in ("string", "boolean"):
        values = list(field.categories) if field.type == "string" else [False, True]
        return {"missing_count": 0, "values": values, "counts": [0] * len(values)}
    numbers = _numbers(column)
    fractions = np.arange(1, BIN_COUNT) / BIN_COUNT
    edges = np.unique(np.quantile(numbers, fractions)).tolist() if len(numbers) else []
    return {"missing_count": 0, "edges": edges, "counts": [0] * (len(edges) + 1)}


def _add(histogram: dict[str, Any], column: pa.ChunkedArray) -> None:
    histogram["missing_count"] += column.null_count
    if "values" in histogram:
        positions = pc.index_in(column.drop_null(), value_set=pa.array(histogram["values"], type=column.type))
        histogram["missing_count"] += positions.null_count  # unseen, and so missing to the model
        bins = positions.drop_null().to_numpy()
    else:
        bins = np.searchsorted(histogram["edges"], _numbers(column), side="right")
    counted = np.bincount(bins, minlength=len(histogram["counts"]))
    histogram["counts"] = (np.asarray(histogram["counts"]) + counted).tolist()


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.cast(column.drop_null(), pa.float64()).to_numpy())
