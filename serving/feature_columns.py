"""The features of some records in the columns that they came in: a matrix only for who asks for one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.encoded_columns import EncodedColumn, encoded_column
from contracts.encoding import encode


class FeatureColumns:
    """The features of some records.

    Most models take a matrix of them; what evaluates forests takes columns too, and makes numbers of a few
    records at a time.
    """

    def __init__(self, records: pa.Table, contract: DatasetContract) -> None:
        """Take typed columns (see `contracts.encoding.encode`), and what says how they are encoded."""
        self._records = records
        self._contract = contract

    def __len__(self) -> int:
        """Return how many records there are."""
        count: int = self._records.num_rows
        return count

    def first(self, count: int) -> FeatureColumns:
        """Return the first records, at most so many."""
        return FeatureColumns(self._records.slice(0, count), self._contract)

    def matrix(self) -> np.ndarray:
        """Return the vectors, float32 of shape (records, features); see `contracts.encoding.encode`."""
        return encode(self._records, self._contract)

    def encoded(self) -> Sequence[EncodedColumn] | None:
        """Return each feature's column, or None where one is not in one piece."""
        chunked = [self._records.column(field.name) for field in self._contract.feature_fields]
        if any(column.num_chunks != 1 for column in chunked):
            return None
        return [
            encoded_column(column.chunk(0), field)
            for column, field in zip(chunked, self._contract.feature_fields, strict=True)
        ]
