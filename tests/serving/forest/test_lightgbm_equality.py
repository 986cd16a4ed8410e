"""The forest evaluator predicts what LightGBM predicts, bit for bit, with every instruction set there is."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_forests import nasty_vectors
from made_lightgbm import KINDS, NASTY_THRESHOLDS, made_lightgbm, model_text, tree_text

from serving.forest.checked_forest import probe_vectors
from serving.forest.forest import Forest, instruction_sets
from serving.forest.lightgbm_trees import read_trees
from serving.forest.trees import Trees
from serving.lightgbm_text import check_model_text

ONE_OUTPUT = (
    *("", "custom", "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank"),
    *("rank_xendcg", "regression sqrt", "regression_l1 sqrt", "poisson", "gamma", "tweedie"),
    *("binary sigmoid:1", "binary sigmoid:0.7", "cross_entropy", "cross_entropy_lambda"),
)
SMALL = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 1.0000001e-35, -1.0000001e-35], dtype=np.float32)
TRAINED_OBJECTIVES = (
    *("regression", "regression_l1", "binary", "poisson", "tweedie", "cross_entropy", "multiclass"),
    *("multiclassova", "huber"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def read(text: str, folder: Path) -> Trees:
    """Read a model as the server does."""
    path = folder / "model.txt"
    path.write_text(text)
    return read_trees(check_model_text(path))


def vectors_for(trees: Trees, random: np.random.Generator, count: int) -> np.ndarray:
    """Return records that hit thresholds, lie beside them, are missing, infinite, or zero to LightGBM."""
    limits = trees.values[trees.left >= 0].astype(np.float32)
    limits = limits if len(limits) else np.zeros(1, dtype=np.float32)
    values = np.repeat(limits[:2000, None], trees.feature_count, axis=1)
    vectors = nasty_vectors(random, count=count, booster_values=values)
    is_small = random.random(vectors.shape) < 0.15
    vectors[is_small] = random.choice(SMALL, int(is_small.sum()))
    return vectors


def assert_same_bits(text: str, trees: Trees, vectors: np.ndarray) -> None:
    """Compare all instruction sets with LightGBM."""
    booster = lightgbm.Booster(model_str=text)
    expected = np.asarray(booster.predict(vectors, num_threads=1))
    for instruction_set in instruction_sets():
        found = Forest(trees, instruction_set=instruction_set).predict(vectors)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        is_other = np.ascontiguousarray(found).view(np.uint64) != np.ascontiguousarray(expected).view(
            np.uint64
        )
        differing = np.flatnonzero(is_other.reshape(len(vectors), -1).any(axis=1))[:5]
        assert not len(differing), (instruction_set, differing, found[differing], expected[differing])


def check(text: str, folder: Path, random: np.random.Generator, record_count: int = 700) -> None:
    trees = read(text, folder)
    assert_same_bits(text, trees, vectors_for(trees, random, record_count))
    assert_same_bits(text, trees, probe_vectors(trees))


@given(
    seed=st.integers(0, 2**32 - 1),
    tree_count=st.integers(1, 30),
    leaf_count=st.integers(1, 300),
    feature_count=st.integers(1, 30),
    chain_fraction=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    record_count=st.integers(1, 1100),
    objective=st.sampled_from(ONE_OUTPUT),
)
def test_made_up_forests(  # noqa: PLR0913, PLR0917 - what is drawn
    folder: Path,
    seed: int,
    tree_count: int,
    leaf_count: int,
    feature_count: int,
    chain_fraction: float,
    record_count: int,
    objective: str,
) -> None:
    random = np.random.default_rng(seed)
    text = made_lightgbm(
        random,
        tree_count=tree_count,
        leaf_count=leaf_count,
        feature_count=feature_count,
        chain_fraction=chain_fraction,
        objective=objective,
        is_averaged=bool(random.integers(0, 2)),
    )
    check(text, folder, random, record_count)


@given(
    seed=st.integers(0, 2**32 - 1),
    output_count=st.integers(2, 7),
    objective=st.sampled_from(["", "multiclass num_class:{}", "multiclassova num_class:{} sigmoid:1"]),
)
@settings(max_examples=20)
def test_several_outputs(folder: Path, seed: int, output_count: int, objective: str) -> None:
    random = np.random.default_rng(seed)
    text = made_lightgbm(
        random,
        tree_count=3 * output_count,
        leaf_count=20,
        feature_count=5,
        objective=objective.format(output_count),
        output_count=output_count,
        is_averaged=bool(random.integers(0, 2)),
    )
    check(text, folder, random)


@pytest.mark.parametrize("leaf_count", [1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 64, 65, 129, 256, 257, 600, 4096])
@pytest.mark.parametrize("chain_fraction", [0.0, 1.0])
def test_every_number_of_leaves(folder: Path, leaf_count: int, chain_fraction: float) -> None:
    """Chains have as many levels as leaves but one."""
    random = np.random.default_rng(leaf_count)
    text = made_lightgbm(
        random, tree_count=2, leaf_count=leaf_count, feature_count=7, chain_fraction=chain_fraction
    )
    check(text, folder, random)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinite_thresholds(folder: Path, infinity: float) -> None:
    """[ran] LightGBM writes them where only missing values go right; infinite records are faults anyway."""
    random = np.random.default_rng(8)
    text = made_lightgbm(
        random, tree_count=9, leaf_count=9, feature_count=3, thresholds=np.array([infinity, 0.0, 1.0])
    )
    trees = read(text, folder)
    vectors = vectors_for(trees, random, 500)
    assert_same_bits(text, trees, np.where(np.isinf(vectors), np.float32(1), vectors))


def test_each_threshold_with_each_kind_of_missing_values(folder: Path) -> None:
    """One tree of one test for each, and an output for each tree, so that none hides another."""
    pairs = [(threshold, kind) for threshold in NASTY_THRESHOLDS for kind in KINDS]
    stumps = [
        tree_text(number, [-1], [-2], [0], [threshold], [kind], [1, 2])
        for number, (threshold, kind) in enumerate(pairs)
    ]
    text = model_text(stumps, feature_count=1, output_count=len(pairs))
    with np.errstate(over="ignore"):
        at = np.concatenate(
            [NASTY_THRESHOLDS.astype(np.float32), SMALL, np.float32([np.nan, np.inf, -np.inf])]
        )
        around = [np.nextafter(at, np.float32(towards)) for towards in (-np.inf, np.inf)]
    assert_same_bits(text, read(text, folder), np.concatenate([at, *around])[:, None])


@given(
    seed=st.integers(0, 2**32 - 1),
    objective=st.sampled_from(TRAINED_OBJECTIVES),
    boosting=st.sampled_from(["gbdt", "rf", "dart"]),
    missing=st.sampled_from([{}, {"zero_as_missing": True}, {"use_missing": False}]),
    num_leaves=st.sampled_from([2, 7, 31, 200]),
    max_depth=st.sampled_from([-1, 2, 5]),
)
@settings(max_examples=60)
def test_trained_models(
    folder: Path,
    seed: int,
    objective: str,
    boosting: str,
    missing: dict[str, object],
    num_leaves: int,
    max_depth: int,
) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(600, 6)).astype(np.float32)
    vectors[random.random(vectors.shape) < 0.15] = np.nan
    vectors[random.random(vectors.shape) < 0.2] = 0
    vectors[:, 3] = random.integers(-2, 3, 600) * np.float32(1e-35)
    vectors[:, 4] = np.where(random.random(600) < 0.5, np.nan, 1)
    target = np.nan_to_num(vectors).sum(axis=1) + np.isnan(vectors[:, 4])
    parameters: dict[str, object] = {
        "objective": objective,
        "boosting": boosting,
        "num_leaves": num_leaves,
        "max_depth": max_depth,
        "min_data_in_leaf": 2,
        "num_threads": 1,
        "verbosity": -1,
        "seed": seed % 1000,
        **missing,
        **({"bagging_freq": 1, "bagging_fraction": 0.7} if boosting == "rf" else {}),
        **({"num_class": 3} if objective.startswith("multiclass") else {}),
    }
    booster = lightgbm.train(parameters, lightgbm.Dataset(vectors, label_of(objective, target)), 12)
    text = booster.model_to_string() + "\npandas_categorical:null\n"
    trees = read(text, folder)
    assert_same_bits(text, trees, vectors)
    assert_same_bits(text, trees, probe_vectors(trees))


def label_of(objective: str, target: np.ndarray) -> np.ndarray:
    """Return labels that an objective takes."""
    if objective in {"binary", "cross_entropy"}:
        return (target > 0).astype(float)
    if objective in {"poisson", "tweedie"}:
        return np.abs(target)
    return np.digitize(target, [-1, 1]) if objective.startswith("multiclass") else target


@pytest.mark.parametrize(
    "sigmoid", ["1", "2.73", "1.1", "0.000123", "12.3457", "3.33333", "0.9999995", "9.87654"]
)
def test_sigmoids_are_read_as_lightgbm_reads_them(folder: Path, sigmoid: str) -> None:
    """[src] Its `Atof` adds the part before the point to the part after it: that may round twice."""
    random = np.random.default_rng(3)
    text = made_lightgbm(
        random, tree_count=5, leaf_count=20, feature_count=3, objective=f"binary sigmoid:{sigmoid}"
    )
    check(text, folder, random)


@pytest.mark.parametrize("record_count", [1, 127, 128, 129, 255, 257, 511, 512, 513, 10_000])
def test_whatever_the_memory_order_and_the_threads(folder: Path, record_count: int) -> None:
    random = np.random.default_rng(6)
    text = made_lightgbm(
        random, tree_count=9, leaf_count=31, feature_count=4, objective="binary sigmoid:1", is_averaged=True
    )
    trees = read(text, folder)
    wide = random.normal(size=(record_count, 8)).astype(np.float32)
    vectors = wide[:, ::2]
    expected = lightgbm.Booster(model_str=text).predict(np.ascontiguousarray(vectors), num_threads=1)
    for given_vectors in (vectors, np.ascontiguousarray(vectors), np.asfortranarray(vectors)):
        for threads in (1, 3):
            found = Forest(trees, threads=threads).predict(given_vectors)
            np.testing.assert_array_equal(found, expected)


def test_two_thousand_trees(folder: Path) -> None:
    random = np.random.default_rng(2000)
    text = made_lightgbm(
        random, tree_count=2000, leaf_count=31, feature_count=20, objective="binary sigmoid:1"
    )
    check(text, folder, random, 1500)
