"""What a model that reads its one feature as it is, a text or an image, must do, and how it is asked.

Apart from models of vectors, because such a model finds faults of its own in a record: what is no image, what
has no word in it. A missing value never reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model answers for some records.

    Attributes:
        values: float32 or float64 of shape (records,), with several outputs (records, outputs); of a record
            with a fault, anything.
        faults: Position of a record that the model cannot score (from 0) to the reason.
    """

    values: np.ndarray
    faults: Mapping[int, str] = field(default_factory=dict)


class ColumnModel(Protocol):
    """A loaded model that reads one feature as it is.

    Attributes:
        model_input: What it reads, one of `contracts.dataset.MODEL_INPUTS`.
        description: What it is, in a few words.
        feature_count: As in `serving.vector_model.Model`, and so the next two.
        feature_names: See above.
        category_orders: See above.
    """

    model_input: str
    description: str
    feature_count: int = 1
    feature_names: Sequence[str] = ()
    category_orders: Sequence[Sequence[str]] = ()

    def predict(self, column: pa.ChunkedArray) -> Predictions:
        """Score at least one record.

        Args:
            column: A value of each record, none of them null: of texts, strings or a dictionary of strings,
                of images binaries.
        """
        ...


def predict_column(model: ColumnModel, column: pa.ChunkedArray, output_count: int) -> Predictions:
    """Ask a model for all records that have a value; the others get a fault."""
    if pa.types.is_dictionary(column.type) and any(chunk.dictionary.null_count for chunk in column.chunks):
        column = column.cast(column.type.value_type)  # a value that is null, and not only its position
    is_there = np.array(column.is_valid(), dtype=bool)
    if is_there.all():
        return model.predict(column)
    rows = np.flatnonzero(is_there)
    values = np.full((len(column), output_count) if output_count > 1 else len(column), np.nan)
    faults = {int(row): f"the {model.model_input} is missing" for row in np.flatnonzero(~is_there)}
    if len(rows):
        found = model.predict(column.drop_null())
        values = values.astype(found.values.dtype)
        values[rows] = found.values
        faults |= {int(rows[at]): reason for at, reason in found.faults.items()}
    return Predictions(values=values, faults=faults)
