"""Columns predict what the matrix made of them predicts, bit for bit, with every instruction set there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from made_forests import NASTY, made_booster, made_tree

from contracts.dataset import Field
from contracts.encoded_columns import EncodedColumn, encoded_column
from contracts.encoding import encode_column
from serving.forest.forest import Forest, instruction_sets
from serving.forest.learner import learner_of
from serving.forest.xgboost_trees import read_trees

CATEGORIES = ("a", "b", "c", "d")
RECORD_COUNTS = (1, 2, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1100, 9000)


def made_numbers(random: np.random.Generator, count: int) -> pa.Array:
    """Float64: thresholds, missing and infinite values, and numbers beyond the largest float32."""
    kinds = random.integers(0, 30, count)
    numbers = np.where(kinds < 15, random.choice(NASTY, count).astype(np.float64), random.normal(size=count))
    odd = [np.nan, np.inf, -np.inf, 1e300, -1e39]
    return pa.array(np.select([kinds == 15 + at for at in range(len(odd))], odd, numbers), pa.float64())


def made_integers(random: np.random.Generator, count: int) -> pa.Array:
    return pa.array(random.integers(-3, 4, count) * random.choice([1, 2**24 + 1, 2**61], count), pa.int64())


def made_codes(random: np.random.Generator, count: int) -> pa.Array:
    """A dictionary in the contract's order or another, with values that are unseen or missing."""
    values = list(random.permutation([*CATEGORIES, None, "unseen"])) if random.random() < 0.6 else CATEGORIES
    width = random.choice([pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8()])
    positions = pa.array(random.integers(0, len(values), count), width)
    return pa.DictionaryArray.from_arrays(positions, pa.array(values, pa.string()))


def made_listed_numbers(random: np.random.Generator, count: int) -> pa.Array:
    values = pa.array(random.choice([0.0, 1.0, -1.0, 0.1, 1e300, np.nan], 5), pa.float64())
    return pa.DictionaryArray.from_arrays(pa.array(random.integers(0, 5, count), pa.int16()), values)


MAKERS: dict[str, Any] = {
    "number": made_numbers,
    "integer": made_integers,
    "string": made_codes,
    "boolean": lambda random, count: pa.array(random.integers(0, 2, count).astype(bool)),
    "listed": made_listed_numbers,
    "text": lambda random, count: pa.array(random.choice([*CATEGORIES, "unseen"], count)),
}
FIELD_TYPES = {"listed": "number", "text": "string"}


def made_column(random: np.random.Generator, kind: str, count: int) -> pa.Array:
    """A column that is a slice of a longer one, in which a value may be missing."""
    before = int(random.integers(0, 20))
    whole = MAKERS[kind](random, before + count + 5)
    if random.random() < 0.5:
        missing = pa.array(random.random(len(whole)) < 0.2)
        whole = pa.compute.if_else(missing, pa.scalar(None, whole.type), whole)
    return whole.slice(before, count)


def field_of(kind: str) -> Field:
    name = FIELD_TYPES.get(kind, kind)
    return Field(name="f", type=name, categories=CATEGORIES if name == "string" else ())


def made_forest(random: np.random.Generator, feature_count: int, objective: str) -> xgboost.Booster:
    trees = [
        made_tree(random, depth=int(random.integers(0, 8)), feature_count=feature_count, number=number)
        for number in range(20)
    ]
    return made_booster(trees, feature_count=feature_count, objective=objective)


@given(
    seed=st.integers(0, 2**32 - 1),
    kinds=st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=8),
    record_count=st.sampled_from(RECORD_COUNTS),
    objective=st.sampled_from(["reg:squarederror", "binary:logistic"]),
)
def test_columns_of_every_kind(seed: int, kinds: list[str], record_count: int, objective: str) -> None:
    """Nulls, infinities, dictionaries in any order, slices of longer columns: all is as of the matrix."""
    random = np.random.default_rng(seed)
    columns = [made_column(random, kind, record_count) for kind in kinds]
    vectors = np.column_stack(
        [encode_column(pa.chunked_array([c]), field_of(k)) for c, k in zip(columns, kinds, strict=True)]
    )
    encoded = [encoded_column(c, field_of(k)) for c, k in zip(columns, kinds, strict=True)]
    trees = read_trees(learner_of(made_forest(random, len(kinds), objective)))
    threads = int(random.integers(1, 4))
    for instruction_set in instruction_sets():
        forest = Forest(trees, threads=threads, instruction_set=instruction_set)
        predictions, is_infinite = forest.predict_columns(encoded, record_count)
        expected = forest.predict(vectors)
        assert np.ascontiguousarray(predictions).tobytes() == np.ascontiguousarray(expected).tobytes()
        np.testing.assert_array_equal(is_infinite, np.isinf(vectors).any(axis=1))


def small_forest(threads: int = 1) -> Forest:
    booster = made_forest(np.random.default_rng(3), 1, "reg:squarederror")
    return Forest(read_trees(learner_of(booster)), threads=threads)


def numbers(count: int) -> np.ndarray:
    return np.ones(count, dtype=np.float32)


@pytest.mark.parametrize(
    ("column", "cause"),
    [
        (EncodedColumn(storage="float32", values=numbers(9)), "ends before its last record"),
        (EncodedColumn(storage="float32", values=numbers(10), offset=1), "ends before its last record"),
        (EncodedColumn(storage="float64", values=numbers(19)), "ends before its last record"),
        (EncodedColumn(storage="bits", values=numbers(1)[:0]), "ends before its last record"),
        (EncodedColumn(storage="int8", values=numbers(3), offset=2**62), "ends before its last record"),
        (EncodedColumn(storage="int8", values=numbers(3), offset=-1), "begins before its values"),
        (EncodedColumn(storage="int8", values=numbers(3), valid=pa.py_buffer(b"1")), "ends before"),
        (EncodedColumn(storage="int8", values=numbers(3), table=numbers(0)), "a table"),
        (EncodedColumn(storage="int8", values=numbers(3), table=np.ones(3, np.uint8)), "a table"),
        (EncodedColumn(storage="decimal", values=numbers(10)), "no such storage"),
    ],
)
def test_columns_that_end_too_early_are_refused(column: EncodedColumn, cause: str) -> None:
    """Nothing is read outside of what was given."""
    with pytest.raises(ValueError, match=cause):
        small_forest().predict_columns([column], 10)


def test_the_part_of_a_later_thread_is_refused_too() -> None:
    """Records are counted from the first one of the part."""
    with pytest.raises(ValueError, match="ends before its last record"):
        small_forest(threads=2).predict_columns(
            [EncodedColumn(storage="float32", values=numbers(8999))], 9000
        )


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="another number of features"):
        small_forest().predict_columns([EncodedColumn(storage="float32", values=numbers(3))] * 2, 3)


def test_positions_beyond_the_table_are_missing_values() -> None:
    """No payload that was checked has one; nothing is read outside of the table for it."""
    for kind in (np.int8, np.int16, np.int32, np.int64):
        codes = np.array([-1, 0, 1, 2, np.iinfo(kind).max, np.iinfo(kind).min], dtype=kind)
        table = np.array([0.5, -0.5], dtype=np.float32)
        column = EncodedColumn(storage=np.dtype(kind).name, values=codes, table=table)
        meant = np.array([np.nan, 0.5, -0.5, np.nan, np.nan, np.nan], dtype=np.float32)
        found, _ = small_forest().predict_columns([column], len(codes))
        np.testing.assert_array_equal(found, small_forest().predict(meant[:, None]))
