"""Numbers of RecordIO messages are what the contract's types say they are, without a way through text."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_messages import Record, framed, named_record, tensor_record

from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from preprocessing.recordio_blocks import read_recordio_blocks
from preprocessing.records import OpenSource, ParsedBlock
from preprocessing.validation import validate

CONTRACT = parse_contract(
    b"""
fields:
  - {name: id, type: string}
  - {name: age, type: integer, constraints: {minimum: 0}}
  - {name: size, type: number}
  - {name: plan, type: string, categories: [basic, plus, pro]}
  - {name: active, type: boolean}
  - {name: since, type: date}
  - {name: note, type: string, constraints: {maxLength: 3}}
primaryKey: id
missingValues: ["", "-"]
scoring: {features: [age, size, plan, active]}
""",
    name="contract",
)
VECTOR_CONTRACT = parse_contract(
    b"""
fields:
  - {name: id, type: string}
  - {name: age, type: integer}
  - {name: size, type: number}
  - {name: plan, type: string, categories: [basic, plus]}
  - {name: active, type: boolean}
primaryKey: id
scoring: {features: [age, size, plan, active]}
""",
    name="contract",
)
NAN, INFINITY = float("nan"), float("inf")


def parsed_blocks(content: bytes, contract: DatasetContract, block_bytes: int = 1 << 20) -> list[ParsedBlock]:
    stream = io.BytesIO(content)
    source = OpenSource(source_key="a.recordio", stream=stream, bytes_done=stream.tell)
    blocks = read_recordio_blocks(source, contract, max_record_bytes=4096, block_bytes=block_bytes)
    return [block.parse() for block in blocks]


def verdicts(content: bytes, block_bytes: int = 1 << 20) -> list[Any]:
    """Return of each record its values, or reason and field of why it is held back."""
    names = [field.name for field in CONTRACT.fields]
    found: dict[int, Any] = {}
    for parsed in parsed_blocks(content, CONTRACT, block_bytes):
        validation = validate(parsed.columns, CONTRACT, "parquet", names)
        for fault in parsed.structure_faults:
            found[fault.place.line_number] = fault.reason.value
        for held_back in validation.faults:
            place = parsed.place(held_back.row)
            found[place.line_number] = (held_back.reason.value, held_back.field)
        for row, values in zip(validation.valid_rows.tolist(), validation.valid.to_pylist(), strict=True):
            found[parsed.place(row).line_number] = {name: str(values[name]) for name in names}
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[number] for number in sorted(found)]


def first_message(name: str, number: float) -> str | None:
    """Return what is said of a record with that number in one field, None if it is valid."""
    content = framed(named_record({"age": [1.0], name: [number]}, uid="a"))
    (parsed,) = parsed_blocks(content, CONTRACT)
    faults = validate(parsed.columns, CONTRACT, "parquet").faults
    return f"{faults[0].reason.value} {faults[0].message}" if faults else None


@pytest.mark.parametrize("kind", ["float32", "float64", "int32"])
def test_a_vector_becomes_columns_of_the_contracts_types(kind: str) -> None:
    """No number is turned into text and back."""
    content = b"".join(
        framed(tensor_record([7, 5, 1, flag], kind=kind, uid="u" * (flag + 1))) for flag in (1, 0, 1)
    )
    tables = [pa.table(parsed.columns) for parsed in parsed_blocks(content, VECTOR_CONTRACT)]
    types = {
        "id": pa.string(),
        "age": pa.int64(),
        "size": pa.float64(),
        "plan": pa.string(),
        "active": pa.bool_(),
    }

    assert [dict(zip(table.schema.names, table.schema.types, strict=True)) for table in tables] == [types] * 2
    assert pa.concat_tables(tables).to_pylist() == [
        {"id": "uu", "age": 7, "size": 5.0, "plan": "plus", "active": True},
        {"id": "u", "age": 7, "size": 5.0, "plan": "plus", "active": False},
        {"id": "uu", "age": 7, "size": 5.0, "plan": "plus", "active": True},
    ]


@pytest.mark.parametrize(
    ("name", "number", "value"),
    [
        ("age", 2.0**53 - 1, "9007199254740991"),
        ("age", -0.0, "0"),
        ("size", 0.1, "0.1"),
        ("size", -1e300, None),
        ("plan", 2.0, "pro"),
        ("plan", -0.0, "basic"),
        ("active", 1.0, "True"),
        ("active", -0.0, "False"),
        ("note", -12.0, "-12"),
        *((name, NAN, "None") for name in ("age", "size", "plan", "active", "since", "note")),
    ],
)
def test_a_number_becomes_a_value_of_its_fields_type(name: str, number: float, value: str | None) -> None:
    """None: a record is held back; NaN is a missing value everywhere."""
    (verdict,) = verdicts(framed(named_record({"size": [1.0], name: [number]}, uid="a")))

    assert (verdict[name] if isinstance(verdict, dict) else None) == value


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("age", 1.5, "wrong_type age: 1.5 is not an integer of at most 64 bits"),
        (
            "age",
            2.0**53,
            "wrong_type age: 9007199254740992 (perhaps rounded) is not an integer of at most 64 bits",
        ),
        ("age", -INFINITY, "wrong_type age: -inf is not an integer of at most 64 bits"),
        ("age", -3.0, "below_minimum age: -3 is below the minimum 0"),
        ("size", INFINITY, "wrong_type size: inf is not a finite number that a 64-bit float holds"),
        ("plan", 3.0, "unseen_category plan: '3' is a category that the model was not trained on"),
        ("plan", 0.5, "unseen_category plan: '0.5' is a category that the model was not trained on"),
        ("active", 2.0, "wrong_type active: 2 is not a boolean"),
        ("active", 0.5, "wrong_type active: 0.5 is not a boolean"),
        ("since", 18262.0, "wrong_type since: '18262' is not a date in the form YYYY-MM-DD"),
        ("note", 1.5, "wrong_type note: 1.5 is not text"),
        ("note", 1234.0, "too_long note: '1234' is longer than 3 characters"),
    ],
)
def test_a_message_shows_the_number_as_a_person_would_write_it(
    name: str, number: float, message: str
) -> None:
    assert first_message(name, number) == message


@pytest.mark.parametrize("kind", ["string", "integer"])
def test_an_id_that_may_have_been_rounded_is_refused(kind: str) -> None:
    """2^24 + 1 as a 32-bit float is 2^24: the record would have the id of another. A feature may be so."""
    fields = f"fields: [{{name: id, type: {kind}}}, {{name: age, type: integer}}]\n"
    contract = parse_contract(
        (fields + "primaryKey: id\nscoring: {features: [age]}").encode(), name="contract"
    )
    found = []
    for number in (2**24 - 1, 2**24 + 1):
        record = Record.FromString(tensor_record([number]))
        record.features["id"].float32_tensor.values.append(number)
        (parsed,) = parsed_blocks(framed(record.SerializeToString()), contract)
        validation = validate(parsed.columns, contract, "parquet")
        found += [str(age) for age in validation.valid["age"].to_pylist()]
        found += [fault.message.split(" is ")[0] for fault in validation.faults]

    assert found == ["16777215", "id: 16777216 (perhaps rounded)"]


TEXTS = st.sampled_from([b"7", b"007", b"1.5", b"true", b"0", b"plus", b"2020-01-02", b"-", b"1e3", b"inf"])
NUMBERS = st.sampled_from([0.0, 1.0, 2.0, 7.0, -1.0, 1.5, 1e18, 2.0**53, 1e300, INFINITY, NAN])
NAMES = st.sampled_from(["age", "size", "plan", "active", "since", "note"])
ENTRIES = st.dictionaries(NAMES, TEXTS | NUMBERS.map(lambda number: [number]), max_size=6)


@given(
    records=st.lists(st.tuples(ENTRIES, st.text("xy", min_size=1, max_size=3)), max_size=8),
    block_bytes=st.integers(1, 300),
)
def test_what_becomes_of_a_record_depends_on_nothing_beside_it(
    records: list[tuple[dict[str, Any], str]], block_bytes: int
) -> None:
    """Text in one record and numbers in the next: each is read by its own rules."""
    frames = [framed(named_record(entries, uid=uid)) for entries, uid in records]
    alone = [verdict for content in frames for verdict in verdicts(content)]

    assert verdicts(b"".join(frames)) == alone
    assert verdicts(b"".join(frames), block_bytes) == alone
