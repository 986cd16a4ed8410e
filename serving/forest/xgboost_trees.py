"""Read out of an XGBoost model what its forest evaluator needs, or say which feature of it stands against.

What a model means is XGBoost's to say: names and forms are those of its model schema
[https://xgboost.readthedocs.io, "Introduction to Model IO"].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.forest.learner import Learner, output_count
from serving.forest.trees import CLASSES, EXPONENTIAL, IDENTITY, PROBABILITY, Trees, UnsupportedModelError

_TRANSFORMS = {
    "binary:logistic": PROBABILITY,
    "reg:logistic": PROBABILITY,
    "count:poisson": EXPONENTIAL,
    "reg:gamma": EXPONENTIAL,
    "reg:tweedie": EXPONENTIAL,
    "multi:softprob": CLASSES,
    "binary:logitraw": IDENTITY,
    "reg:squarederror": IDENTITY,
    "reg:squaredlogerror": IDENTITY,
    "reg:absoluteerror": IDENTITY,
    "reg:pseudohubererror": IDENTITY,
    "reg:linear": IDENTITY,
    "rank:pairwise": IDENTITY,
    "rank:ndcg": IDENTITY,
    "rank:map": IDENTITY,
}
"""By the objective: what becomes of the sum of the leaves."""


def read_trees(learner: Learner) -> Trees:
    """Read a model.

    Args:
        learner: Of a model whose trees can be followed.

    Raises:
        UnsupportedModelError: It has what the evaluator cannot do.
    """
    booster = learner["gradient_booster"]
    if booster["name"] != "gbtree":
        raise UnsupportedModelError(f"its booster is {booster['name']}, not gbtree")
    objective = learner["objective"]["name"]
    if objective not in _TRANSFORMS:
        raise UnsupportedModelError(f"its objective is {objective}")
    facts = learner["learner_model_param"]
    trees = booster["model"]["trees"]
    for number, tree in enumerate(trees):
        _check_tree(number, tree)
    return Trees(
        ends=np.cumsum([len(tree["left_children"]) for tree in trees], dtype=np.int64),
        outputs=np.asarray(booster["model"]["tree_info"], dtype=np.uint32),
        left=_joined(trees, "left_children", np.int32),
        right=_joined(trees, "right_children", np.int32),
        features=_joined(trees, "split_indices", np.uint32),
        values=_joined(trees, "split_conditions", np.float64),
        missing=_joined(trees, "default_left", np.uint8),
        feature_count=int(facts["num_feature"]),
        base_scores=_base_scores(str(facts["base_score"]), output_count(learner)),
        transform=_TRANSFORMS[objective],
    )


def _check_tree(number: int, tree: Mapping[str, Any]) -> None:
    if np.any(tree["split_type"]):
        raise UnsupportedModelError(f"tree {number} splits by a set of categories")


def _joined(trees: Sequence[Mapping[str, Any]], name: str, kind: type[np.generic]) -> np.ndarray:
    return np.concatenate([np.empty(0, kind), *(np.asarray(tree[name], dtype=kind) for tree in trees)])


def _base_scores(text: str, count: int) -> np.ndarray:
    """Read the base score: one number, or since XGBoost 3.1 a list, of one number or one an output."""
    scores = np.array([np.float32(word) for word in text.strip("[]").split(",")], dtype=np.float32)
    return np.resize(scores, count)
