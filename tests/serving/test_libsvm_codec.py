"""Sparse lines become the vectors that XGBoost itself reads from them; damage stays on its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import TINY_CONTRACT, make_tiny_model

from contracts.contract_file import parse_contract
from serving.invocation import answer_payload, codecs_for
from serving.libsvm_codec import LIBSVM_CONTENT_TYPES, LibsvmCodec
from serving.scorer import Scores, load_scorer

FEATURE_COUNT = 4
NAMES = [f"f{position}" for position in range(FEATURE_COUNT)]
CONTRACT = parse_contract(
    (
        "fields: [{name: id, type: string}, "
        + ", ".join(f"{{name: {name}, type: number}}" for name in NAMES)
        + f"]\nprimaryKey: id\nscoring: {{features: [{', '.join(NAMES)}]}}"
    ).encode(),
    name="contract.yaml",
)
CODEC = LibsvmCodec(CONTRACT)
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.dictionaries(st.integers(0, FEATURE_COUNT - 1), NUMBERS), min_size=1, max_size=20)


def written(rows: list[dict[int, float]]) -> str:
    """Write rows as LIBSVM text, with a label."""
    lines = [
        " ".join(["1", *(f"{position}:{value!r}" for position, value in sorted(row.items()))]) for row in rows
    ]
    return "".join(line + "\n" for line in lines)


@given(rows=ROWS)
def test_lines_become_vectors_with_nan_for_what_is_not_named(rows: list[dict[int, float]]) -> None:
    decoded = CODEC.decode(written(rows).encode())
    expected = np.full((len(rows), FEATURE_COUNT), np.nan, dtype=np.float32)
    for number, row in enumerate(rows):
        for position, value in row.items():
            expected[number, position] = value
    np.testing.assert_array_equal(decoded.features, expected)
    assert decoded.faults == {}


@pytest.mark.functional
def test_xgboost_reads_the_same_values_from_the_same_text(tmp_path: Path) -> None:
    """Values that both round alike: XGBoost's own parser is off by one bit for some others."""
    random = np.random.default_rng(7)
    rows = [
        {int(position): int(random.integers(-99, 99)) / 8 for position in random.choice(FEATURE_COUNT, size)}
        for size in (4, 0, 1, 2, 3, 4)
    ]
    rows.append({FEATURE_COUNT - 1: 1.0})  # XGBoost takes the highest position for the number of features
    path = tmp_path / "rows.txt"
    path.write_text(written(rows))
    with xgboost.config_context(verbosity=0):  # text input is deprecated there
        matrix = xgboost.DMatrix(f"{path}?format=libsvm")
    np.testing.assert_array_equal(CODEC.decode(path.read_bytes()).features, dense(matrix))


def dense(matrix: xgboost.DMatrix) -> np.ndarray:
    """Return the values of a matrix, NaN where it has none."""
    sparse = matrix.get_data()
    found = np.full(sparse.shape, np.nan, dtype=np.float32)
    rows = np.repeat(np.arange(sparse.shape[0]), np.diff(sparse.indptr))
    found[rows, sparse.indices] = sparse.data
    return found


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 0:1 x", "'x' is not position:value"),
        ("0:1 4:2", "'4:2' is beyond the last feature, 3"),
        ("1 0:1 0:2", "'0:2' names a feature a second time"),
        ("1 0:ten", "'0:ten' is not position:value"),
        ("1 2 0:1", "'2' is not position:value"),
        ("1 -1:1", "'-1:1' is not position:value"),
        ("\ufffd", "'\ufffd' is not position:value"),
    ],
)
def test_a_damaged_line_is_a_fault_in_its_place(line: str, reason: str) -> None:
    decoded = CODEC.decode(f"1 0:1\n{line}\n3:4".encode())
    assert decoded.faults == {1: reason}
    assert len(decoded.features) == 3
    assert np.isnan(decoded.features[1]).all()


@pytest.mark.parametrize("line", ["", " ", "1", "\r", "1 0:nan"])
def test_a_line_without_values_has_every_feature_missing(line: str) -> None:
    decoded = CODEC.decode(f"{line}\n1 0:1\r\n".encode())
    assert np.isnan(decoded.features[0]).all()
    assert decoded.features[1, 0] == 1
    assert (decoded.faults, len(decoded.features)) == ({}, 2)


@pytest.mark.functional
@pytest.mark.parametrize("content_type", LIBSVM_CONTENT_TYPES)
def test_a_model_answers_as_on_the_csv_wire(content_type: str, tmp_path: Path) -> None:
    codecs = codecs_for(parse_contract(TINY_CONTRACT.encode(), name="tiny"))
    scorer = load_scorer(make_tiny_model(tmp_path / "model.json"), threads=1)
    sparse = answer_payload(b"0 0:31 1:2\n1 2:1\n", codecs[content_type], scorer)
    dense_lines = answer_payload(b"31,2,\n,,1\n", codecs["text/csv"], scorer)
    assert sparse == dense_lines
    assert sparse.body.split() == [b"132.5", b"211.5"]


def test_the_answer_is_a_line_of_csv_for_each_record() -> None:
    decoded = CODEC.decode(b"0:1\nbroken\n")
    scores = Scores(values=np.array([0.5, np.nan]), faults=decoded.faults)
    assert CODEC.encode(decoded, scores).splitlines()[0] == b"0.5"
    assert CODEC.encode(decoded, scores).splitlines()[1].startswith(b"error: ")
