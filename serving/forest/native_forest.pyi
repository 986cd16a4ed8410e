"""What the optional extension built from `native/` offers; `serving.forest.forest` is its caller."""

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
    value: np.ndarray,  # float32: threshold, or what the leaf adds
    is_missing_left: np.ndarray,  # uint8
    output: np.ndarray,  # uint32, of each tree
    feature_count: int,
    output_count: int,
    /,
) -> Layout:
    """Lay trees out for evaluation.

    Raises:
        ValueError: A tree is too deep, points outside itself, or tests against what is not a number.
    """

def add(layout: Layout, vectors: np.ndarray, sums: np.ndarray, instruction_set: str, /) -> None:
    """Add what the trees say of each record to `sums`, in the order of the trees.

    Args:
        layout: Of `lay_out`.
        vectors: float32 of shape (records, features), in any memory order.
        sums: float32 of shape (records, outputs), C order.
        instruction_set: One of `instruction_sets()`.
    """

def transform(sums: np.ndarray, name: str, /) -> None:
    """Turn sums, float32 of shape (records, outputs), into predictions in their place, or back.

    Args:
        sums: C order.
        name: `probability`, `exponential` or `class_probabilities`; back with `log_odds` or `logarithm`.
    """
