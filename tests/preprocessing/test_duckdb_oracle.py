"""DuckDB, asked for a second opinion, reads the same records and values, and finds the same faults.

Both of our ways are compared with it, with the native extension and without, on sources that are cut into
blocks anywhere. Where it is known to say something else stands in `test_duckdb_differences`.
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from duckdb_oracle import Form, Opinion, opinion, read
from hypothesis import given
from hypothesis import strategies as st
from judged_csv import NAMES, TEXTS, checked_blocks, contract_of, exact, valid_rows
from preparation import run_prepare
from unusual_csv import CONTRACT, WrittenCsv, records_in_csv, records_near_bounds, texts_in_csv

from contracts.quarantine import ReasonCode
from preprocessing import csv_engine

pytestmark = pytest.mark.functional

WAYS = pytest.mark.parametrize("is_native", [True, False], ids=["native", "library"])


BLOCK_BYTES = st.one_of(st.integers(1, 40), st.integers(41, 2000), st.just(1 << 20))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@WAYS
@given(drawn=st.data(), block_bytes=BLOCK_BYTES, missing=st.sampled_from([(), ("",), ("", "NA", "?")]))
def test_the_records_of_well_formed_csv_are_those_that_duckdb_reads(
    is_native: bool, encoding: str, drawn: st.DataObject, block_bytes: int, missing: tuple[str, ...]
) -> None:
    """Every one of them, in order, each field to the character, and which values are missing."""
    written = drawn.draw(texts_in_csv(NAMES, encoding))
    content = written.content.decode().encode(encoding)
    contract = contract_of(TEXTS, MISSING=missing, DELIMITER=written.delimiter, ENCODING=encoding)
    form = Form(delimiter=written.delimiter, encoding=encoding, missing=missing)
    columns = {"record": "BIGINT", **dict.fromkeys(NAMES, "VARCHAR")}

    theirs = read(content, columns, form)

    blocks = checked_blocks(content, contract, is_native=is_native, block_bytes=block_bytes)
    assert [record for block in blocks for record in block.quarantined] == []
    assert [row for block in blocks for row in valid_rows(block.valid, contract)] == theirs.rows
    assert theirs.rejected == {}
    assert [row[0] for row in theirs.rows] == list(range(len(written.starts)))


@WAYS
@given(written=records_in_csv(), block_bytes=BLOCK_BYTES, wire_name=st.sampled_from(["parquet", "csv"]))
def test_values_and_faults_of_every_record_are_those_that_duckdb_finds(
    is_native: bool, written: WrittenCsv, block_bytes: int, wire_name: str
) -> None:
    """Typed values to the last bit; of a record held back, the first rule that it breaks."""
    check_opinion(written, wire_name, is_native=is_native, block_bytes=block_bytes)


@WAYS
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_every_rule_begins_to_hold_where_it_does_in_duckdb(is_native: bool, delimiter: str) -> None:
    check_opinion(records_near_bounds(delimiter), "parquet", is_native=is_native, block_bytes=1 << 20)


def check_opinion(written: WrittenCsv, wire_name: str, *, is_native: bool, block_bytes: int) -> None:
    """Read and judge a source, and compare with what DuckDB says of it."""
    contract = contract_of(CONTRACT, DELIMITER=written.delimiter, POLICY="keepFirst")
    blocks = checked_blocks(
        written.content, contract, is_native=is_native, block_bytes=block_bytes, wire_name=wire_name
    )
    theirs = opinion(written.content, written.delimiter, contract, wire_name)
    held_back = {
        record.place.byte_offset or 0: record.reason.value for block in blocks for record in block.quarantined
    }
    check_reasons(held_back, theirs, written, are_ids_compared=False)
    valid = [row for block in blocks for row in valid_rows(block.valid, contract)]
    assert exact(valid) == exact(valid_in(theirs, held_back, written))


def check_reasons(
    held_back: dict[int, str], theirs: Opinion, written: WrittenCsv, *, are_ids_compared: bool
) -> None:
    """Compare the reasons of the records held back, by their first bytes, with what DuckDB says."""
    told = {
        written.starts[number]: reason
        for number, reason in theirs.reasons.items()
        if reason and (are_ids_compared or reason != ReasonCode.DUPLICATE_ID.value)
    }
    assert sorted([*(written.starts[number] for number in theirs.reasons), *theirs.broken]) == written.starts
    assert held_back.keys() == told.keys() | theirs.broken.keys()
    assert {start: held_back[start] for start in told} == told
    assert {
        start: kinds & BROKEN[held_back[start]] for start, kinds in theirs.broken.items()
    } == theirs.broken
    assert theirs.uncast <= held_back.keys()


BROKEN = {
    "wrong_field_count": {"MISSING COLUMNS", "TOO MANY COLUMNS"},
    "malformed_record": {"UNQUOTED VALUE", "TOO MANY COLUMNS"},
    "invalid_encoding": {"INVALID ENCODING"},
}
"""What DuckDB may say of records that are held back for their structure; it names all faults."""


def valid_in(theirs: Opinion, held_back: dict[int, str], written: WrittenCsv) -> list[tuple[Any, ...]]:
    """Return DuckDB's values of the records that are not held back."""
    return [row for row in theirs.rows if written.starts[row[0]] not in held_back]


@WAYS
@given(written=records_in_csv(), policy=st.sampled_from(["keepFirst", "quarantineAll"]))
def test_shards_and_quarantine_have_the_records_that_duckdb_would_put_there(
    is_native: bool, written: WrittenCsv, policy: str
) -> None:
    """The whole preparation, repeated ids included: ids and features; reasons and places."""
    names = {"DELIMITER": json.dumps(written.delimiter), "POLICY": policy}
    text = functools.reduce(lambda known, name: known.replace(name, names[name]), names, CONTRACT)
    contract = contract_of(CONTRACT, DELIMITER=written.delimiter, POLICY=policy)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        if not is_native:
            patched.setattr(csv_engine, "native_csv", None)
        done = run_prepare(Path(folder), {"a.csv": written.content}, contract=text)
        shards, quarantine = done.shard_rows(), done.quarantine()

    theirs = opinion(written.content, written.delimiter, contract, "parquet")
    held_back = {row["byte_offset"]: row["reason_code"] for row in quarantine}
    check_reasons(held_back, theirs, written, are_ids_compared=True)
    positions = {entry.name: position for position, entry in enumerate(contract.fields)}
    kept = [contract.id_field, *contract.features]
    expected = [tuple(row[positions[name]] for name in kept) for row in valid_in(theirs, held_back, written)]
    assert exact([tuple(row[name] for name in kept) for row in shards]) == exact(expected)
