"""Several outputs of a record are one answer on every wire, exact and with its faults in place."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_outputs import OUTPUTS_CONTRACT

from contracts.arrow_files import read_arrow
from contracts.contract_file import parse_contract
from serving import columns_codec, output_lines
from serving.codecs import DecodedPayload
from serving.invocation import codecs_for
from serving.scorer import Scores

CODECS = codecs_for(parse_contract(OUTPUTS_CONTRACT.encode(), name="tiny"))
LINES = ["text/csv", "application/x-recordio-protobuf", "text/libsvm"]
VALUES = np.array([[0.1, 0.25, 1e-9], [np.nan] * 3, [2.0, -3.5, 1e22]])
TOP = np.array([[1, 0, 2], [0, 0, 0], [2, 0, 1]], np.int32)
FAULTS = {1: 'too "odd", so'}


def encoded(
    content_type: str, values: np.ndarray, *, faults: dict[int, str], top: np.ndarray | None
) -> bytes:
    ids = pa.chunked_array([[f"c{number}" for number in range(len(values))]], pa.string())
    payload = DecodedPayload(features=np.empty((len(values), 3), np.float32), ids=ids)
    return CODECS[content_type].encode(payload, Scores(values=values, faults=faults, top=top))


@pytest.mark.parametrize("at_once", [1, 4, 1000])
@pytest.mark.parametrize("content_type", LINES)
def test_lines_have_one_field_with_spaces_between_the_outputs(
    content_type: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are written at once. There is no comma: OutputFilters keep the last field of a line."""
    monkeypatch.setattr(output_lines, "NUMBERS_AT_ONCE", at_once)

    plain = encoded(content_type, VALUES, faults=FAULTS, top=None)
    ranked = encoded(content_type, VALUES[:, :2], faults=FAULTS, top=TOP[:, :2])

    assert plain == b"0.1 0.25 1e-9\nerror: too 'odd'; so\n2 -3.5 1e+22\n"
    assert ranked == b"1:0.1 0:0.25\nerror: too 'odd'; so\n2:2 0:-3.5\n"


@pytest.mark.parametrize("at_once", [1, 4, 1000])
def test_json_lines_have_arrays(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_lines, "NUMBERS_AT_ONCE", at_once)

    plain = encoded("application/jsonlines", VALUES, faults=FAULTS, top=None).splitlines()
    ranked = encoded("application/jsonlines", VALUES, faults=FAULTS, top=TOP).splitlines()

    error = {"error": 'too "odd", so'}
    assert list(map(json.loads, plain)) == [
        {"score": [0.1, 0.25, 1e-9]},
        error,
        {"score": [2, -3.5, 1e22]},
    ]
    assert json.loads(ranked[2]) == {"score": [2, -3.5, 1e22], "top": [2, 0, 1]}
    assert json.loads(ranked[1]) == error


@pytest.mark.parametrize("at_once", [1, 4, 1000])
def test_parquet_has_lists(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_codec, "NUMBERS_AT_ONCE", at_once)
    content_type = "application/vnd.apache.parquet"

    plain = pq.read_table(io.BytesIO(encoded(content_type, VALUES, faults=FAULTS, top=None)))
    ranked = pq.read_table(io.BytesIO(encoded(content_type, VALUES, faults=FAULTS, top=TOP)))

    assert [str(kind) for kind in plain.schema.types] == ["string", "list<element: double>", "string"]
    assert plain.column("score").to_pylist() == [[0.1, 0.25, 1e-9], None, [2, -3.5, 1e22]]
    assert ranked.column_names == ["customer_id", "score", "top", "error"]
    assert ranked.column("top").to_pylist() == [[1, 0, 2], None, [2, 0, 1]]
    assert ranked.column("top").type.value_type == pa.int32()
    assert ranked.column("error").to_pylist() == [None, 'too "odd", so', None]


@pytest.mark.parametrize("content_type", CODECS)
def test_no_records_have_an_empty_answer(content_type: str) -> None:
    """Or in Arrow and Parquet one with the columns of any other."""
    for top in (None, np.empty((0, 3), np.int32)):
        answer = encoded(content_type, np.empty((0, 3)), faults={}, top=top)
        if isinstance(CODECS[content_type], columns_codec.ColumnsCodec):
            is_parquet = content_type.endswith("parquet")
            table = pq.read_table(io.BytesIO(answer)) if is_parquet else pa.ipc.open_file(answer).read_all()
            assert (len(table), table.schema.field("score").type.value_type) == (0, pa.float64())
        else:
            assert answer == b""


@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1)
)
def test_every_output_is_the_exact_float_on_every_wire(rows: list[list[float]]) -> None:
    values = np.array(rows)
    lines = encoded("text/csv", values, faults={}, top=None).decode().splitlines()
    objects = encoded("application/jsonlines", values, faults={}, top=None).splitlines()

    assert [[float(text) for text in line.split(" ")] for line in lines] == rows
    assert [json.loads(line)["score"] for line in objects] == rows


def test_numbers_of_32_bits_stay_so_where_there_are_types_and_are_as_short_in_text() -> None:
    """Half the bytes on the wires of columns; elsewhere the shortest text that reads back the same."""
    values = np.array([[0.1, 0.25, 1e-9]], np.float32)

    answer = read_arrow(encoded("application/vnd.apache.arrow.file", values, faults={}, top=None))

    assert answer.schema.field("score").type == pa.list_(pa.float32())
    assert encoded("text/csv", values, faults={}, top=None) == b"0.1 0.25 1e-9\n"
    (line,) = encoded("application/jsonlines", values, faults={}, top=None).splitlines()
    assert line == b'{"score":[0.1,0.25,1e-9]}'
