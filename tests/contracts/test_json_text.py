"""Columns written as JSON read back as the same values, by a reader that knows nothing of this project."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from contracts.json_text import ROWS_AT_ONCE, json_lines, json_number_arrays, json_strings, json_values


def read_back(values: pa.Array) -> list[Any]:
    """Return what a strict reader finds; NaN and Infinity are no JSON."""

    def refuse(literal: str) -> float:
        raise ValueError(literal)

    texts = json_values(values).to_pylist()
    return [None if text is None else json.loads(text, parse_constant=refuse) for text in texts]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_every_text_reads_back_the_same(texts: list[str | None]) -> None:
    """Quotes, backslashes, control characters and all planes of Unicode."""
    array = pa.array(texts, pa.string())
    assert read_back(array) == texts
    assert json_strings(array).to_pylist() == [
        None if text is None else json.dumps(text, ensure_ascii=False) for text in texts
    ]


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_every_float_reads_back_the_same(numbers: list[float | None]) -> None:
    assert read_back(pa.array(numbers, pa.float64())) == numbers


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_every_32_bit_float_reads_back_the_same(numbers: list[float]) -> None:
    """Its text is short, and so another 64-bit float, but the same 32-bit one."""
    found = np.array(read_back(pa.array(numbers, pa.float32())), np.float64).astype(np.float32)
    np.testing.assert_array_equal(found, np.array(numbers, np.float32))


def test_what_is_no_finite_number_becomes_null() -> None:
    """JSON has no word for it, and a reader would refuse the line."""
    assert read_back(pa.array([math.nan, math.inf, -math.inf, 1.5])) == [None, None, None, 1.5]


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_every_whole_number_reads_back_the_same(numbers: list[int | None]) -> None:
    assert read_back(pa.array(numbers, pa.int64())) == numbers


@given(st.lists(st.none() | st.dates()))
def test_a_date_is_its_iso_text(dates: list[dt.date | None]) -> None:
    expected = [date and date.isoformat() for date in dates]
    assert read_back(pa.array(dates, pa.date32())) == expected


@given(st.lists(st.none() | st.datetimes(timezones=st.just(dt.timezone.utc))))
def test_a_moment_is_iso_text_of_the_same_moment(moments: list[dt.datetime | None]) -> None:
    found = read_back(pa.array(moments, pa.timestamp("us", "UTC")))
    again = [text and dt.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in found]
    assert again == moments


def test_a_whole_second_has_no_fraction() -> None:
    moment = pa.array([dt.datetime(2026, 11, 23, 6, 0, 1, tzinfo=dt.timezone.utc)], pa.timestamp("us", "UTC"))
    assert read_back(moment) == ["2026-11-23T06:00:01Z"]


def test_dictionaries_are_written_as_their_values() -> None:
    coded = pa.array(["a", 'b"', None, "a"]).dictionary_encode()
    assert read_back(coded) == ["a", 'b"', None, "a"]


@pytest.mark.parametrize("row_count", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1])
def test_lines_are_objects_in_the_order_of_the_rows(row_count: int) -> None:
    """Keys are escaped as values are; a missing value is null."""
    table = pa.table(
        {
            'the "key"': pa.chunked_array([pa.array(range(row_count), pa.int64())]),
            "flag": pa.array([None, *[True] * (row_count - 1)][:row_count], pa.bool_()),
        }
    )
    lines = b"".join(json_lines(table)).splitlines()
    assert [json.loads(line) for line in lines] == table.to_pylist()


def test_a_slice_writes_its_own_rows() -> None:
    table = pa.table({"x": ["a", "b", "c", "d"]}).slice(1, 2)
    assert b"".join(json_lines(table)) == b'{"x":"b"}\n{"x":"c"}\n'


@given(
    st_numpy.arrays(np.float32, st_numpy.array_shapes(min_dims=2, max_dims=2), elements=st.floats(width=32))
)
def test_a_matrix_becomes_one_array_a_row(matrix: np.ndarray) -> None:
    """What is missing or not finite is null."""
    rows = [json.loads(text) for text in json_number_arrays(matrix).to_pylist()]
    found = np.array(rows, np.float64).astype(np.float32)
    np.testing.assert_array_equal(found, np.where(np.isfinite(matrix), matrix, np.nan))
