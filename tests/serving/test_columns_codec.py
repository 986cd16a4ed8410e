"""The arrow and parquet wires bring every id back, beside its score or its error."""

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
from serving.column_files import ARROW, PARQUET, ColumnFile
from serving.columns_codec import ColumnsCodec
from serving.feature_columns import FeatureColumns
from serving.scorer import Scores

CONTRACT = parse_contract(TINY_CONTRACT.encode(), name="tiny")
RECORDS = pa.table(
    {
        "customer_id": ["a", "b", "c"],
        "age": pa.array([31, None, 29], pa.int64()),
        "plan": ["pro", "basic", "unheard of"],
        "active": [True, False, None],
    }
)
VECTORS = np.array([[31, 2, 1], [np.nan, 0, 0], [29, np.nan, np.nan]], np.float32)


@pytest.fixture(params=[ARROW, PARQUET], ids=lambda form: form.name)
def form(request: pytest.FixtureRequest) -> ColumnFile:
    """Both forms of files, one after the other."""
    chosen: ColumnFile = request.param
    return chosen


def codec_of(form: ColumnFile) -> ColumnsCodec:
    return ColumnsCodec(CONTRACT, form)


def payload_of(table: pa.Table, form: ColumnFile) -> bytes:
    sink = io.BytesIO()
    if form is PARQUET:
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def vectors_of(payload: DecodedPayload) -> np.ndarray:
    """The matrix that the columns of a payload mean."""
    assert isinstance(payload.features, FeatureColumns)
    return payload.features.matrix()


def table_in(answer: bytes, form: ColumnFile) -> pa.Table:
    return pq.read_table(io.BytesIO(answer)) if form is PARQUET else pa.ipc.open_file(answer).read_all()


def test_typed_columns_become_vectors_and_ids_stay(form: ColumnFile) -> None:
    """Encoding is the contract's: codes for categories, NaN for what is missing."""
    payload = codec_of(form).decode(payload_of(RECORDS, form))
    np.testing.assert_array_equal(vectors_of(payload), VECTORS)
    assert payload.ids is not None
    assert payload.ids.to_pylist() == ["a", "b", "c"]


def test_columns_are_found_by_name(form: ColumnFile) -> None:
    """Their order and what stands between them do not matter."""
    shuffled = RECORDS.select(["active", "plan", "customer_id", "age"]).append_column(
        "more", pa.array([1, 2, 3])
    )
    np.testing.assert_array_equal(vectors_of(codec_of(form).decode(payload_of(shuffled, form))), VECTORS)


@pytest.mark.parametrize("record_count", [0, 1, 3])
def test_any_number_of_records_keeps_two_dimensions(record_count: int, form: ColumnFile) -> None:
    """Also none at all."""
    payload = codec_of(form).decode(payload_of(RECORDS.slice(0, record_count), form))
    assert vectors_of(payload).shape == (record_count, 3)


def test_other_widths_of_the_same_values_are_read(form: ColumnFile) -> None:
    """Dictionaries, large text and small integers are storage, not meaning."""
    other = RECORDS.set_column(1, "age", RECORDS["age"].cast(pa.int8()))
    other = other.set_column(2, "plan", other["plan"].cast(pa.large_string()).dictionary_encode())
    np.testing.assert_array_equal(vectors_of(codec_of(form).decode(payload_of(other, form))), VECTORS)


def refusal(body: bytes, form: ColumnFile) -> str:
    with pytest.raises(CallerError) as caught:
        codec_of(form).decode(body)
    return str(caught.value)


def test_what_is_no_such_file_is_refused_in_words(form: ColumnFile) -> None:
    """Also a file that was cut off."""
    whole = payload_of(RECORDS, form)
    for body in (
        b"31,0,1\n",
        whole[:-20],
        whole[: len(whole) // 2],
        b"PAR1" + bytes(64) + b"PAR1",
        b"ARROW1" + bytes(99) + b"ARROW1",
    ):
        assert f"cannot be read as one whole {form.name} file" in refusal(body, form)


def test_a_missing_column_is_named_with_its_near_match(form: ColumnFile) -> None:
    """The reader sees at once what is spelt differently."""
    renamed = RECORDS.rename_columns(["customer_id", "agee", "plan", "active"])
    assert refusal(payload_of(renamed, form), form) == (
        "the payload has no column 'age', or has it twice; did you mean 'agee'?"
    )


def test_a_column_of_another_type_is_refused_and_not_coerced(form: ColumnFile) -> None:
    """Text that looks like a number is still text."""
    textual = RECORDS.set_column(1, "age", pa.array(["31", "30", "29"]))
    assert "column 'age' of the payload is string; the contract says integer" in refusal(
        payload_of(textual, form), form
    )


def test_shards_of_another_contract_are_refused_naming_both_fingerprints(form: ColumnFile) -> None:
    """Codes of categories mean something else under another contract."""
    other = RECORDS.replace_schema_metadata({FINGERPRINT_KEY: b"0123456789abcdef"})
    message = refusal(payload_of(other, form), form)
    assert "0123456789abcdef" in message
    assert CONTRACT.fingerprint in message


def test_shards_of_this_contract_are_taken(form: ColumnFile) -> None:
    """The same check, passed."""
    marked = RECORDS.replace_schema_metadata({FINGERPRINT_KEY: CONTRACT.fingerprint.encode()})
    assert len(codec_of(form).decode(payload_of(marked, form)).features) == 3


def test_the_answer_has_id_score_and_error(form: ColumnFile) -> None:
    """A record with a fault has no score, and says why."""
    scores = Scores(values=np.array([1.5, np.nan, 2.5]), faults={1: "too odd"})
    answer = table_in(codec_of(form).encode(codec_of(form).decode(payload_of(RECORDS, form)), scores), form)
    assert answer.to_pylist() == [
        {"customer_id": "a", "score": 1.5, "error": None},
        {"customer_id": "b", "score": None, "error": "too odd"},
        {"customer_id": "c", "score": 2.5, "error": None},
    ]
    assert [str(kind) for kind in answer.schema.types] == ["string", "double", "string"]


def test_the_answer_without_faults_has_the_same_columns(form: ColumnFile) -> None:
    """Readers need not care whether something went wrong."""
    empty = codec_of(form).decode(payload_of(RECORDS.slice(0, 0), form))
    answer = table_in(codec_of(form).encode(empty, Scores(values=np.empty(0), faults={})), form)
    assert [(f.name, str(f.type)) for f in answer.schema] == [
        ("customer_id", "string"),
        ("score", "double"),
        ("error", "string"),
    ]


def test_an_answer_says_what_the_model_was_trained_on(form: ColumnFile) -> None:
    """So that no parameter can disagree with what scored."""
    codec = ColumnsCodec(CONTRACT, form, baseline=b"packed")
    payload = DecodedPayload(features=np.zeros((1, 3), dtype=np.float32), ids=pa.chunked_array([["a"]]))
    scores = Scores(values=np.array([0.5]), faults={})
    told = table_in(codec.encode(payload, scores), form).schema.metadata
    assert told[b"batchscore.baseline"] == b"packed"
    silent = table_in(codec_of(form).encode(payload, scores), form).schema.metadata or {}
    assert b"batchscore.baseline" not in silent


def test_integers_become_the_nearest_float32(form: ColumnFile) -> None:
    """Whatever their size and sign."""
    large = RECORDS.set_column(1, "age", pa.array([2**62, 0, -1]))
    ages = vectors_of(codec_of(form).decode(payload_of(large, form)))[:, 0]
    assert ages.tolist() == [2.0**62, 0.0, -1.0]


def test_a_payload_says_how_many_records_it_has_before_it_is_read(form: ColumnFile) -> None:
    """So that one which would take too much memory can be refused."""
    assert codec_of(form).record_count(payload_of(RECORDS, form)) == 3
    with pytest.raises(CallerError, match="cannot be read as one whole"):
        codec_of(form).record_count(b"no such file")
