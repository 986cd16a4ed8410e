"""The recordio wire keeps one answer a record, whatever the records hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_messages import Record, framed, part_frames, tensor_record
from tiny_model import TINY_CONTRACT

from contracts.contract_file import parse_contract
from contracts.errors import CallerError
from contracts.recordio import MAGIC_BYTES
from serving.csv_codec import CsvCodec
from serving.recordio_codec import RecordioCodec
from serving.scorer import Scores

CONTRACT = parse_contract(TINY_CONTRACT.encode(), name="tiny")
CODEC = RecordioCodec(CONTRACT)
NAN = float("nan")


def sparse_record() -> bytes:
    record = Record.FromString(tensor_record([1.0, 2.0, 3.0]))
    record.features["values"].float32_tensor.keys.extend([0, 1, 2])
    return bytes(record.SerializeToString())


@pytest.mark.parametrize("kind", ["float32", "float64", "int32"])
def test_records_become_vectors_whatever_their_type(kind: str) -> None:
    """A uid or a label beside the vector changes nothing; the last padding may be missing."""
    body = framed(tensor_record([31, 0, 1], kind=kind)) + framed(
        tensor_record([300, 2, -1], kind=kind, uid="u")
    )
    for given_body in (body, body.rstrip(b"\0") if kind == "int32" else body):
        payload = CODEC.decode(given_body)
        np.testing.assert_array_equal(payload.features, np.array([[31, 0, 1], [300, 2, -1]], np.float32))
        assert (payload.faults, payload.ids) == ({}, None)


def test_one_record_keeps_two_dimensions() -> None:
    """A model gets a table with one row, never a bare row; NaN stays a missing value."""
    vectors = CODEC.decode(framed(tensor_record([NAN, 1, 0]))).features
    np.testing.assert_array_equal(vectors, np.array([[NAN, 1, 0]], np.float32))


def test_a_record_in_parts_is_one_record() -> None:
    vector = np.array([np.frombuffer(MAGIC_BYTES, "<f4")[0], 1, 0], np.float32)
    body = part_frames(tensor_record(vector))

    assert body.count(MAGIC_BYTES) == 2
    np.testing.assert_array_equal(CODEC.decode(body).features, vector.reshape(1, 3))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (tensor_record([1, 2]), "has 2 numbers, the contract 3 features"),
        (tensor_record([]), "has 0 numbers, the contract 3 features"),
        (sparse_record(), "is a sparse tensor"),
        (b"", "has no feature 'values'; its features are: none"),
        (b"\x0a\x7f", "is no RecordIO-protobuf record"),
    ],
)
def test_a_record_with_a_fault_leaves_its_neighbours_alone(message: bytes, reason: str) -> None:
    good = framed(tensor_record([31, 0, 1]))
    payload = CODEC.decode(good + framed(message) + good)

    assert list(payload.faults) == [1]
    assert reason in payload.faults[1]
    np.testing.assert_array_equal(payload.features[[0, 2]], np.array([[31, 0, 1]] * 2, np.float32))
    assert np.isnan(payload.features[1]).all()


@pytest.mark.parametrize(
    "body",
    [
        b"31,0,1\n",
        framed(tensor_record([1, 2, 3])) + b"x",
        framed(tensor_record([1, 2, 3]))[:-4],
        framed(tensor_record([1, 2, 3])) + MAGIC_BYTES + b"\xff\xff\xff\x1f",
    ],
)
def test_a_damaged_frame_refuses_the_payload(body: bytes) -> None:
    """Nobody could say how many answers it should have."""
    with pytest.raises(CallerError, match="cannot be cut into records") as caught:
        CODEC.decode(body)
    assert caught.value.http_status == 400


def test_answers_are_those_of_the_csv_wire() -> None:
    scores = Scores(values=np.array([0.1, np.nan, 2.0]), faults={1: 'a, "b"\nc'})
    payload = CODEC.decode(framed(tensor_record([1, 2, 3])) * 3)

    assert CODEC.encode(payload, scores) == b"0.1\nerror: a; 'b' c\n2\n"
    assert CODEC.encode(payload, scores) == CsvCodec(CONTRACT).encode(payload, scores)
    assert (CODEC.content_type, CODEC.answer_type) == ("application/x-recordio-protobuf", "text/csv")


@given(messages=st.lists(st.binary(max_size=30) | st.just(tensor_record([1, 2, 3])), min_size=1, max_size=9))
def test_every_frame_gets_a_vector_or_a_fault(messages: list[bytes]) -> None:
    payload = CODEC.decode(b"".join(framed(message) for message in messages))

    assert len(payload.features) == len(messages)
    for position, message in enumerate(messages):
        if message == tensor_record([1, 2, 3]):
            assert payload.features[position].tolist() == [1, 2, 3]
            assert position not in payload.faults
        else:
            assert position in payload.faults
