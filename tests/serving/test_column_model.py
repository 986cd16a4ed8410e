"""A model that reads its one feature as it is gets texts, and each record its number or its reason."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.arrow_files import arrow_bytes, read_arrow
from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract, ModelOutputs
from contracts.errors import CallerError
from contracts.wire import ARROW_CONTENT_TYPE, PARQUET_CONTENT_TYPE
from serving.column_model import ColumnModel, Predictions
from serving.invocation import answer_payload, codecs_for
from serving.scorer import Scorer, load_scorer

CONTRACT = """
fields:
  - {name: id, type: string}
  - {name: review, type: string}
primaryKey: id
scoring: {features: [review], modelInput: text}
"""
RECORDS = pa.table({"id": ["a", "b", "c", "d"], "review": ["good", None, "", "very good"]})


class LetterCounter(ColumnModel):
    """Scores a text by its letters; an empty one it cannot score."""

    model_input = "text"
    description = "counts letters"

    def predict(self, column: pa.ChunkedArray) -> Predictions:
        """Count."""
        texts = column.to_pylist()
        assert None not in texts
        faults = {at: "the text is empty" for at, text in enumerate(texts) if not text}
        return Predictions(values=np.array([len(text) for text in texts], np.float32), faults=faults)


class LetterPairs(LetterCounter):
    """Answers two numbers."""

    def predict(self, column: pa.ChunkedArray) -> Predictions:
        """Count, and count down."""
        counted = super().predict(column)
        return Predictions(values=np.stack([counted.values, -counted.values], axis=1), faults=counted.faults)


def contract(text: str = CONTRACT) -> DatasetContract:
    return parse_contract(text.encode(), name="contract.yaml")


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def answered(body: bytes, content_type: str) -> list[dict[str, object]]:
    answer = answer_payload(body, codecs_for(contract())[content_type], Scorer(LetterCounter()))
    is_arrow = content_type == ARROW_CONTENT_TYPE
    table = read_arrow(answer.body) if is_arrow else pq.read_table(io.BytesIO(answer.body))
    return list(table.to_pylist())


ANSWERS = [
    {"id": "a", "score": 4.0, "error": None},
    {"id": "b", "score": None, "error": "the text is missing"},
    {"id": "c", "score": None, "error": "the text is empty"},
    {"id": "d", "score": 9.0, "error": None},
]


def test_texts_reach_the_model_and_what_it_cannot_score_has_a_reason() -> None:
    """A missing value never reaches it, and moves nobody else's answer."""
    assert answered(arrow_bytes(RECORDS), ARROW_CONTENT_TYPE) == ANSWERS
    assert answered(parquet_of(RECORDS), PARQUET_CONTENT_TYPE) == ANSWERS


def test_texts_that_are_stored_as_a_dictionary_are_the_same_texts() -> None:
    coded = RECORDS.set_column(1, "review", RECORDS["review"].dictionary_encode())
    assert answered(arrow_bytes(coded), ARROW_CONTENT_TYPE) == ANSWERS


@pytest.mark.parametrize("write", [arrow_bytes, parquet_of])
def test_a_payload_whose_text_is_no_text_is_refused(write: Callable[[pa.Table], bytes]) -> None:
    """Bytes that are not UTF-8 would fail where a model takes them for text."""
    odd = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
    )
    codec = codecs_for(contract())[ARROW_CONTENT_TYPE if write is arrow_bytes else PARQUET_CONTENT_TYPE]
    with pytest.raises(CallerError, match="cannot be read as one whole"):
        codec.decode(write(pa.table({"id": ["a"], "review": odd})))


def test_no_records_and_records_without_a_text_keep_their_shape() -> None:
    scorer = Scorer(LetterPairs(), ModelOutputs(count=2))
    nothing = scorer.score(pa.chunked_array([], pa.string()))
    missing = scorer.score(pa.chunked_array([pa.nulls(3, pa.string())]))
    assert (nothing.values.shape, missing.values.shape) == ((0, 2), (3, 2))
    assert dict(missing.faults) == dict.fromkeys(range(3), "the text is missing")


def test_several_outputs_of_a_text_stand_beside_its_faults() -> None:
    scores = Scorer(LetterPairs(), ModelOutputs(count=2)).score(RECORDS["review"])
    np.testing.assert_array_equal(scores.values[[0, 3]], [[4, -4], [9, -9]])
    assert np.isnan(scores.values[[1, 2]]).all()
    assert sorted(scores.faults) == [1, 2]


def test_only_payloads_of_columns_are_taken_for_a_text() -> None:
    """A line of numbers would be scored as something that nobody sent."""
    assert set(codecs_for(contract())) == {ARROW_CONTENT_TYPE, PARQUET_CONTENT_TYPE}


def test_a_number_that_is_not_finite_is_a_fault_of_its_text() -> None:
    class Infinite(LetterCounter):
        def predict(self, column: pa.ChunkedArray) -> Predictions:
            return Predictions(values=np.full(len(column), np.inf))

    scores = Scorer(Infinite()).score(pa.chunked_array([["a"]]))
    assert dict(scores.faults) == {0: "the score is inf which is no finite number"}


@pytest.mark.functional
def test_a_model_of_a_format_that_reads_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="says `modelInput: text`; expected a model in one of"):
        load_scorer(tmp_path / "model.ubj", threads=1, model_input="text")
