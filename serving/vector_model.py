"""What a model of vectors must do, and how it is asked: with a matrix, or with the columns for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from serving.column_model import Predictions
from serving.feature_columns import FeatureColumns


class Model(Protocol):
    """A loaded model of any format.

    Attributes:
        feature_count: Numbers in the vector of a record.
        feature_names: As the model was trained with them, or empty if it does not say.
        category_orders: For each categorical feature, the values in the order of their codes in training, or
            empty if the model does not say.
        description: What it is, in a few words.
    """

    feature_count: int
    feature_names: Sequence[str]
    category_orders: Sequence[Sequence[str]]
    description: str

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return float32 or float64 of shape (records,), with several outputs (records, outputs).

        Args:
            vectors: float32 of shape (records, feature_count) in any memory order with at least one record,
                NaN where a value is missing. What comes of an infinite one is not looked at.
        """
        ...


@runtime_checkable
class ColumnsModel(Protocol):
    """A model that may be able to take vectors by their columns."""

    def predict_columns(self, columns: FeatureColumns) -> Predictions | None:
        """Return what `predict` does for the matrix, and a fault for each record with an infinite value.

        None where it wants a matrix after all.

        Args:
            columns: Of at least one record.
        """
        ...


def predict_vectors(model: Model, features: np.ndarray | FeatureColumns) -> Predictions:
    """Ask a model for all of at least one record; those with an infinite value get a fault."""
    if isinstance(features, FeatureColumns):
        predictions = model.predict_columns(features) if isinstance(model, ColumnsModel) else None
        return predict_vectors(model, features.matrix()) if predictions is None else predictions
    is_infinite = np.isinf(features)
    faults = infinity_faults(is_infinite.any(axis=1)) if is_infinite.any() else {}
    return Predictions(values=model.predict(features), faults=faults)


def infinity_faults(is_infinite: np.ndarray) -> dict[int, str]:
    """Return the faults of records that have an infinite value (bool, for each record) by their positions."""
    return {int(at): "a feature is too large for a 32-bit float" for at in np.flatnonzero(is_infinite)}
