"""A payload is answered the same in whatever pieces it is worked on, within the memory that there is."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import TINY_CONTRACT, make_tiny_model

from contracts.contract_file import parse_contract
from contracts.dataset import ModelOutputs
from contracts.errors import CallerError
from contracts.wire import CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE, PARQUET_CONTENT_TYPE
from serving.codecs import DecodedPayload
from serving.invocation import PayloadUnpacksTooLargeError, answer_payload, codecs_for
from serving.scorer import Scorer, Scores, load_scorer

CODECS = codecs_for(parse_contract(TINY_CONTRACT.encode(), name="tiny"))
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LINES = {
    CSV_CONTENT_TYPE: [b"29,0,1", b"31,2,0\r", b",,", b"x,0,1", b'"29",0,1', b'29,0,"1', b"1,2"],
    JSON_LINES_CONTENT_TYPE: [b"[29,0,1]", b'{"features":[31,2,null]}', b"[NaN,0,1]", b"[1,2]", b"{"],
    "text/libsvm": [b"0 0:29 1:0 2:1", b"2:1", b"0 0:x", b"0 7:1"],
}
ANYWHERE = [
    b"",
    b" ",
    b"\xff",
    BYTE_ORDER_MARK,
    BYTE_ORDER_MARK + b"29,0,1",
    BYTE_ORDER_MARK * 2 + b"[29,0,1]",
]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return load_scorer(make_tiny_model(tmp_path_factory.mktemp("model") / "model.json"), threads=1)


@pytest.mark.functional
@pytest.mark.parametrize("content_type", LINES)
@given(drawn=st.data())
def test_lines_are_answered_the_same_in_slices_of_any_size(
    scorer: Scorer, content_type: str, drawn: st.DataObject
) -> None:
    """Sound, damaged and blank ones, with marks and breaks in all places, with or without a last break."""
    lines = drawn.draw(st.lists(st.sampled_from(LINES[content_type] + ANYWHERE), min_size=1, max_size=12))
    body = b"\n".join(lines) + drawn.draw(st.sampled_from([b"", b"\n"])) or b"\n"
    codec = CODECS[content_type]
    whole = answer_payload(body, codec, scorer, slice_bytes=len(body))
    sliced = answer_payload(body, codec, scorer, slice_bytes=drawn.draw(st.integers(1, len(body))))
    assert sliced == whole


class WatchedCodec:
    """A codec of lines that remembers what it was given."""

    content_type = CSV_CONTENT_TYPE
    answer_type = CSV_CONTENT_TYPE

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def decode(self, body: bytes) -> DecodedPayload:
        """Note the size."""
        self.sizes.append(len(body))
        return CODECS[CSV_CONTENT_TYPE].decode(body)

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:
        """Answer as usual."""
        return CODECS[CSV_CONTENT_TYPE].encode(payload, scores)


def test_no_more_than_a_slice_of_lines_is_worked_on_at_once(scorer: Scorer) -> None:
    """But for the end of its last line."""
    watched = WatchedCodec()
    answer = answer_payload(b"29,0,1\n" * 1000, watched, scorer, slice_bytes=100)
    assert (answer.record_count, sum(watched.sizes)) == (1000, 7000)
    assert max(watched.sizes) <= 100 + len(b"29,0,1\n")


def parquet_of_one_value(record_count: int) -> bytes:
    sink = io.BytesIO()
    columns = {"customer_id": ["C"] * record_count, "age": [29] * record_count}
    more = {"plan": ["pro"] * record_count, "active": [True] * record_count}
    pq.write_table(pa.table({**columns, **more}), sink, compression="zstd")
    return sink.getvalue()


def test_a_parquet_payload_that_unpacks_to_too_much_is_refused_by_its_footer(scorer: Scorer) -> None:
    """413 as for any payload that is too large, with what it holds, what it takes and what there is."""
    body = parquet_of_one_value(100_000)
    assert len(body) < 10_000
    with pytest.raises(PayloadUnpacksTooLargeError) as caught:
        answer_payload(body, CODECS[PARQUET_CONTENT_TYPE], scorer, memory_bytes=4 * 1024 * 1024)
    assert caught.value.http_status == 413
    assert str(caught.value).startswith(
        f"the payload of {len(body)} bytes unpacks to 100000 records, which take about 14 MB to score; "
        "4 MB are there for it; make smaller shards"
    )


def test_a_parquet_payload_that_fits_is_scored(scorer: Scorer) -> None:
    """However well it is packed."""
    body = parquet_of_one_value(100_000)
    answer = answer_payload(body, CODECS[PARQUET_CONTENT_TYPE], scorer, memory_bytes=64 * 1024 * 1024)
    assert (answer.record_count, answer.fault_count) == (100_000, 0)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1"])
def test_what_has_no_footer_is_left_to_the_codec(scorer: Scorer, damage: bytes) -> None:
    """Which says what is wrong."""
    with pytest.raises(CallerError, match="cannot be read as one whole Parquet file"):
        answer_payload(damage, CODECS[PARQUET_CONTENT_TYPE], scorer, memory_bytes=10)


class VectorModel:
    """A model of 400 outputs that counts how often it was asked."""

    feature_count = 3
    feature_names = ()
    category_orders = ()
    description = "a vector"

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return zeros."""
        self.asked += 1
        return np.zeros((len(vectors), 400), dtype=np.float32)


@pytest.mark.parametrize("content_type", [CSV_CONTENT_TYPE, PARQUET_CONTENT_TYPE])
def test_a_payload_whose_answer_would_take_too_much_is_refused_before_it_is_scored(content_type: str) -> None:
    """1,000 records of some bytes have 400,000 outputs, which need 25 MB."""
    body = b"29,0,1\n" * 1000 if content_type == CSV_CONTENT_TYPE else parquet_of_one_value(1000)
    scorer = Scorer(model := VectorModel(), ModelOutputs(count=400))
    with pytest.raises(
        PayloadUnpacksTooLargeError, match="at least 1000 records with 400 outputs each"
    ) as caught:
        answer_payload(body, CODECS[content_type], scorer, memory_bytes=20 * 1024 * 1024)
    assert (caught.value.http_status, model.asked) == (413, 0)
