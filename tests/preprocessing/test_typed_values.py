"""A typed value becomes exactly the contract's value, or none: nothing is rounded, cut or guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contract_file import parse_contract
from contracts.encoding import ARROW_TYPES
from preprocessing.typed_columns import can_hold, column_values, mixed_column, plain_column
from preprocessing.validation import validate

UTC = dt.timezone.utc
NOON = dt.datetime(2024, 2, 29, 12, tzinfo=UTC)
MIDNIGHT = dt.datetime(2024, 2, 29, tzinfo=UTC)
LAST = dt.datetime.max.replace(tzinfo=UTC)
DAY = dt.date(2024, 2, 29)
INF = float("inf")
NO_INTEGER = "is not an integer of at most 64 bits"
NO_NUMBER = "is not a finite number that a 64-bit float holds"

CASES: list[tuple[str, pa.DataType, list[Any], list[Any]]] = [
    ("integer", pa.int8(), [-128, 127], [-128, 127]),
    ("integer", pa.uint64(), [0, 2**63 - 1, 2**63, 2**64 - 1], [0, 2**63 - 1, None, None]),
    (
        "integer",
        pa.float64(),
        [12.0, -0.0, 2.0**53 - 1, 2.0**53, 0.5, INF],
        [12, 0, 2**53 - 1, None, None, None],
    ),
    ("integer", pa.float32(), [12.0, 2.0**24 - 1, 2.0**24], [12, 2**24 - 1, None]),
    ("integer", pa.float16(), [12.0, 0.5], [12, None]),
    ("integer", pa.decimal128(38, 3), [Decimal("12.000"), Decimal("12.001")], [12, None]),
    (
        "integer",
        pa.decimal128(20, 0),
        [Decimal(2**63 - 1), Decimal(2**63), Decimal(-(2**63))],
        [2**63 - 1, None, -(2**63)],
    ),
    ("integer", pa.decimal256(60, 10), [Decimal(0), Decimal("1e40")], [0, None]),
    ("integer", pa.decimal64(12, 2), [Decimal("1.50"), Decimal("200.00")], [None, 200]),
    ("number", pa.int32(), [-1, 5], [-1.0, 5.0]),
    (
        "number",
        pa.int64(),
        [2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63)],
        [2.0**53, None, 2.0**62, None, -(2.0**63)],
    ),
    ("number", pa.uint64(), [2**63, 2**64 - 1], [2.0**63, None]),
    ("number", pa.float64(), [0.1, INF, -INF], [0.1, None, None]),
    ("number", pa.float32(), [0.5, INF], [0.5, None]),
    ("number", pa.decimal128(20, 10), [Decimal("0.1"), Decimal(0)], [0.1, 0.0]),
    (
        "number",
        pa.decimal256(76, 20),
        [Decimal("9007199254740993.00000000000000000001")],
        [9007199254740994.0],
    ),
    ("boolean", pa.bool_(), [True, False], [True, False]),
    ("date", pa.date32(), [DAY], [DAY]),
    ("date", pa.date64(), [DAY], [DAY]),
    ("date", pa.timestamp("s"), [MIDNIGHT, NOON], [DAY, None]),
    ("date", pa.timestamp("us"), [dt.datetime(1, 1, 1, tzinfo=UTC), NOON], [dt.date.min, None]),
    ("date", pa.timestamp("ns", tz="Europe/Paris"), [MIDNIGHT], [DAY]),
    ("datetime", pa.timestamp("s"), [NOON], [NOON]),
    ("datetime", pa.timestamp("ms", tz="America/New_York"), [NOON], [NOON]),
    ("datetime", pa.timestamp("us"), [LAST], [LAST]),
    ("string", pa.int64(), [-(2**63), 12], [str(-(2**63)), "12"]),
    ("string", pa.uint64(), [2**64 - 1], [str(2**64 - 1)]),
    ("string", pa.large_string(), ["é", "b"], ["é", "b"]),
    ("string", pa.string_view(), ["é", "a text that is long enough"], ["é", "a text that is long enough"]),
    ("string", pa.binary(), ["é".encode()], ["é"]),
    ("string", pa.large_binary(), [b"a"], ["a"]),
    ("string", pa.binary(2), [b"ab"], ["ab"]),
    ("string", pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"], ["a", "b", "a"]),
    ("integer", pa.dictionary(pa.int8(), pa.string()), ["1", "x"], [1, None]),
    ("integer", pa.dictionary(pa.int8(), pa.int32()), [1, 2], [1, 2]),
    ("integer", pa.string(), ["12", "12.0"], [12, None]),
    ("boolean", pa.large_string(), ["true", "yes"], [True, None]),
    ("datetime", pa.string(), ["2024-02-29T12:00:00Z"], [NOON]),
    *((kind, pa.null(), [None, None], [None, None]) for kind in ARROW_TYPES),
]


def converted(column: pa.Array, kind: str) -> pa.Array:
    assert can_hold(column.type, kind)
    return column_values(plain_column(column, ("",)), kind)


@pytest.mark.parametrize(("kind", "found", "given", "expected"), CASES)
def test_a_column_of_each_type_becomes_the_contracts_values(
    kind: str, found: pa.DataType, given: list[Any], expected: list[Any]
) -> None:
    """With a null at its end, which stays one; and as a slice of a longer column."""
    column = pa.array([*given, None], type=found)
    values = converted(column, kind)
    assert values.type == ARROW_TYPES[kind]
    assert values.to_pylist() == [*expected, None]
    assert converted(column.slice(1), kind).to_pylist() == [*expected[1:], None]


@pytest.mark.parametrize(
    ("unit", "count", "expected"),
    [
        ("ns", 1_000, dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("ns", 1_001, None),
        ("ns", -1, None),
        ("s", 253_402_300_799, dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("s", 253_402_300_800, None),
        ("s", 2**62, None),
        ("ms", -62_135_596_800_000, dt.datetime(1, 1, 1, tzinfo=UTC)),
        ("ms", -62_135_596_800_001, None),
        ("us", 2**62, None),
    ],
)
def test_a_moment_is_exact_or_wrong(unit: str, count: int, expected: dt.datetime | None) -> None:
    """Finer than a microsecond is not cut; years that the contract's types do not have are wrong."""
    column = pa.array([count], pa.int64()).cast(pa.timestamp(unit))
    assert converted(column, "datetime").to_pylist() == [expected]


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("integer", pa.bool_()),
        ("number", pa.list_(pa.float64())),
        ("boolean", pa.int8()),
        ("date", pa.int32()),
        ("datetime", pa.date32()),
        ("datetime", pa.time64("us")),
        ("string", pa.float64()),
        ("string", pa.bool_()),
        ("string", pa.struct([("a", pa.string())])),
        ("integer", pa.duration("s")),
    ],
)
def test_a_type_that_never_fits_is_known(kind: str, found: pa.DataType) -> None:
    assert not can_hold(found, kind)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(2**53 - 3, 2**53 + 3))))
def test_an_integer_becomes_a_number_only_if_the_number_says_the_same(given_values: list[int | None]) -> None:
    values = converted(pa.array(given_values, pa.int64()), "number").to_pylist()
    assert values == [
        None if value is None or int(float(value)) != value else float(value) for value in given_values
    ]


@given(st.lists(st.floats(allow_nan=True)))
def test_a_float_becomes_an_integer_only_if_it_stands_for_no_other(given_values: list[float]) -> None:
    values = converted(pa.array(given_values, pa.float64()), "integer").to_pylist()
    assert values == [
        int(value) if value.is_integer() and abs(value) < 2**53 else None for value in given_values
    ]


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)
    )
)
def test_a_decimal_becomes_the_nearest_float(given_values: list[Decimal]) -> None:
    values = converted(pa.array(given_values, pa.decimal128(30, 6)), "number").to_pylist()
    assert values == [float(value) for value in given_values]


def test_nan_and_the_contracts_texts_are_missing() -> None:
    """Pandas writes a missing number as NaN; infinity is a value, and wrong."""
    assert plain_column(pa.array([1.0, float("nan"), INF]), ()).to_pylist() == [1.0, None, INF]
    assert plain_column(pa.array(["a", "none", ""], pa.large_string()), ("none",)).to_pylist() == [
        "a",
        None,
        "",
    ]


CONTRACT = parse_contract(
    b"""
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: n, type: integer, constraints: {minimum: 3}}
  - {name: x, type: number}
  - {name: kind, categories: [a, b]}
  - {name: at, type: datetime, constraints: {minimum: "2020-01-01T00:00:00Z"}}
primaryKey: id
scoring: {features: [n, x, kind]}
""",
    name="test",
)


def test_typed_columns_keep_the_rules_of_the_contract_and_messages_show_the_value() -> None:
    columns = {
        "id": pa.array([1, 2, None, 4, 5, 6]),
        "n": pa.array([3.0, 2.0, 3.0, 3.5, 3.0, 3.0]),
        "x": pa.array([1, 1, 1, 2**53 + 1, 1, 1]),
        "kind": pa.array(["a", "b", "a", "a", "c", "a"]),
        "at": pa.array(
            [NOON, NOON, NOON, NOON, NOON, dt.datetime(2019, 1, 1, tzinfo=UTC)], pa.timestamp("ms")
        ),
    }
    validation = validate(columns, CONTRACT, "parquet")
    assert validation.valid.to_pylist() == [{"id": "1", "n": 3, "x": 1.0, "kind": "a"}]
    assert validation.valid_rows.tolist() == [0]
    assert [(fault.row, fault.reason.value, fault.message) for fault in validation.faults] == [
        (1, "below_minimum", "n: 2.0 is below the minimum 3"),
        (2, "missing_required", "id is missing and required"),
        (
            3,
            "wrong_type",
            f"n: 3.5 {NO_INTEGER}; x: 9007199254740993 {NO_NUMBER}",
        ),
        (4, "unseen_category", "kind: 'c' is a category that the model was not trained on"),
        (5, "below_minimum", "at: 2019-01-01 00:00:00.000 is below the minimum 2020-01-01 00:00:00+00:00"),
    ]


def test_a_value_of_another_type_in_a_mixed_column_is_wrong_and_shown() -> None:
    """A missing value beside it stays missing, and a long value is shortened."""
    columns = {
        "id": mixed_column(pa.array(["1", None, None]), pa.array([None, "true", None])),
        "n": mixed_column(pa.array([None, 3, 3]), pa.array(["z" * 100, None, None])),
        "x": pa.nulls(3, pa.float64()),
        "kind": mixed_column(pa.array(["a", None, "a"]), pa.array([None, "[…]", None])),
    }
    faults = validate(columns, CONTRACT, "parquet").faults
    assert [(fault.reason.value, fault.message) for fault in faults] == [
        ("wrong_type", "n: " + "z" * 60 + "… is not an integer of at most 64 bits"),
        ("wrong_type", "id: true is not text; kind: […] is not text"),
        ("missing_required", "id is missing and required"),
    ]


def test_the_valid_rows_are_those_of_the_valid_table() -> None:
    columns = {
        "id": pa.array(["a", "b", "c"]),
        "n": pa.array(["3", "x", "4"]),
        "x": pa.nulls(3, pa.string()),
        "kind": pa.nulls(3, pa.string()),
    }
    assert validate(columns, CONTRACT, "parquet").valid_rows.tolist() == [0, 2]
    columns["n"] = pa.array([3, 4, 5])
    assert validate(columns, CONTRACT, "parquet").valid_rows.tolist() == [0, 1, 2]
