"""What an XGBoost model says of itself, and whether its trees can be followed at all.

XGBoost trusts what a model says: a tree that adds to an output that is not there writes into other memory,
and one whose right child is not the node after the left one may be followed forever (both seen in 3.2). So
this is looked at before anything is predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from contracts.errors import CallerError
from serving.forest.ubjson import read_ubjson

Learner = Mapping[str, Any]
"""The member `learner` of a model in XGBoost's schema, with arrays of numbers as numpy arrays."""


def learner_of(booster: xgboost.Booster) -> Learner:
    """Return what a booster says of itself."""
    learner: Learner = read_ubjson(bytes(booster.save_raw("ubj")))["learner"]
    return learner


def output_count(learner: Learner) -> int:
    """Return how many sums a model has for each record."""
    facts = learner["learner_model_param"]
    return max(1, int(facts["num_class"]), int(facts.get("num_target", 1)))


def check_trees(path: Path, learner: Learner) -> None:
    """Check that XGBoost can follow every tree of a model.

    Args:
        path: The model, for the message.
        learner: Of the model.

    Raises:
        CallerError: It cannot, or leaves have several numbers.
    """
    booster = learner["gradient_booster"]
    model = booster.get("gbtree", booster)["model"]  # DART has its trees one level further down
    trees: Sequence[Mapping[str, Any]] = model.get("trees", ())
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees):
        raise CallerError(
            f"{path}: has trees with several numbers in a leaf, which XGBoost calls work in progress; train "
            "with multi_strategy='one_output_per_tree', its default"
        )
    fault = _fault_of(trees, np.asarray(model.get("tree_info", ()), dtype=np.int64), output_count(learner))
    if fault:
        raise CallerError(
            f"{path}: {fault}; the file is damaged, save the model anew with "
            f"`booster.save_model('{path.name}')`"
        )


def _fault_of(trees: Sequence[Mapping[str, Any]], outputs: np.ndarray, sum_count: int) -> str:
    if not ((outputs >= 0) & (outputs < sum_count)).all():
        return f"a tree adds to an output that is not there (there are {sum_count})"
    if len(outputs) != len(trees):
        return f"it names the outputs of {len(outputs)} trees and has {len(trees)}"
    for number, tree in enumerate(trees):
        if not _is_tree(np.asarray(tree["left_children"]), np.asarray(tree["right_children"])):
            return f"the nodes of tree {number} do not make a tree"
    return ""


def _is_tree(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether each node has at most one parent, the root none, and right children follow the left ones."""
    if not len(left) or len(left) != len(right):
        return False
    is_test = left >= 0
    children = np.concatenate([left[is_test], right[is_test]])
    is_inside = (children > 0) & (children < len(left))
    follows = right[is_test] == left[is_test] + 1
    return bool(is_inside.all() and follows.all()) and len(np.unique(children)) == len(children)
