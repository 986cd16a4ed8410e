"""Read out of a LightGBM model what its forest evaluator needs, or say which feature of it stands against.

LightGBM compares float64 (`Tree::NumericalDecision`, include/LightGBM/tree.h): a value goes left where it is
not above the threshold. Values are float32 here, so for each threshold there is a float32 with the same
effect. Before that, values of magnitude up to 1e-35 become 0 (`RowPairFunctionFromDenseMatric` in
src/c_api.cpp), and so does NaN where it is no missing value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from serving.forest.trees import (
    CLASSES,
    EXPONENTIAL,
    IDENTITY,
    LOG_EXPONENTIAL,
    MISSING_LEFT,
    MISSING_RIGHT,
    PROBABILITY,
    SIGNED_SQUARE,
    ZERO_LEFT,
    ZERO_RIGHT,
    Trees,
    UnsupportedModelError,
)
from serving.lightgbm_text import CATEGORICAL, ModelText, TextTree

ZERO_BOUND = np.float32(1e-35)
"""The largest magnitude that is zero to LightGBM; `kZeroBound` of the extension."""

_DEFAULT_LEFT = 2
_ZERO_IS_MISSING, _NAN_IS_MISSING = 1, 2

_TRANSFORMS = {
    "": IDENTITY,
    "custom": IDENTITY,
    "regression": IDENTITY,
    "regression_l1": IDENTITY,
    "huber": IDENTITY,
    "fair": IDENTITY,
    "quantile": IDENTITY,
    "mape": IDENTITY,
    "lambdarank": IDENTITY,
    "rank_xendcg": IDENTITY,
    "regression sqrt": SIGNED_SQUARE,
    "regression_l1 sqrt": SIGNED_SQUARE,
    "poisson": EXPONENTIAL,
    "gamma": EXPONENTIAL,
    "tweedie": EXPONENTIAL,
    "binary": PROBABILITY,
    "multiclassova": PROBABILITY,
    "cross_entropy": PROBABILITY,
    "cross_entropy_lambda": LOG_EXPONENTIAL,
    "multiclass": CLASSES,
}
"""By the objective without its parameters: what becomes of the sum of the leaves."""

_PARAMETER = re.compile(r" (num_class|sigmoid):(\S+)")
_NUMBER = re.compile(r"(\d{1,15})(?:\.(\d{1,15}))?")


def read_trees(text: ModelText) -> Trees:
    """Read a model.

    Raises:
        UnsupportedModelError: It has what the evaluator cannot do.
    """
    objective = text.header.get(b"objective", b"").decode("utf-8", "replace").strip()
    parameters = dict(_PARAMETER.findall(objective))
    name = _PARAMETER.sub("", objective)
    if name not in _TRANSFORMS:
        raise UnsupportedModelError(f"its objective is {name}")
    for number, tree in enumerate(text.trees):
        _check_tree(number, tree)
    count = len(text.trees)
    is_averaged = b"average_output" in text.header
    return Trees(
        ends=np.cumsum([2 * len(tree.leaf_values) - 1 for tree in text.trees], dtype=np.int64),
        outputs=np.arange(count, dtype=np.uint32) % np.uint32(text.output_count),
        left=_joined(text.trees, lambda tree: _children(tree, tree.left), np.int32),
        right=_joined(text.trees, lambda tree: _children(tree, tree.right), np.int32),
        features=_joined(text.trees, lambda tree: _padded(tree, tree.features), np.uint32),
        values=_joined(
            text.trees, lambda tree: np.concatenate([_limits(tree.thresholds), tree.leaf_values]), np.float64
        ),
        missing=_joined(text.trees, lambda tree: _padded(tree, _missing(tree)), np.uint8),
        feature_count=text.feature_count,
        base_scores=np.zeros(text.output_count, dtype=np.float64),
        transform=_TRANSFORMS[name],
        steepness=_read_number(parameters.get("sigmoid", "1")),
        divisor=max(1, count // text.output_count) if is_averaged else 1,
    )


def _check_tree(number: int, tree: TextTree) -> None:
    if tree.is_linear:
        raise UnsupportedModelError(f"tree {number} has linear models in its leaves")
    if (tree.kinds & CATEGORICAL).any():
        raise UnsupportedModelError(f"tree {number} splits by a set of categories")


def _joined(
    trees: Sequence[TextTree], part: Callable[[TextTree], np.ndarray], kind: type[np.generic]
) -> np.ndarray:
    return np.concatenate([np.empty(0, kind), *(part(tree).astype(kind) for tree in trees)])


def _padded(tree: TextTree, of_nodes: np.ndarray) -> np.ndarray:
    return np.concatenate([of_nodes, np.zeros(len(tree.leaf_values), dtype=of_nodes.dtype)])


def _children(tree: TextTree, children: np.ndarray) -> np.ndarray:
    """Number leaves after the nodes; a leaf has no children."""
    within = np.where(children < 0, len(children) - 1 - children, children)
    return np.concatenate([within, np.full(len(tree.leaf_values), -1)])


def _limits(thresholds: np.ndarray) -> np.ndarray:
    """Return for each threshold the float32 below which values go left, as float64.

    Infinity goes right. LightGBM sends it left where the threshold is infinite; such a record is a fault.
    """
    infinity = np.float32(np.inf)
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
        below = np.where(nearest > thresholds, np.nextafter(nearest, -infinity), nearest)
    below = np.where((thresholds >= 0) & (thresholds < ZERO_BOUND), ZERO_BOUND, below)
    is_just_negative = (thresholds < 0) & (thresholds >= -ZERO_BOUND)
    below = np.where(is_just_negative, np.nextafter(-ZERO_BOUND, -infinity), below)
    with np.errstate(over="ignore"):
        limits: np.ndarray = np.nextafter(below, infinity).astype(np.float64)
    return limits


def _missing(tree: TextTree) -> np.ndarray:
    """Say where values go that a test cannot compare."""
    is_left = (tree.kinds & _DEFAULT_LEFT) > 0
    is_zero_left = tree.thresholds >= 0
    kind = tree.kinds >> 2 & 3
    is_zero_apart = (kind == _ZERO_IS_MISSING) & (is_left != is_zero_left)
    goes_left = np.where(kind == _NAN_IS_MISSING, is_left, is_zero_left)
    return np.where(
        is_zero_apart,
        np.where(is_left, ZERO_LEFT, ZERO_RIGHT),
        np.where(goes_left, MISSING_LEFT, MISSING_RIGHT),
    )


def _read_number(text: str) -> float:
    """Read a number as LightGBM reads parameters of objectives: digit by digit, rounding on the way."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise UnsupportedModelError(f"its objective has the sigmoid {text}")
    fraction = found[2] or "0"
    return float(found[1]) + float(fraction) / float(10 ** len(fraction))
