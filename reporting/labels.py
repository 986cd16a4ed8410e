"""Turn the label column of the kept records into numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract


def known_outcomes(kept: pa.Table, contract: DatasetContract) -> np.ndarray:
    """Return what `label_numbers` does, or NaN for every record where the contract names no label."""
    if contract.label is None:
        return np.full(len(kept), np.nan)
    return label_numbers(kept.column(contract.label), contract)


def label_numbers(column: pa.ChunkedArray, contract: DatasetContract) -> np.ndarray:
    """Return float64 of shape (records,): the outcome of each record, NaN where it is not known.

    With a positive label in the contract an outcome is 1 (equal to it) or 0; else it is the label's number,
    and true is 1.
    """
    if contract.positive_label is not None:
        column = pc.equal(column, pa.scalar(contract.positive_label, type=column.type))
    numbers = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy())
