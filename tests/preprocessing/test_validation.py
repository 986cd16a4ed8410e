"""The contract's rules, each with values just inside and just outside."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contract_file import parse_contract
from preprocessing import field_rules
from preprocessing.typed_values import typed_values
from preprocessing.validation import MAX_RECORD_MESSAGE_CHARS, validate

UTC = dt.timezone.utc

RIGHT = {
    "integer": {
        "12": 12,
        "+12": 12,
        "-0": 0,
        "007": 7,
        "9223372036854775807": 2**63 - 1,
        "-9223372036854775808": -(2**63),
    },
    "number": {"1.5": 1.5, "+1.5": 1.5, ".5": 0.5, "5.": 5.0, "-1E-5": -1e-5, "1e308": 1e308, "1e-999": 0.0},
    "boolean": {"true": True, "True": True, "TRUE": True, "1": True, "false": False, "0": False},
    "date": {
        "2024-02-29": dt.date(2024, 2, 29),
        "0001-01-01": dt.date(1, 1, 1),
        "9999-12-31": dt.date(9999, 12, 31),
    },
    "datetime": {
        "2024-01-31T10:00:00Z": dt.datetime(2024, 1, 31, 10, tzinfo=UTC),
        "2024-01-31T10:00:00": dt.datetime(2024, 1, 31, 10, tzinfo=UTC),
        "2024-01-31T10:00:00.5+02:00": dt.datetime(2024, 1, 31, 8, 0, 0, 500000, tzinfo=UTC),
    },
    "string": {"": "", " a ": " a "},
}
WRONG = {
    "integer": [
        "12.0",
        " 12",
        "12 ",
        "0x1F",
        "1_000",
        "",
        "١٢",
        "--1",
        "-",
        "+",
        "9223372036854775808",
        "1e3",
        "9" * 2000,
    ],
    "number": [
        "1e999",
        "NaN",
        "nan",
        "inf",
        "-INF",
        "Infinity",
        "٣",
        " 1",
        "1 ",
        "1,5",
        "1e",
        ".",
        "",
        "0x1p3",
        "+-1",
    ],
    "boolean": ["yes", "tRue", "2", "", " true"],
    "date": ["0000-01-01", "2024-02-30", "2024-1-31", "20240131", "31.01.2024", "2024-01-31T00:00:00", ""],
    "datetime": [
        "2024-01-31",
        "2024-01-31 10:00:00",
        "2024-01-31T25:00:00Z",
        "2024-01-31T10:00Z",
        "2024-01-31T10:00:00+05:60",  # which Python's `fromisoformat` takes
        "2024-01-31T10:00:00.5-00:99",
        "0000-01-01T00:00:00",
        "0000-12-31T23:00:00-02:00",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:00:00-02:00",
        "",
    ],
}


@pytest.mark.parametrize("kind", RIGHT)
def test_each_type_accepts_its_texts(kind: str) -> None:
    """Read together with a wrong text too, where the careful way is taken."""
    texts = [*RIGHT[kind], None]
    expected = [*RIGHT[kind].values(), None]
    assert typed_values(pa.array(texts, pa.string()), kind).to_pylist() == expected
    if kind != "string":
        mixed = typed_values(pa.array([*texts, "wrong"], pa.string()), kind)
        assert mixed.to_pylist() == [*expected, None]


@pytest.mark.parametrize("kind", WRONG)
def test_each_type_refuses_everything_else(kind: str) -> None:
    """Alone, where only the fast way could be taken, and together."""
    alone = [typed_values(pa.array([text]), kind).to_pylist() for text in WRONG[kind]]
    assert alone == [[None]] * len(WRONG[kind])
    assert typed_values(pa.array(WRONG[kind]), kind).to_pylist() == [None] * len(WRONG[kind])


@given(st.text(alphabet="+-.eE0123 xn", max_size=8), st.sampled_from(["integer", "number"]))
def test_a_number_reads_the_same_alone_and_beside_a_wrong_one(text: str, kind: str) -> None:
    """The fast way and the careful way accept the same texts."""
    alone = typed_values(pa.array([text]), kind).to_pylist()
    assert typed_values(pa.array([text, "wrong"]), kind).to_pylist() == [*alone, None]


def _check(field: str, value: str | None, *, extra: str = "", wire: str = "parquet") -> list[tuple[str, str]]:
    """Return reason and message for one record with `value` in the field `v`."""
    contract = parse_contract(
        f"{{fields: [{{name: id}}, {{name: x, type: integer}}, {{name: v, {field}}}], primaryKey: id,"
        f" scoring: {{features: [x{extra}]}}}}".encode(),
        name="test",
    )
    columns = {
        "id": pa.array(["1", "2"]),
        "x": pa.array(["1", "1"]),
        "v": pa.array([value, value], pa.string()),
    }
    validation = validate(columns, contract, wire)
    assert validation.valid.num_rows + len(validation.faults) == 2
    return [(fault.reason.value, fault.message) for fault in validation.faults[:1]]


@pytest.mark.parametrize(
    ("field", "inside", "outside", "reason"),
    [
        ("type: integer, constraints: {minimum: 3}", "3", "2", "below_minimum"),
        ("type: number, constraints: {maximum: 3}", "3.0", "3.001", "above_maximum"),
        ("type: date, constraints: {minimum: 2024-01-02}", "2024-01-02", "2024-01-01", "below_minimum"),
        (
            "type: datetime, constraints: {maximum: '2024-01-02T00:00:00Z'}",
            "2024-01-02T00:00:00Z",
            "2024-01-02T00:00:01",
            "above_maximum",
        ),
        ("constraints: {enum: [a, b]}", "a", "A", "not_in_enum"),
        ("type: integer, constraints: {enum: [1, 2]}", "2", "3", "not_in_enum"),
        ("type: number, constraints: {enum: [0, 1]}", "-0", "-1", "not_in_enum"),
        ("type: number, constraints: {enum: [-0.0]}", "0", "1", "not_in_enum"),
        (
            "type: number, constraints: {minimum: 9007199254740993}",
            "9007199254740992",
            "9007199254740991",
            "below_minimum",
        ),
        ("type: number, constraints: {enum: [9007199254740993]}", "9007199254740992", "5", "not_in_enum"),
        ("constraints: {pattern: 'a|b+'}", "bb", "ab", "pattern_mismatch"),
        ("constraints: {pattern: 'a'}", "a", "a\n", "pattern_mismatch"),
        ("constraints: {minLength: 2}", "éé", "é", "too_short"),
        ("constraints: {maxLength: 2}", "éé", "ééé", "too_long"),
        ("constraints: {required: true}", "", None, "missing_required"),
        ("constraints: {enum: [a, bb], maxLength: 1}", "a", "bb", "too_long"),
    ],
)
def test_a_rule_lets_the_bound_through_and_holds_the_next_value_back(
    field: str, inside: str, outside: str | None, reason: str
) -> None:
    assert _check(field, inside) == []
    assert [found for found, _ in _check(field, outside)] == [reason]


def test_a_missing_value_breaks_no_rule_but_required() -> None:
    assert _check("type: integer, constraints: {minimum: 3, enum: [4]}", None) == []


def test_an_unseen_category_is_quarantined_only_where_the_contract_says_so() -> None:
    """With `missing`, the raw value travels on and becomes a missing value when it is encoded."""
    assert [reason for reason, _ in _check("categories: [a]", "b", extra=", v")] == ["unseen_category"]
    contract = parse_contract(
        b"{fields: [{name: id}, {name: v, categories: [a]}], primaryKey: id,"
        b" scoring: {features: [v], unseenCategory: missing}}",
        name="test",
    )
    validation = validate({"id": pa.array(["1"]), "v": pa.array(["b"])}, contract, "parquet")
    assert validation.valid.to_pylist() == [{"id": "1", "v": "b"}]


def test_a_number_that_no_feature_vector_can_hold_is_held_back_as_a_feature_only() -> None:
    assert _check("type: number", "1e39") == []
    assert [reason for reason, _ in _check("type: number", "1e39", extra=", v")] == ["wrong_type"]


@pytest.mark.parametrize("record_id", ["a\nb", "a\rb", "a\0b"])
def test_an_id_that_a_csv_line_cannot_carry_is_unsafe_there_and_only_there(record_id: str) -> None:
    contract = parse_contract(
        b"{fields: [{name: id}, {name: x, type: integer}], primaryKey: id, scoring: {features: [x]}}",
        name="test",
    )
    columns = {"id": pa.array([record_id]), "x": pa.array(["1"])}
    assert validate(columns, contract, "parquet").faults == []
    assert [fault.reason.value for fault in validate(columns, contract, "csv").faults] == ["unsafe_id"]


@pytest.mark.parametrize(
    ("wire", "ids", "reasons"), [("parquet", ["a\nb", "c"], []), ("csv", ["c"], ["unsafe_id"])]
)
def test_an_id_of_an_enum_travels_with_its_line_break_where_the_wire_can_carry_it(
    wire: str, ids: list[str], reasons: list[str]
) -> None:
    contract = parse_contract(
        b'{fields: [{name: id, constraints: {enum: ["a\\nb", c]}}, {name: x, type: integer}],'
        b" primaryKey: id, scoring: {features: [x]}}",
        name="test",
    )
    columns = {"id": pa.array(["a\nb", "c"]), "x": pa.array(["1", "1"])}
    validation = validate(columns, contract, wire)
    assert validation.valid.column("id").to_pylist() == ids
    assert [fault.reason.value for fault in validation.faults] == reasons


def test_a_value_that_has_no_code_is_held_back_though_no_rule_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should the dictionary ever lack a valid value, no record loses it unsaid."""
    only_a = pa.array(["a"])
    monkeypatch.setattr(
        field_rules, "field_dictionary", lambda field, *_: only_a if field.name == "v" else None
    )
    assert _check("constraints: {enum: [a, b]}", "a") == []
    assert [reason for reason, _ in _check("constraints: {enum: [a, b]}", "b")] == ["wrong_type"]
    assert [reason for reason, _ in _check("constraints: {enum: [a, b]}", None)] == []


def test_a_missing_id_is_held_back_though_the_contract_does_not_say_required() -> None:
    contract = parse_contract(
        b"{fields: [{name: id}, {name: x, type: integer}], primaryKey: id, scoring: {features: [x]}}",
        name="test",
    )
    columns: dict[str, Any] = {"id": pa.array([None], pa.string()), "x": pa.array(["1"])}
    assert [fault.reason.value for fault in validate(columns, contract, "csv").faults] == ["missing_required"]


def test_the_first_broken_rule_gives_the_reason_and_the_message_names_all() -> None:
    """First means in the contract's order of fields; values are quoted and shortened."""
    contract = parse_contract(
        b"{fields: [{name: id}, {name: x, type: integer}, {name: y, constraints: {maxLength: 3}}],"
        b" primaryKey: id, scoring: {features: [x]}}",
        name="test",
    )
    columns = {"id": pa.array(["1"]), "x": pa.array(["ten"]), "y": pa.array(["long" * 1000])}
    (fault,) = validate(columns, contract, "parquet").faults
    assert (fault.row, fault.reason.value, fault.field) == (0, "wrong_type", "x")
    assert fault.message.startswith("x: 'ten' is not an integer of at most 64 bits; y: 'longlong")
    assert len(fault.message) <= MAX_RECORD_MESSAGE_CHARS
