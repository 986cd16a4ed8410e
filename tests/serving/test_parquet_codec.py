"""The parquet wire brings every id back, beside its score or its error."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_model import TINY_CONTRACT

from contracts.contract_file import parse_contract
from contracts.errors import CallerError
from contracts.wire import FINGERPRINT_KEY
from serving.codecs import DecodedPayload
from serving.parquet_codec import ParquetCodec
from serving.scorer import Scores

CONTRACT = parse_contract(TINY_CONTRACT.encode(), name="tiny")
CODEC = ParquetCodec(CONTRACT)
RECORDS = pa.table(
    {
        "customer_id": ["a", "b", "c"],
        "age": pa.array([31, None, 29], pa.int64()),
        "plan": ["pro", "basic", "unheard of"],
        "active": [True, False, None],
    }
)
VECTORS = np.array([[31, 2, 1], [np.nan, 0, 0], [29, np.nan, np.nan]], np.float32)


def payload_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_typed_columns_become_vectors_and_ids_stay() -> None:
    """Encoding is the contract's: codes for categories, NaN for what is missing."""
    payload = CODEC.decode(payload_of(RECORDS))
    np.testing.assert_array_equal(payload.vectors, VECTORS)
    assert payload.ids is not None
    assert payload.ids.to_pylist() == ["a", "b", "c"]


def test_columns_are_found_by_name() -> None:
    """Their order and what stands between them do not matter."""
    shuffled = RECORDS.select(["active", "plan", "customer_id", "age"]).append_column(
        "more", pa.array([1, 2, 3])
    )
    np.testing.assert_array_equal(CODEC.decode(payload_of(shuffled)).vectors, VECTORS)


@pytest.mark.parametrize("record_count", [0, 1, 3])
def test_any_number_of_records_keeps_two_dimensions(record_count: int) -> None:
    """Also none at all."""
    assert CODEC.decode(payload_of(RECORDS.slice(0, record_count))).vectors.shape == (record_count, 3)


def test_other_widths_of_the_same_values_are_read() -> None:
    """Dictionaries, large text and small integers are storage, not meaning."""
    other = RECORDS.set_column(1, "age", RECORDS["age"].cast(pa.int8()))
    other = other.set_column(2, "plan", other["plan"].cast(pa.large_string()).dictionary_encode())
    np.testing.assert_array_equal(CODEC.decode(payload_of(other)).vectors, VECTORS)


def refusal(body: bytes) -> str:
    with pytest.raises(CallerError) as caught:
        CODEC.decode(body)
    return str(caught.value)


def test_what_is_no_parquet_file_is_refused_in_words() -> None:
    """Also a file that was cut off."""
    whole = payload_of(RECORDS)
    for body in (b"31,0,1\n", whole[:-20], whole[: len(whole) // 2], b"PAR1" + bytes(64) + b"PAR1"):
        assert "cannot be read as one whole Parquet file" in refusal(body)


def test_a_missing_column_is_named_with_its_near_match() -> None:
    """The reader sees at once what is spelt differently."""
    renamed = RECORDS.rename_columns(["customer_id", "agee", "plan", "active"])
    assert refusal(payload_of(renamed)) == (
        "the payload has no column 'age', or has it twice; did you mean 'agee'?"
    )


def test_a_column_of_another_type_is_refused_and_not_coerced() -> None:
    """Text that looks like a number is still text."""
    textual = RECORDS.set_column(1, "age", pa.array(["31", "30", "29"]))
    assert "column 'age' of the payload is string; the contract says integer" in refusal(payload_of(textual))


def test_shards_of_another_contract_are_refused_naming_both_fingerprints() -> None:
    """Codes of categories mean something else under another contract."""
    message = refusal(payload_of(RECORDS.replace_schema_metadata({FINGERPRINT_KEY: b"0123456789abcdef"})))
    assert "0123456789abcdef" in message
    assert CONTRACT.fingerprint in message


def test_shards_of_this_contract_are_taken() -> None:
    """The same check, passed."""
    marked = RECORDS.replace_schema_metadata({FINGERPRINT_KEY: CONTRACT.fingerprint.encode()})
    assert len(CODEC.decode(payload_of(marked)).vectors) == 3


def test_the_answer_has_id_score_and_error() -> None:
    """A record with a fault has no score, and says why."""
    scores = Scores(values=np.array([1.5, np.nan, 2.5]), faults={1: "too odd"})
    answer = pq.read_table(io.BytesIO(CODEC.encode(CODEC.decode(payload_of(RECORDS)), scores)))
    assert answer.to_pylist() == [
        {"customer_id": "a", "score": 1.5, "error": None},
        {"customer_id": "b", "score": None, "error": "too odd"},
        {"customer_id": "c", "score": 2.5, "error": None},
    ]
    assert [str(kind) for kind in answer.schema.types] == ["string", "double", "string"]


def test_the_answer_without_faults_has_the_same_columns() -> None:
    """Readers need not care whether something went wrong."""
    empty = CODEC.decode(payload_of(RECORDS.slice(0, 0)))
    answer = pq.read_table(io.BytesIO(CODEC.encode(empty, Scores(values=np.empty(0), faults={}))))
    assert [(f.name, str(f.type)) for f in answer.schema] == [
        ("customer_id", "string"),
        ("score", "double"),
        ("error", "string"),
    ]


def test_an_answer_says_what_the_model_was_trained_on() -> None:
    """So that no parameter can disagree with what scored."""
    codec = ParquetCodec(CONTRACT, baseline=b"packed")
    payload = DecodedPayload(vectors=np.zeros((1, 3), dtype=np.float32), ids=pa.chunked_array([["a"]]))
    scores = Scores(values=np.array([0.5]), faults={})
    told = pq.read_schema(pa.BufferReader(codec.encode(payload, scores))).metadata
    assert told[b"batchscore.baseline"] == b"packed"
    silent = pq.read_schema(pa.BufferReader(CODEC.encode(payload, scores))).metadata or {}
    assert b"batchscore.baseline" not in silent
