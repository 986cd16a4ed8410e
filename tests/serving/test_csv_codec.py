"""The csv wire keeps one answer a line, whatever the lines hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import TINY_CONTRACT

from contracts.contract_file import parse_contract
from serving.codecs import DecodedPayload
from serving.csv_codec import CsvCodec
from serving.scorer import Scores

CONTRACT = parse_contract(TINY_CONTRACT.encode(), name="tiny")
ONE_FEATURE = parse_contract(
    b"fields: [{name: id}, {name: age, type: integer}]\nprimaryKey: id\nscoring: {features: [age]}",
    name="one",
)
CODEC = CsvCodec(CONTRACT)


def answer(values: list[float], faults: dict[int, str] | None = None) -> bytes:
    scores = Scores(values=np.array(values, dtype=np.float64), faults=faults or {})
    return CODEC.encode(DecodedPayload(features=np.empty((len(values), 3), np.float32)), scores)


@pytest.mark.parametrize(
    "body", [b"31,0,1\n29,2,\n", b"31,0,1\n29,2,", b"31,0,1\r\n29,2,\r\n", b'"31",0,1\n29,2,""\n']
)
def test_lines_become_vectors_however_they_end(body: bytes) -> None:
    """An empty field is a missing value; the last line may lack its line break."""
    payload = CODEC.decode(body)
    np.testing.assert_array_equal(payload.features, np.array([[31, 0, 1], [29, 2, np.nan]], np.float32))
    assert payload.faults == {}


def test_one_record_keeps_two_dimensions() -> None:
    """A model gets a table with one row, never a bare row."""
    assert CODEC.decode(b"31,0,1").features.shape == (1, 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2", "expected 3 fields; found 2"),
        (b"1,2,3,4", "expected 3 fields; found 4"),
        (b"", "expected 3 fields; found 0"),
        (b"1,pro,3", "feature plan is 'pro'; expected a number or nothing"),
        (b"age,plan,active", "feature age is 'age'; expected a number or nothing"),
        (b"\xff,2,3", "feature age is '\N{REPLACEMENT CHARACTER}'; expected a number or nothing"),
        (b'1,"2,3', "a quote is not closed"),
        (b"1\r2,3,4", "cannot be split into fields: new-line character seen in unquoted field"),
    ],
)
def test_a_damaged_line_gets_a_reason_and_its_neighbours_a_score(line: bytes, reason: str) -> None:
    """One bad record never costs the others theirs."""
    payload = CODEC.decode(b"31,0,1\n" + line + b"\n29,2,0\n")
    assert list(payload.faults) == [1]
    assert payload.faults[1].startswith(reason)
    np.testing.assert_array_equal(payload.features[[0, 2]], np.array([[31, 0, 1], [29, 2, 0]], np.float32))


def test_a_line_that_only_the_parser_refuses_costs_nobody_else_a_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should the closer look find nothing, halving the payload still finds the line."""
    monkeypatch.setattr(CsvCodec, "_reason", lambda *_: None)
    payload = CODEC.decode(b"31,0,1\n" * 5 + b"x,0,1\n" + b"29,2,0\n" * 3)
    assert dict(payload.faults) == {
        5: "cannot be read as numbers; a quote or a line break is in the wrong place"
    }
    assert np.isnan(payload.features).any(axis=1).nonzero()[0].tolist() == [5]


@pytest.mark.parametrize("body", [b"31,0,1\n29,2,0\n", b"31,0,1\nx,2,0\n"])
def test_a_byte_order_mark_is_no_part_of_the_first_number(body: bytes) -> None:
    """Some tools write one before any text."""
    marked = CODEC.decode(b"\xef\xbb\xbf" + body)
    np.testing.assert_array_equal(marked.features, CODEC.decode(body).features)


def test_with_one_feature_an_empty_line_is_a_missing_value() -> None:
    """It is the only way to write one."""
    payload = CsvCodec(ONE_FEATURE).decode(b"1\n\n3\n")
    np.testing.assert_array_equal(payload.features, np.array([[1], [np.nan], [3]], np.float32))


@given(
    st.lists(
        st.sampled_from([b"1,2,3", b",,", b"1,2", b"x,1,1", b"", b'"', b'1,"2",3', b"1,2,3,4", b"\xff"]),
        min_size=1,
    )
)
def test_a_line_gets_the_verdict_that_it_gets_alone(lines: list[bytes]) -> None:
    """Cutting a payload elsewhere changes nothing: there are as many verdicts as lines, and the same ones."""
    together = CODEC.decode(b"\n".join(lines) + b"\n")
    alone = [CODEC.decode(line + b"\n") for line in lines]
    assert len(together.features) == len(lines)
    assert together.faults == {at: payload.faults[0] for at, payload in enumerate(alone) if payload.faults}
    np.testing.assert_array_equal(together.features, np.concatenate([payload.features for payload in alone]))


@given(
    st.lists(st.sampled_from([b"1", b"", b'"', b'""', b'"2"', b"x", b'"1\r', b"\xef\xbb\xbf1"]), min_size=1)
)
def test_with_one_feature_a_line_gets_the_verdict_that_it_gets_alone(lines: list[bytes]) -> None:
    """An unclosed quote at the end is no missing value."""
    codec = CsvCodec(ONE_FEATURE)
    together = codec.decode(b"\n" + b"\n".join(lines) + b"\n")
    alone = [codec.decode(b"\n" + line + b"\n") for line in lines]
    expected = {at + 1: payload.faults[1] for at, payload in enumerate(alone) if payload.faults}
    assert together.faults == expected
    vectors = np.concatenate([payload.features[1:] for payload in alone])
    np.testing.assert_array_equal(together.features[1:], vectors)


@pytest.mark.parametrize("body", [b'\n"', b'1\n"\n', b'1\n"2'])
def test_with_one_feature_an_unclosed_quote_is_a_fault(body: bytes) -> None:
    """To pyarrow it is a missing value, if nothing follows."""
    assert dict(CsvCodec(ONE_FEATURE).decode(body).faults) == {1: "a quote is not closed"}


def test_only_one_byte_order_mark_is_taken_off() -> None:
    assert list(CODEC.decode(b"\xef\xbb\xbf" * 2 + b"31,0,1\n29,2,0\n").faults) == [0]


def test_a_float32_written_in_its_shortest_text_is_read_back_exactly() -> None:
    """The csv wire loses nothing against the parquet wire."""
    numbers = np.random.default_rng(0).normal(size=3000).astype(np.float32) * np.float32(1e-3)
    body = "".join(f"{a},{b},{c}\n" for a, b, c in numbers.reshape(-1, 3)).encode()
    np.testing.assert_array_equal(CODEC.decode(body).features, numbers.reshape(-1, 3))


def test_an_answer_is_the_shortest_text_of_each_score() -> None:
    """What is read back is the same float64."""
    assert answer([111.5, 0.10000000149011612, 1e-7]) == b"111.5\n0.10000000149011612\n1e-7\n"


def test_a_fault_is_answered_in_one_field() -> None:
    """Commas, quotes and line breaks in a reason would break the join with the record."""
    assert answer([1.5, np.nan], {1: 'is "a,b"\nc'}) == b"1.5\nerror: is 'a;b' c\n"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_score_survives_its_text(values: list[float]) -> None:
    """For any float64 whatever."""
    assert [float(line) for line in answer(values).splitlines()] == values
