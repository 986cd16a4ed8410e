"""LightGBM models whose trees are made up: shapes and thresholds that training does not give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ZERO = float(np.float32(1e-35))
_LARGEST = float(np.finfo(np.float32).max)
NASTY_THRESHOLDS = np.array(
    [
        *(0.0, -0.0, 1e-40, -1e-40, 1e-45, _ZERO, -_ZERO, 1e-35, -1e-35, 1e-34, -1e-34, 1e300, -1e300),
        *(np.nextafter(_ZERO, 1), np.nextafter(_ZERO, 0), -np.nextafter(_ZERO, 1), -np.nextafter(_ZERO, 0)),
        *(
            _LARGEST,
            -_LARGEST,
            np.nextafter(_LARGEST, np.inf),
            np.nextafter(_LARGEST, 0),
            0.1,
            1.0,
            16777217.0,
        ),
    ]
)
"""Where LightGBM's zero ends, where float32 ends, denormals, and numbers that no float32 holds."""

KINDS = range(0, 16, 2)
"""Where missing values go (2: left), and what is missing (4: zero, 8: NaN, 0 and 12: nothing)."""


def made_lightgbm(  # noqa: PLR0913 - what a model is made of
    random: np.random.Generator,
    *,
    tree_count: int,
    leaf_count: int,
    feature_count: int,
    objective: str = "regression",
    output_count: int = 1,
    chain_fraction: float = 0.3,
    thresholds: np.ndarray = NASTY_THRESHOLDS,
    is_averaged: bool = False,
) -> str:
    """Return the text of a model.

    Args:
        random: Decides all.
        tree_count: Trees.
        leaf_count: Of the first tree; others have fewer.
        feature_count: Features that tests choose from.
        objective: As the header has it; empty for none.
        output_count: Numbers for each record; tree i adds to output i modulo this.
        chain_fraction: How often the leaf that was made last is split: 1 makes a tree as deep as can be.
        thresholds: Half of all thresholds are of these.
        is_averaged: Whether sums are divided by the number of rounds, as of a random forest.
    """
    trees = []
    for number in range(tree_count):
        count = leaf_count if number == 0 else int(random.integers(1, leaf_count + 1))
        left, right = _children(random, count, chain_fraction)
        limits = np.where(
            random.random(count - 1) < 0.5,
            random.choice(thresholds, count - 1),
            random.normal(size=count - 1),
        )
        kinds = random.choice(KINDS, count - 1)
        features = random.integers(0, feature_count, count - 1)
        leaves = random.normal(scale=0.3, size=count)
        trees.append(tree_text(number, left, right, features, limits, kinds, leaves))
    return model_text(
        trees,
        feature_count=feature_count,
        objective=objective,
        output_count=output_count,
        is_averaged=is_averaged,
    )


def model_text(
    trees: Sequence[str],
    *,
    feature_count: int,
    objective: str = "",
    output_count: int = 1,
    is_averaged: bool = False,
) -> str:
    """Return the text of a model; see `made_lightgbm`."""
    lines = [
        *("tree", "version=v4", f"num_class={output_count}", f"num_tree_per_iteration={output_count}"),
        *("label_index=0", f"max_feature_idx={feature_count - 1}"),
        *([f"objective={objective}"] if objective else []),
        *(["average_output"] if is_averaged else []),
        f"feature_names={' '.join(f'f{at}' for at in range(feature_count))}",
        f"feature_infos={' '.join(['[-1:1]'] * feature_count)}",
        f"tree_sizes={' '.join(str(len(tree)) for tree in trees)}",
    ]
    return "\n".join(lines) + "\n\n" + "".join(trees) + "end of trees\n\npandas_categorical:null\n"


def tree_text(
    number: int,
    left: Sequence[int],
    right: Sequence[int],
    features: Sequence[int],
    thresholds: Sequence[float],
    kinds: Sequence[int],
    leaves: Sequence[float],
) -> str:
    """Return a tree: the arrays of its nodes, and what its leaves add."""
    lines: dict[str, Sequence[object]] = {
        "num_leaves": [len(leaves)],
        "num_cat": [0],
        "split_feature": features,
        "split_gain": [1] * len(left),
        "threshold": [repr(float(value)) for value in thresholds],
        "decision_type": kinds,
        "left_child": left,
        "right_child": right,
        "leaf_value": [repr(float(value)) for value in leaves],
        "leaf_weight": [1] * len(leaves),
        "leaf_count": [1] * len(leaves),
        "internal_value": [0] * len(left),
        "internal_weight": [0] * len(left),
        "internal_count": [2] * len(left),
        "is_linear": [0],
        "shrinkage": [1],
    }
    kept = [key for key, values in lines.items() if len(values)]
    return f"Tree={number}\n" + "".join(f"{key}={' '.join(map(str, lines[key]))}\n" for key in kept) + "\n\n"


def _children(
    random: np.random.Generator, leaf_count: int, chain_fraction: float
) -> tuple[list[int], list[int]]:
    """Split leaf by leaf, as LightGBM does: the new node's leaves are the old one and the next number."""
    left: list[int] = []
    right: list[int] = []
    places: list[tuple[list[int], int]] = []  # of each leaf: where its parent names it
    for node in range(leaf_count - 1):
        leaf = node if random.random() < chain_fraction else int(random.integers(0, node + 1))
        if node:
            children, parent = places[leaf]
            children[parent] = node
        left.append(-1 - leaf)
        right.append(-2 - node)
        places[leaf : leaf + 1] = [(left, node)]
        places.append((right, node))
    return left, right
