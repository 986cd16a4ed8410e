"""XGBoost models whose trees are made up, node by node: shapes and thresholds that training does not give.

XGBoost takes a right child to be the node after the left one (seen in 3.2: it loops where it is not).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xgboost

NASTY = np.array(
    [0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 0.1, 1.0, -1.0, 16777216.0],
    dtype=np.float32,
)
"""Zeros of both signs, denormals, the largest numbers, and some that records are likely to have as well."""


def made_tree(
    random: np.random.Generator, *, depth: int, feature_count: int, fullness: float = 0.8, number: int = 0
) -> dict[str, Any]:
    """Return a tree as a model in JSON has it.

    Args:
        random: Decides all.
        depth: Tests on the longest way.
        feature_count: Features that tests choose from.
        fullness: How often a node off the longest way is a test where it could be a leaf.
        number: Of the tree.
    """
    left: list[int] = [-1]
    right: list[int] = [-1]
    parents: list[int] = [2147483647]
    waiting = [(0, 0, True)]
    while waiting:
        node, level, is_longest = waiting.pop()
        if level == depth or (not is_longest and random.random() > fullness):
            continue
        children = (len(left), len(left) + 1)
        left += [-1, -1]
        right += [-1, -1]
        parents += [node, node]
        left[node], right[node] = children
        turn = int(random.integers(0, 2))
        waiting += [(children[turn], level + 1, is_longest), (children[1 - turn], level + 1, False)]
    count = len(left)
    is_leaf = np.array(left) < 0
    thresholds = np.where(random.random(count) < 0.5, random.choice(NASTY, count), random.normal(size=count))
    values = np.where(is_leaf, random.normal(scale=0.3, size=count), thresholds).astype(np.float32)
    return {
        "base_weights": [0.0] * count,
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": random.integers(0, 2, count).tolist(),
        "id": number,
        "left_children": left,
        "loss_changes": [0.0] * count,
        "parents": parents,
        "right_children": right,
        "split_conditions": values.tolist(),
        "split_indices": np.where(is_leaf, 0, random.integers(0, feature_count, count)).tolist(),
        "split_type": [0] * count,
        "sum_hessian": [1.0] * count,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(feature_count),
            "num_nodes": str(count),
            "size_leaf_vector": "1",
        },
    }


def made_booster(
    trees: list[dict[str, Any]],
    *,
    feature_count: int,
    objective: str = "reg:squarederror",
    base_score: float = 0.5,
    class_count: int = 0,
) -> xgboost.Booster:
    """Return a booster of these trees; with classes, tree i belongs to class i modulo their number."""
    output_count = max(1, class_count)
    document = {
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {
                "model": {
                    "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
                    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(len(trees))},
                    "iteration_indptr": list(range(0, len(trees) + 1, output_count)),
                    "tree_info": [number % output_count for number in range(len(trees))],
                    "trees": trees,
                },
                "name": "gbtree",
            },
            "learner_model_param": {
                "base_score": f"[{','.join([repr(base_score)] * output_count)}]",
                "boost_from_average": "1",
                "num_class": str(class_count),
                "num_feature": str(feature_count),
                "num_target": "1",
            },
            "objective": _objective(objective, class_count),
        },
        "version": [3, 2, 0],
    }
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(document).encode()))
    booster.set_param({"nthread": 1})
    return booster


def _objective(name: str, class_count: int) -> dict[str, Any]:
    if name.startswith("multi:"):
        return {"name": name, "softmax_multiclass_param": {"num_class": str(class_count)}}
    if name == "count:poisson":
        return {"name": name, "poisson_regression_param": {"max_delta_step": "0.7"}}
    if name == "reg:tweedie":
        return {"name": name, "tweedie_regression_param": {"tweedie_variance_power": "1.5"}}
    return {"name": name, "reg_loss_param": {"scale_pos_weight": "1"}}


def nasty_vectors(random: np.random.Generator, *, count: int, booster_values: np.ndarray) -> np.ndarray:
    """Return float32 records that hit thresholds, lie one bit beside them, are missing or infinite.

    Args:
        random: Decides all.
        count: Records.
        booster_values: float32 of shape (thresholds, features): for each feature values to aim at.
    """
    feature_count = booster_values.shape[1]
    picked = random.integers(0, len(booster_values), (count, feature_count))
    aimed = booster_values[picked, np.arange(feature_count)]
    ordinary = random.normal(size=(count, feature_count)).astype(np.float32)
    kind = random.integers(0, 8, (count, feature_count))
    with np.errstate(over="ignore"):
        below, above = np.nextafter(aimed, np.float32(-np.inf)), np.nextafter(aimed, np.float32(np.inf))
    infinite = np.where(random.random((count, feature_count)) < 0.5, np.inf, -np.inf)
    return np.select(
        [kind == 0, kind == 1, kind == 2, kind == 3, kind == 4],
        [aimed, below, above, np.full_like(ordinary, np.nan), infinite],
        ordinary,
    ).astype(np.float32)
