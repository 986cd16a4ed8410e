"""Trees that XGBoost would follow forever, or into other memory, are refused before anything is predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xgboost
from made_forests import made_booster, made_tree

from contracts.errors import CallerError
from serving import xgboost_model
from serving.forest.learner import check_trees, learner_of


def damaged(**changes: list[int]) -> xgboost.Booster:
    """Return a booster of one tree of three levels, with some of its arrays in another form."""
    tree = made_tree(np.random.default_rng(1), depth=3, feature_count=2, fullness=1.0)
    return made_booster([{**tree, **changes}], feature_count=2)


def test_a_sound_model_passes() -> None:
    check_trees(Path("model.ubj"), learner_of(damaged()))


@pytest.mark.parametrize("swapped", [[0], [2, 5], [6]])
def test_a_right_child_that_does_not_follow_the_left_one_is_refused(
    swapped: list[int], tmp_path: Path
) -> None:
    tree = made_tree(np.random.default_rng(1), depth=3, feature_count=2, fullness=1.0)
    left, right = list(tree["left_children"]), list(tree["right_children"])
    tests = [node for node in range(len(left)) if left[node] >= 0]
    for node in (tests[at % len(tests)] for at in swapped):
        left[node], right[node] = right[node], left[node]
    booster = damaged(left_children=left, right_children=right)
    booster.save_model(tmp_path / "model.ubj")
    with pytest.raises(CallerError, match=r"nodes of tree 0 do not make a tree; the file is damaged"):
        xgboost_model.load_model(tmp_path / "model.ubj", threads=1)


def test_a_tree_that_leads_back_is_refused() -> None:
    tree = made_tree(np.random.default_rng(1), depth=3, feature_count=2, fullness=1.0)
    left, right = list(tree["left_children"]), list(tree["right_children"])
    last = max(node for node in range(len(left)) if left[node] >= 0)
    left[last], right[last] = 1, 2
    with pytest.raises(CallerError, match="do not make a tree"):
        check_trees(Path("model.ubj"), learner_of(damaged(left_children=left, right_children=right)))
