"""The jsonlines wire takes strict JSON only, and gives each line its own verdict."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny_model import TINY_CONTRACT

from contracts.contract_file import parse_contract
from serving.codecs import DecodedPayload
from serving.json_lines_codec import JsonLinesCodec
from serving.scorer import Scores

CONTRACT = parse_contract(TINY_CONTRACT.encode(), name="tiny")
ONE_FEATURE = parse_contract(
    b"fields: [{name: id}, {name: age, type: integer}]\nprimaryKey: id\nscoring: {features: [age]}",
    name="one",
)
CODEC = JsonLinesCodec(CONTRACT)
TWO_VECTORS = np.array([[31, 0, 1], [29, 2, np.nan]], np.float32)


def answer(values: list[float], faults: dict[int, str] | None = None) -> bytes:
    scores = Scores(values=np.array(values, dtype=np.float64), faults=faults or {})
    return CODEC.encode(DecodedPayload(features=np.empty((len(values), 3), np.float32)), scores)


@pytest.mark.parametrize(
    "body",
    [
        b"[31,0,1]\n[29,2,null]\n",
        b"[31,0,1]\n[29,2,null]",
        b" [ 31 , 0,1]\t\r\n[29,\t2,null ]\r\n",
        b"[3.1e1,0.0,1E0]\n[290e-1,2.00,null]\n",
        b'{"features":[31,0,1]}\n{"features":[29,2,null]}\n',
        b'{ "features" : [31, 0, 1] }\n{"features": [29, 2, null]}',
        b'{"id":"a","features":[31,0,1]}\n[29,2,null]\n',
        b'{"features":[31,0,1],"more":{"features":[7,7,7]}}\n{"\\u0066eatures":[29,2,null]}\n',
        b"\xef\xbb\xbf[31,0,1]\n[29,2,null]\n",
    ],
)
def test_lines_become_vectors_however_they_are_written(body: bytes) -> None:
    """Arrays, objects and both together; white space where JSON allows it; the last line may lack its end."""
    payload = CODEC.decode(body)
    np.testing.assert_array_equal(payload.features, TWO_VECTORS)
    assert payload.faults == {}


def test_one_record_keeps_two_dimensions() -> None:
    assert CODEC.decode(b"[31,0,1]").features.shape == (1, 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1,2]", "expected 3 numbers; found 2"),
        (b"[1,2,3,4]", "expected 3 numbers; found 4"),
        (b"[]", "expected 3 numbers; found 0"),
        (b"", "the line is blank; expected an array of numbers"),
        (b" \r", "the line is blank; expected an array of numbers"),
        (b'[1,"2",3]', "feature plan is '2'; expected a number or null"),
        (b"[1,true,3]", "feature plan is true; expected a number or null"),
        (b"[1,[2],3]", "feature plan is an array; expected a number or null"),
        (b"[1,2,{}]", "feature active is an object; expected a number or null"),
        (b"[1,NaN,3]", "is not JSON: NaN is no JSON number"),
        (b"[1,-Infinity,3]", "is not JSON: -Infinity is no JSON number"),
        (b"[1,nan,3]", "is not JSON: Expecting value at character 4"),
        (b"[1,02,3]", "is not JSON: Expecting ',' delimiter at character 5"),
        (b"[1,2.,3]", "is not JSON"),
        (b"[1,.2,3]", "is not JSON"),
        (b"[1,+2,3]", "is not JSON"),
        (b"[1,,3]", "is not JSON"),
        (b"[1,2,3],", "is not JSON: Extra data"),
        (b"[1,2,3][1,2,3]", "is not JSON: Extra data"),
        (b"[1,2,3", "is not JSON"),
        (b"1,2,3", "is not JSON: Extra data"),
        (b"7", "expected an array of numbers; found 7"),
        (b"null", "expected an array of numbers; found null"),
        (b'"1,2,3"', "expected an array of numbers; found '1,2,3'"),
        (b'{"feature":[1,2,3]}', 'the object has no "features"'),
        (b'{"features":{"a":1}}', "expected an array of numbers; found an object"),
        (b'{"features":[1,2,3]', "is not JSON"),
        (b"[1,\xff,3]", "is not UTF-8: invalid start byte at byte 4"),
        (b"[" * 200_000, "is nested too deeply"),
    ],
)
def test_a_damaged_line_gets_a_reason_and_its_neighbours_a_score(line: bytes, reason: str) -> None:
    """One bad record never costs the others theirs."""
    payload = CODEC.decode(b"[31,0,1]\n" + line + b"\n[29,2,null]\n")
    assert list(payload.faults) == [1]
    assert payload.faults[1].startswith(reason)
    np.testing.assert_array_equal(payload.features[[0, 2]], TWO_VECTORS)
    assert np.isnan(payload.features[1]).all()


def oracle(line: bytes) -> list[float | None] | None:
    """Return a line's numbers as the standard library reads them, or None if it is damaged."""

    def refuse(literal: str) -> float:
        raise ValueError(literal)

    try:
        document = json.loads(line.decode(), parse_constant=refuse)
    except ValueError:
        return None
    values: Any = document.get("features") if isinstance(document, dict) else document
    if not isinstance(values, list) or len(values) != 3:
        return None
    is_number = [value is None or (isinstance(value, int | float) and value is not True) for value in values]
    return values if all(is_number) and False not in [v for v in values if isinstance(v, bool)] else None


PIECES = st.sampled_from(
    [
        "1",
        "-2.5e-3",
        "0",
        "-0",
        "null",
        "01",
        "1.",
        ".5",
        "NaN",
        '"x"',
        "true",
        "[1]",
        "{}",
        "",
        " 7\t",
        "1 2",
    ]
)
ARRAYS = st.lists(PIECES, min_size=2, max_size=4).map(lambda parts: f"[{','.join(parts)}]")
SOUND = st.lists(
    st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63),
    min_size=3,
    max_size=3,
).map(json.dumps)
OBJECTS = (ARRAYS | SOUND).map(lambda text: f'{{"features":{text}}}')
SCRAPS = st.text('[]{},:"0123456789.eE+- \tnulfatres', max_size=30)
LINES = st.lists(ARRAYS | SOUND | OBJECTS | SCRAPS, min_size=1)


@given(LINES)
@example(['{"features":[1,2,3]', "[4,5,6]}"])
@example(["[1,2", "3]"])
@example(["[1,2,3]}", '{"features":[1,2,3]'])
def test_every_line_is_judged_as_a_strict_reader_judges_it(lines: list[str]) -> None:
    """As many verdicts as lines, each as if the line stood alone."""
    raw = [line.encode() for line in lines]
    payload = CODEC.decode(b"\n".join(raw) + b"\n")
    expected = [oracle(line) for line in raw]

    assert len(payload.features) == len(lines)
    assert list(payload.faults) == [at for at, values in enumerate(expected) if values is None]
    for vector, values in zip(payload.features, expected, strict=True):
        wanted = [np.nan if value is None else value for value in values or [None] * 3]
        np.testing.assert_allclose(vector, np.array(wanted, np.float64).astype(np.float32), rtol=2e-7)


@given(LINES)
def test_a_line_gets_the_vector_that_it_gets_alone(lines: list[str]) -> None:
    """To the last bit, whatever its neighbours are."""
    together = CODEC.decode("\n".join([*lines, "damaged"]).encode())
    alone = [CODEC.decode(line.encode() + b"\n") for line in lines]
    np.testing.assert_array_equal(together.features[:-1], np.concatenate([one.features for one in alone]))


def test_with_one_feature_a_missing_value_is_no_blank_line() -> None:
    payload = JsonLinesCodec(ONE_FEATURE).decode(b"[1]\n[null]\n\n[3]\n")
    np.testing.assert_array_equal(payload.features, np.array([[1], [np.nan], [np.nan], [3]], np.float32))
    assert list(payload.faults) == [2]


def test_a_number_that_a_vector_cannot_hold_is_left_to_the_scorer() -> None:
    """It is valid JSON; the scorer names such records."""
    assert np.isinf(CODEC.decode(b"[1e39,1e999,1]\n").features[0, :2]).all()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9" * 30, 1e30),
        ("0." + "3" * 100_000, 1 / 3),
        ("1" * 100_000, np.inf),
        ("1e-99999999999999999999", 0),
        ("0e99999999999999999999", 0),
        ("-0.0E+00", 0),
    ],
)
@pytest.mark.parametrize("neighbour", ["[1,2,3]", "damaged"])
def test_any_number_that_json_can_write_is_read(neighbour: str, text: str, number: float) -> None:
    """However long, with sound neighbours or damaged ones."""
    payload = CODEC.decode(f"[{text},null,1]\n{neighbour}\n".encode())
    assert 0 not in payload.faults
    assert payload.features[0, 0] == np.float32(number)


def test_a_float32_written_in_its_shortest_text_is_read_back_exactly() -> None:
    """The jsonlines wire loses nothing against the parquet wire."""
    numbers = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32) * np.float32(1e-3)
    body = "".join(f"[{a},{b},{c}]\n" for a, b, c in numbers).encode()
    np.testing.assert_array_equal(CODEC.decode(body).features, numbers)


def test_an_answer_is_an_object_with_the_shortest_text_of_the_score() -> None:
    expected = b'{"score":111.5}\n{"score":0.10000000149011612}\n{"score":1e-7}\n'
    assert answer([111.5, 0.10000000149011612, 1e-7]) == expected


def test_a_fault_is_answered_with_its_reason() -> None:
    """Whatever stands in it."""
    lines = answer([1.5, np.nan], {1: 'is "a,b"\nü'}).splitlines()
    assert [json.loads(line) for line in lines] == [{"score": 1.5}, {"error": 'is "a,b"\nü'}]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_score_survives_its_text(values: list[float]) -> None:
    assert [float(json.loads(line)["score"]) for line in answer(values).splitlines()] == values
