"""A forest as the evaluator takes it, whichever library grew it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IDENTITY, PROBABILITY, EXPONENTIAL, CLASSES = "identity", "probability", "exponential", "class_probabilities"
LOG_EXPONENTIAL, SIGNED_SQUARE = "log_exponential", "signed_square"
"""What becomes of the sums: in float32 the first four, in float64 all."""

MISSING_RIGHT, MISSING_LEFT, ZERO_RIGHT, ZERO_LEFT = range(4)
"""Where a test sends a missing value, and with the last two zero as well; `Missing` of the extension."""


class UnsupportedModelError(Exception):
    """The evaluator cannot take a model; the message names what of it is the cause."""


@dataclass(frozen=True, kw_only=True)
class Trees:
    """A forest: the arrays of all trees one after another.

    Attributes:
        ends: int64 of shape (trees,): where each tree ends in the arrays of nodes.
        outputs: uint32 of shape (trees,): the output that each tree adds to.
        left: int32 of shape (nodes,): child within the tree where value < threshold, -1 at a leaf.
        right: int32 of shape (nodes,): the other child.
        features: uint32 of shape (nodes,).
        values: float64 of shape (nodes,): threshold of a test, which is a float32, or what a leaf adds.
        missing: uint8 of shape (nodes,): where a missing value goes.
        feature_count: Numbers in the vector of a record.
        base_scores: of shape (outputs,), and of the type that leaves are added in. float32: as the user gave
            it, a probability under PROBABILITY. float64: what the sums start with.
        transform: What becomes of the sums.
        steepness: Of PROBABILITY in float64: what the sum is multiplied with.
        divisor: What sums in float64 are divided by before that.
    """

    ends: np.ndarray
    outputs: np.ndarray
    left: np.ndarray
    right: np.ndarray
    features: np.ndarray
    values: np.ndarray
    missing: np.ndarray
    feature_count: int
    base_scores: np.ndarray
    transform: str
    steepness: float = 1.0
    divisor: int = 1

    @property
    def is_wide(self) -> bool:
        """Whether leaves are added in float64."""
        return self.base_scores.dtype == np.float64
