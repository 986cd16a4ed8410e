"""Lists of texts are read from every format that has them, checked, and travel beside the features."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preparation import Preparation, run_prepare

from preprocessing import csv_engine
from preprocessing.list_values import list_values, split_items

pytestmark = pytest.mark.functional

CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: x, type: number}
  - {name: seen, type: list, delimiter: "|", constraints: {maxLength: 3}}
primaryKey: id
missingValues: ["", "none"]
scoring: {features: [x], outputs: [a, b, c], topK: 2, exclude: seen}
"""
LISTS: list[list[str] | None] = [["a", "b"], ["unheard of"], None, ['q"uo', "é, ü", " c"]]
IDS = [f"i{number}" for number in range(len(LISTS))]
FAULTY = {"i7": "wrong_type", "i8": "wrong_type", "i9": "too_long"}
"""Id of a record to why it is held back; `text_rows` and `json_rows` have them."""


def text_rows() -> list[tuple[str, str]]:
    sound = zip(IDS, ["" if items is None else "|".join(items) for items in LISTS], strict=True)
    return [*sound, ("i7", "a||b"), ("i8", "|a"), ("i9", "a|b|c|d")]


def csv_source() -> bytes:
    lines = ["id,x,seen"]
    lines += ['{},1,"{}"'.format(name, text.replace('"', '""')) for name, text in text_rows()]
    return "\n".join(lines).encode()


def json_source(rows: list[tuple[str, Any]]) -> bytes:
    return b"\n".join(json.dumps({"id": name, "x": 1, "seen": value}).encode() for name, value in rows)


def array_rows() -> list[tuple[str, Any]]:
    return [*zip(IDS, LISTS, strict=True), ("i7", ["a", ""]), ("i8", ["a", None]), ("i9", list("abcd"))]


def parquet_source(rows: list[tuple[str, Any]], kind: pa.DataType) -> bytes:
    sink = io.BytesIO()
    names, values = zip(*rows, strict=True)
    pq.write_table(pa.table({"id": names, "x": [1.0] * len(rows), "seen": pa.array(values, kind)}), sink)
    return sink.getvalue()


SOURCES = {
    "in.csv": csv_source(),
    "arrays.jsonl": json_source(array_rows()),
    "texts.jsonl": json_source(text_rows()),
    "mixed.jsonl": json_source([*array_rows()[:2], *text_rows()[2:]]),
    "array.json": b"[" + json_source(array_rows()).replace(b"\n", b",") + b"]",
    "lists.parquet": parquet_source(array_rows(), pa.list_(pa.string())),
    "large.parquet": parquet_source(array_rows(), pa.large_list(pa.large_string())),
    "bytes.parquet": parquet_source(
        [(name, items and [item and item.encode() for item in items]) for name, items in array_rows()],
        pa.list_(pa.binary()),
    ),
    "texts.parquet": parquet_source(text_rows(), pa.string()),
}


def prepared(root: Path, name: str, content: bytes, **changes: str | None) -> Preparation:
    return run_prepare(root, {name: content}, changes.pop("contract", None) or CONTRACT, **changes)


@pytest.mark.parametrize("wire", ["arrow", "parquet"])
@pytest.mark.parametrize("name", SOURCES)
def test_every_format_gives_the_same_lists_and_holds_the_same_records_back(
    tmp_path: Path, name: str, wire: str
) -> None:
    done = prepared(tmp_path, name, SOURCES[name], wire_format=wire, keep_columns="seen")

    assert done.exit_code == 0, done.message
    assert [(row["id"], row["seen"]) for row in done.shard_rows()] == list(zip(IDS, LISTS, strict=True))
    assert [row["seen"] for row in done.kept_rows()] == LISTS
    assert [(row["reason_code"], row["field"]) for row in done.quarantine()] == [
        (reason, "seen") for reason in FAULTY.values()
    ]


def test_csv_is_read_the_same_without_the_native_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to the messages."""
    with_it = prepared(tmp_path / "with", "in.csv", SOURCES["in.csv"])
    monkeypatch.setattr(csv_engine, "native_csv", None)
    without = prepared(tmp_path / "without", "in.csv", SOURCES["in.csv"])

    assert with_it.shard_rows() == without.shard_rows()
    assert with_it.quarantine() == without.quarantine()


def test_messages_show_the_text_and_the_rule(tmp_path: Path) -> None:
    messages = [row["message"] for row in prepared(tmp_path, "in.csv", SOURCES["in.csv"]).quarantine()]

    assert messages[0].startswith(
        "seen: 'a||b' is not a list of items with the delimiter between them; an item"
    )
    assert messages[2] == "seen: 'a|b|c|d' is longer than 3 items"


@pytest.mark.parametrize("value", ['["a", 1]', "[[]]", "{}", "1", "true", '["\\ud800"]'])
def test_what_is_no_array_of_texts_is_held_back(tmp_path: Path, value: str) -> None:
    done = prepared(tmp_path, "in.jsonl", b'{"id":"i1","x":1,"seen":%s}\n{"id":"i2","x":1}' % value.encode())

    assert done.ids() == ["i2"]
    assert done.quarantine()[0]["reason_code"] in ("wrong_type", "invalid_encoding")


@pytest.mark.parametrize(
    ("value", "item"),
    [
        ('["a", null]', "2 is null"),
        ('["a", "b", ""]', '3 is ""'),
        ("[1]", "1 is 1"),
        ('["a", [], 1]', "2 is […]"),
    ],
)
def test_the_message_says_which_item_is_none(tmp_path: Path, value: str, item: str) -> None:
    done = prepared(tmp_path, "in.jsonl", b'{"id":"i1","x":1,"seen":%s}\n{"id":"i2","x":1}' % value.encode())

    assert done.quarantine()[0]["message"] == (
        f"seen: […] (item {item}) is not an array of texts of at least one character"
    )


def test_an_item_that_is_not_utf8_holds_its_row_back(tmp_path: Path) -> None:
    rows = [("i1", [b"a"]), ("i2", [b"\xff", b"a"]), ("i3", None)]
    done = prepared(tmp_path, "in.parquet", parquet_source(rows, pa.list_(pa.binary())))

    assert [(row["id"], row["seen"]) for row in done.shard_rows()] == [("i1", ["a"]), ("i3", None)]
    assert [(row["line_number"], row["reason_code"]) for row in done.quarantine()] == [
        (2, "invalid_encoding")
    ]


def test_a_column_that_cannot_hold_lists_of_texts_is_refused(tmp_path: Path) -> None:
    done = prepared(tmp_path, "in.parquet", parquet_source([("i1", [1])], pa.list_(pa.int64())))

    assert done.exit_code == 2
    assert "the column 'seen' is list<element: int64>; expected list, or text of it" in done.message


def test_a_list_that_no_payload_can_hold_is_held_back(tmp_path: Path) -> None:
    """Its texts are well below the limit of a megabyte, but in columns they take more than twice as much."""
    contract = CONTRACT.replace("constraints: {maxLength: 3}", "constraints: {}")
    content = b"id,x,seen\ni1,1,a\ni2,1," + b"a|" * 260_000 + b"a\ni3,1,b\n"
    done = prepared(tmp_path, "in.csv", content, contract=contract, wire_format="arrow", max_payload_mb="1")

    assert done.ids() == ["i1", "i3"]
    assert [row["reason_code"] for row in done.quarantine()] == ["record_too_large"]


def test_parquet_rows_are_as_large_as_their_lists(tmp_path: Path) -> None:
    contract = CONTRACT.replace("constraints: {maxLength: 3}", "constraints: {}")
    rows = [("i1", ["a"]), ("i2", ["a"] * 260_000), ("i3", None)]
    source = parquet_source(rows, pa.list_(pa.string()))
    done = prepared(tmp_path, "in.parquet", source, contract=contract, max_payload_mb="1")

    assert done.ids() == ["i1", "i3"]
    assert [(row["line_number"], row["reason_code"]) for row in done.quarantine()] == [
        (2, "record_too_large")
    ]


def test_ids_that_stand_twice_leave_shards_with_lists(tmp_path: Path) -> None:
    done = prepared(tmp_path, "in.jsonl", json_source([("i1", ["a"]), ("i2", ["b"]), ("i1", ["c"])]))

    assert [(row["id"], row["seen"]) for row in done.shard_rows()] == [("i1", ["a"]), ("i2", ["b"])]
    assert [row["reason_code"] for row in done.quarantine()] == ["duplicate_id"]


def test_a_source_without_the_excluded_list_is_refused(tmp_path: Path) -> None:
    """Most likely it is the wrong source object, and everybody would get what he has."""
    done = prepared(tmp_path, "in.csv", b"id,x\ni1,1\n")

    assert done.exit_code == 2
    assert "lacks the field 'seen'" in done.message


@pytest.mark.parametrize("wire", ["csv", "jsonlines", "recordio"])
def test_a_wire_that_carries_no_lists_is_refused(tmp_path: Path, wire: str) -> None:
    done = prepared(tmp_path, "in.csv", SOURCES["in.csv"], wire_format=wire)

    assert done.exit_code == 2
    assert "`scoring.exclude` names the list 'seen', which the model server must see" in done.message


@pytest.mark.parametrize("wire", ["csv", "jsonlines", "recordio"])
def test_a_list_that_is_only_kept_does_not_mind_the_wire(tmp_path: Path, wire: str) -> None:
    contract = CONTRACT.replace(", exclude: seen", "")
    done = prepared(
        tmp_path, "in.csv", SOURCES["in.csv"], contract=contract, wire_format=wire, keep_columns="seen"
    )

    assert [row["seen"] for row in done.kept_rows()] == LISTS


def test_recordio_has_no_lists(tmp_path: Path) -> None:
    done = prepared(tmp_path, "in.recordio", b"", contract=CONTRACT.replace(", exclude: seen", ""))

    assert done.exit_code == 2
    assert "fields hold one number or text, but the contract has lists ('seen')" in done.message


@given(st.lists(st.text("ab,", max_size=6) | st.none(), max_size=20))
def test_texts_are_split_as_python_does_it(texts: list[str | None]) -> None:
    """An empty text has no item; an empty item makes the whole text no list."""
    found = list_values(pa.array(texts, pa.string()), ",").to_pylist()

    assert found == [None if text is None else split_items(text, ",") for text in texts]
    assert found == [
        None if text is None or (text and "" in text.split(",")) else text.split(",") if text else []
        for text in texts
    ]


def test_shards_have_as_many_records_as_a_server_can_answer(tmp_path: Path) -> None:
    """A thousand numbers each, and a server sets memory for 1,048,576 of them aside."""
    scoring = "scoring: {features: [x], outputs: 1000}"
    contract = CONTRACT[: CONTRACT.index("scoring:")] + scoring
    content = b"id,x,seen\n" + b"".join(b"i%d,1,a\n" % number for number in range(5000))
    done = prepared(tmp_path, "in.csv", content, contract=contract)

    assert max(shard.record_count for shard in done.manifest.shards) <= 1049
