"""The forest evaluator predicts what XGBoost predicts, bit for bit, with every instruction set there is."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from made_forests import made_booster, made_tree, nasty_vectors

from serving.forest.forest import Forest, instruction_sets
from serving.forest.learner import learner_of
from serving.forest.xgboost_trees import read_trees

OBJECTIVES = (
    "reg:squarederror",
    "binary:logistic",
    "binary:logitraw",
    "count:poisson",
    "reg:gamma",
    "rank:pairwise",
)


def thresholds_by_feature(booster: xgboost.Booster) -> np.ndarray:
    """Return values of which each is a threshold of the model, float32 of shape (some, features)."""
    trees = read_trees(learner_of(booster))
    values = trees.values[trees.left >= 0].astype(np.float32)
    values = values if len(values) else np.zeros(1, dtype=np.float32)
    return np.repeat(values[:2000, None], trees.feature_count, axis=1)


def assert_same_bits(booster: xgboost.Booster, vectors: np.ndarray) -> None:
    """Compare all instruction sets with XGBoost."""
    expected = np.asarray(booster.inplace_predict(vectors), dtype=np.float32)
    trees = read_trees(learner_of(booster))
    for instruction_set in instruction_sets():
        found = Forest(trees, instruction_set=instruction_set).predict(vectors)
        assert found.shape == expected.shape
        differing = np.flatnonzero(
            (np.ascontiguousarray(found).view(np.uint32) != expected.view(np.uint32))
            .reshape(len(vectors), -1)
            .any(axis=1)
        )
        assert not len(differing), (
            instruction_set,
            differing[:5],
            found[differing[:5]],
            expected[differing[:5]],
        )


def test_the_extension_was_built() -> None:
    assert instruction_sets()[-1] == "portable"


@given(
    seed=st.integers(0, 2**32 - 1),
    depth=st.integers(0, 20),
    tree_count=st.integers(1, 40),
    feature_count=st.integers(1, 30),
    fullness=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    record_count=st.integers(1, 1100),
    objective=st.sampled_from(OBJECTIVES),
    base_score=st.sampled_from([0.5, 0.25, 0.9, 1e-3]),
)
def test_made_up_forests(  # noqa: PLR0913, PLR0917 - what is drawn
    seed: int,
    depth: int,
    tree_count: int,
    feature_count: int,
    fullness: float,
    record_count: int,
    objective: str,
    base_score: float,
) -> None:
    random = np.random.default_rng(seed)
    # A full tree of 12 levels has 8,191 nodes: few of those say as much as many.
    tree_count = min(tree_count, max(1, 4000 >> depth) if fullness == 1 else 40)
    trees = [
        made_tree(
            random,
            depth=int(random.integers(0, depth + 1)) if number else depth,
            feature_count=feature_count,
            fullness=fullness if depth < 9 else min(fullness, 0.8 if depth < 13 else 0.3),
            number=number,
        )
        for number in range(tree_count)
    ]
    booster = made_booster(trees, feature_count=feature_count, objective=objective, base_score=base_score)
    vectors = nasty_vectors(random, count=record_count, booster_values=thresholds_by_feature(booster))
    assert_same_bits(booster, vectors)


@pytest.mark.parametrize("depth", [*range(17), 40, 300])
def test_every_depth(depth: int) -> None:
    random = np.random.default_rng(depth)
    trees = [
        made_tree(random, depth=depth, feature_count=7, fullness=0.9 if depth < 13 else 0.3, number=number)
        for number in range(3)
    ]
    booster = made_booster(trees, feature_count=7)
    assert_same_bits(booster, nasty_vectors(random, count=700, booster_values=thresholds_by_feature(booster)))


@pytest.mark.parametrize("threshold_count", [1, 7, 8, 15, 16, 17, 31, 32, 63, 127, 255, 256, 257, 511, 700])
def test_every_number_of_thresholds_of_a_feature(threshold_count: int) -> None:
    """Few are compared one by one, many give a rank; values are each threshold, beside one, or missing."""
    random = np.random.default_rng(threshold_count)
    thresholds = np.unique(random.normal(size=threshold_count).astype(np.float32))
    thresholds[-1] = 3.4028235e38 if threshold_count % 2 else thresholds[-1]
    trees = []
    for number, threshold in enumerate(random.permutation(np.repeat(thresholds, 2))):
        tree = made_tree(random, depth=1, feature_count=2, number=number)
        tree["split_conditions"][0] = float(threshold)
        trees.append({**tree, "split_indices": [int(number % 7 == 0), 0, 0]})
    booster = made_booster(trees, feature_count=2)
    values = np.concatenate(
        [thresholds, np.nextafter(thresholds, np.float32(-np.inf)), [np.nan, -1e38, 1e38]]
    )
    assert_same_bits(booster, np.stack([values, random.permutation(values)], axis=1).astype(np.float32))


def test_two_thousand_trees() -> None:
    random = np.random.default_rng(2000)
    trees = [
        made_tree(random, depth=int(random.integers(1, 7)), feature_count=20, number=number)
        for number in range(2000)
    ]
    booster = made_booster(trees, feature_count=20, objective="binary:logistic")
    assert_same_bits(
        booster, nasty_vectors(random, count=1500, booster_values=thresholds_by_feature(booster))
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    class_count=st.integers(2, 9),
    objective=st.sampled_from(["multi:softprob"]),
)
@settings(max_examples=20)
def test_several_classes(seed: int, class_count: int, objective: str) -> None:
    random = np.random.default_rng(seed)
    trees = [
        made_tree(random, depth=int(random.integers(0, 5)), feature_count=5, number=number)
        for number in range(3 * class_count)
    ]
    booster = made_booster(trees, feature_count=5, objective=objective, class_count=class_count)
    assert_same_bits(booster, nasty_vectors(random, count=600, booster_values=thresholds_by_feature(booster)))


@pytest.mark.parametrize("objective", ["binary:logistic", "reg:squarederror", "count:poisson", "reg:tweedie"])
@pytest.mark.parametrize("tree_method", ["hist", "exact"])
def test_trained_models(objective: str, tree_method: str) -> None:
    random = np.random.default_rng(5)
    vectors = random.normal(size=(3000, 8)).astype(np.float32)
    vectors[random.random(vectors.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(vectors).sum(axis=1) > 0).astype(np.float32)
    parameters = {
        "objective": objective,
        "max_depth": 7,
        "tree_method": tree_method,
        "num_parallel_tree": 2,
        "nthread": 1,
    }
    booster = xgboost.train(parameters, xgboost.DMatrix(vectors, labels), 30)
    assert_same_bits(booster, vectors)


@pytest.mark.parametrize("record_count", [1, 127, 128, 129, 255, 256, 257, 511, 512, 513, 10_000])
def test_whatever_the_memory_order_and_the_threads(record_count: int) -> None:
    random = np.random.default_rng(6)
    trees = [made_tree(random, depth=5, feature_count=4, number=number) for number in range(9)]
    booster = made_booster(trees, feature_count=4)
    wide = nasty_vectors(random, count=record_count, booster_values=np.zeros((1, 8), dtype=np.float32))
    read = read_trees(learner_of(booster))
    vectors = wide[:, ::2]
    expected = booster.inplace_predict(np.ascontiguousarray(vectors))
    for given_vectors in (vectors, np.ascontiguousarray(vectors), np.asfortranarray(vectors)):
        for threads in (1, 3):
            found = Forest(read, threads=threads).predict(given_vectors)
            np.testing.assert_array_equal(found, expected)


def test_no_records_give_no_predictions() -> None:
    trees = [made_tree(np.random.default_rng(7), depth=2, feature_count=3)]
    forest = Forest(read_trees(learner_of(made_booster(trees, feature_count=3))))
    assert forest.predict(np.empty((0, 3), dtype=np.float32)).shape == (0,)
