"""What the optional extension built from `native/` offers; `serving.forest.forest` is its caller."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Layout: TypeAlias = object

def instruction_sets() -> tuple[str, ...]:
    """Return what this processor can do, the fastest first; the last is always `portable`."""

def lay_out(
    ends: np.ndarray,  # int64, of each tree, in nodes
    left: np.ndarray,  # int32, within the tree; negative at a leaf
    right: np.ndarray,  # int32
    feature: np.ndarray,  # uint32
    value: np.ndarray,  # float64: threshold, which is a float32, or what the leaf adds
    missing: np.ndarray,  # uint8: 0 right, 1 left, 2 right and zero too, 3 left and zero too
    output: np.ndarray,  # uint32, of each tree
    feature_count: int,
    output_count: int,
    is_wide: bool,  # leaves are added in float64
    /,
) -> Layout:
    """Lay trees out for evaluation.

    Raises:
        ValueError: A tree has too many leaves, points outside itself, or tests against what is not a number.
    """

def add(layout: Layout, vectors: np.ndarray, sums: np.ndarray, instruction_set: str, /) -> None:
    """Add what the trees say of each record to `sums`, in the order of the trees.

    Args:
        layout: Of `lay_out`.
        vectors: float32 of shape (records, features), in any memory order.
        sums: float32, of a wide layout float64, of shape (records, outputs), C order.
        instruction_set: One of `instruction_sets()`.
    """

def add_columns(
    layout: Layout,
    columns: Sequence[tuple[str, object, int, object | None, np.ndarray | None]],
    first: int,
    infinite: np.ndarray,
    sums: np.ndarray,
    instruction_set: str,
    /,
) -> None:
    """Add what the trees say of records that are in columns to `sums`, in the order of the trees.

    Args:
        layout: Of `lay_out`.
        columns: For each feature the members of a `contracts.encoded_columns.EncodedColumn`, in their order.
        first: The record of the columns that is the first of `infinite` and `sums`.
        infinite: bool of shape (records,): becomes true where a feature is infinite, and else stays.
        sums: As of `add`.
        instruction_set: One of `instruction_sets()`.

    Raises:
        ValueError: A column does not have so many records.
    """

def transform(sums: np.ndarray, name: str, steepness: float = 1.0, /) -> None:
    """Turn sums into predictions in their place, or back.

    Args:
        sums: float32 or float64 of shape (records, outputs), C order.
        name: `probability`, `exponential` or `class_probabilities`; of float32 also back with `log_odds` or
            `logarithm`; of float64 also `log_exponential` or `signed_square`.
        steepness: What a sum of float64 is multiplied with under `probability`.
    """
