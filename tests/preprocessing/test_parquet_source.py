"""Every row of a Parquet source ends up in a shard or in quarantine, with its number and all its columns."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from preparation import run_prepare

from contracts.contract_file import parse_contract
from preprocessing.parquet_blocks import read_parquet_blocks
from preprocessing.source_objects import SourceFile
from preprocessing.validation import validate

pytestmark = pytest.mark.functional

CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: x, type: number}
  - {name: kind, type: string, categories: [a, b]}
  - {name: label, type: integer, constraints: {enum: [0, 1]}}
primaryKey: id
missingValues: ["", "none"]
scoring: {features: [x, kind], label: label}
"""


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def rows(count: int) -> dict[str, Any]:
    return {
        "id": pa.array([str(number) for number in range(count)]),
        "x": pa.array([float(number) for number in range(count)]),
        "kind": pa.array(["a", "b"] * (count // 2)).dictionary_encode(),
    }


def test_several_row_groups_in_nested_folders_are_read_in_order(tmp_path: Path) -> None:
    """Dictionary columns too; beside other formats, and with no rows at all."""
    sources = {
        "day=1/a.parquet": parquet(rows(10), row_group_size=3),
        "day=1/b.csv": b"id,x,kind\n10,1,a\n",
        "day=2/c.PARQUET": parquet({name: column.slice(0, 0) for name, column in rows(2).items()}),
        "day=2/d.parquet": b"",
        "_metadata": b"PAR1",
        "_common_metadata": b"PAR1",
    }
    done = run_prepare(tmp_path, sources, CONTRACT)
    assert done.shard_rows() == [{"id": str(n), "x": float(n), "kind": "ab"[n % 2]} for n in range(10)] + [
        {"id": "10", "x": 1.0, "kind": "a"}
    ]
    assert [source.record_count for source in done.manifest.sources] == [10, 1, 0, 0]


def test_a_row_that_is_held_back_is_kept_with_all_its_columns_as_json(tmp_path: Path) -> None:
    """Columns that the contract does not know as well; what JSON has no form for as text."""
    columns = {
        "id": pa.array(["1", None], pa.string()),
        "x": pa.array([Decimal("1.50"), Decimal("2.25")]),
        "kind": pa.array(["a", "é"], pa.large_string()),
        "at": pa.array([0, 2**62 + 1], pa.timestamp("us")),
        "fine": pa.array([0, 1], pa.timestamp("ns")),
        "day": pa.array([None, dt.date(2024, 2, 29)]),
        "raw": pa.array([b"", b"\xffa"]),
        "tags": pa.array([[], ["t", None]]),
        "nested": pa.array([{"a": 1, "b": None}, {"a": 2, "b": float("inf")}]),
        "flag": pa.array([True, False]),
        "ratio": pa.array([0.0, float("nan")]),
        "span": pa.array([0, 7], pa.duration("ns")),
    }
    done = run_prepare(tmp_path, {"a.parquet": parquet(columns)}, CONTRACT)
    (record,) = done.quarantine()
    assert (record["line_number"], record["byte_offset"]) == (2, None)
    assert (record["reason_code"], record["field"]) == ("missing_required", "id")
    assert record["raw_byte_count"] == len(record["raw"])
    raw = json.loads(record["raw"], parse_constant=pytest.fail)
    assert raw.pop("at").startswith("<value out of range")
    assert raw == {
        "id": None,
        "x": 2.25,
        "kind": "é",
        "fine": "1970-01-01T00:00:00.000000001",
        "day": "2024-02-29",
        "raw": "\\xffa",
        "tags": ["t", None],
        "nested": {"a": 2, "b": "inf"},
        "flag": False,
        "ratio": None,
        "span": "7",
    }
    assert done.shard_rows() == [{"id": "1", "x": 1.5, "kind": "a"}]


def test_typed_columns_are_converted_or_held_back_and_never_rounded(tmp_path: Path) -> None:
    """Integer ids become text; NaN and the contract's texts are missing; infinity is no number."""
    columns = {
        "id": pa.array([7, 8, 9, 10], pa.int64()),
        "x": pa.array([1.5, float("nan"), float("inf"), 2.0]),
        "kind": pa.array(["a", "none", "a", "b"]),
        "label": pa.array([1.0, float("nan"), 0.0, 0.5]),
    }
    done = run_prepare(tmp_path, {"a.parquet": parquet(columns)}, CONTRACT)
    assert done.shard_rows() == [{"id": "7", "x": 1.5, "kind": "a"}, {"id": "8", "x": None, "kind": None}]
    assert done.kept_rows() == [{"id": "7", "label": 1}, {"id": "8", "label": None}]
    assert [(row["line_number"], row["message"]) for row in done.quarantine()] == [
        (3, "x: inf is not a finite number that a 64-bit float holds"),
        (4, "label: 0.5 is not an integer of at most 64 bits"),
    ]


def test_text_that_is_not_utf8_and_rows_that_are_too_large_are_held_back(tmp_path: Path) -> None:
    columns = {
        "id": pa.array([b"1", b"\xff", b"3", b"4"], pa.binary()),
        "x": pa.array([1, 2, 3, 4], pa.int8()),
        "kind": pa.array(["a", "a", "a" * 2_000_000, "b"]),
    }
    done = run_prepare(tmp_path, {"a.parquet": parquet(columns)}, CONTRACT)
    assert done.ids() == ["1", "4"]
    assert [(row["line_number"], row["reason_code"]) for row in done.quarantine()] == [
        (2, "invalid_encoding"),
        (3, "record_too_large"),
    ]


def test_places_and_raw_rows_are_right_for_every_batch_size(tmp_path: Path) -> None:
    """Whatever row group a row is in, and in whatever order the blocks are asked."""
    columns = {**rows(40), "other": pa.array(list(range(40)))}
    columns["x"] = pa.array([None if n % 3 else n for n in range(40)])
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(columns, row_group_size=7))
    contract = parse_contract(
        CONTRACT.replace("type: number", "type: number, constraints: {required: true}").encode(), name="c"
    )
    file = SourceFile(source_key="a.parquet", path=path, byte_count=path.stat().st_size)
    for block_bytes in (1, 100, 1 << 20):
        found = []
        blocks = list(read_parquet_blocks(file, contract, max_record_bytes=1000, block_bytes=block_bytes))
        assert sum(block.batch.num_rows for block in blocks) == 40
        for block in reversed(blocks):
            parsed = block.parse()
            faults = validate(parsed.columns, contract, "parquet").faults
            found += [parsed.place(fault.row) for fault in faults]
        places = {place.line_number: json.loads(place.raw)["other"] for place in found}
        assert places == {n + 1: n for n in range(40) if n % 3}


def test_a_parquet_file_that_is_compressed_as_a_whole_is_read_and_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary file is gone afterwards, also where rows were read again for the quarantine."""
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    columns = {**rows(4), "id": pa.array(["0", None, "2", "3"])}
    done = run_prepare(tmp_path / "ml", {"a.parquet.gz": gzip.compress(parquet(columns))}, CONTRACT)
    assert (done.ids(), len(done.quarantine())) == (["0", "2", "3"], 1)
    assert list(spool.iterdir()) == []


WHOLE = parquet(rows(1000), compression="snappy")


def spoiled() -> bytes:
    """Return a file of which a page's bytes are others."""
    content = bytearray(parquet(rows(1000), compression="zstd", use_dictionary=False))
    content[200:260] = bytes(60)
    return bytes(content)


@pytest.mark.parametrize(
    ("source_key", "content", "parts"),
    [
        ("a.parquet", WHOLE[:-100], ["cannot be read as Parquet", "deliver it again"]),
        ("a.parquet", b"id,x,kind\n1,2,a\n", ["cannot be read as Parquet", "set InputFormat"]),
        ("a.parquet", spoiled(), ["cannot be read as Parquet"]),
        ("a.parquet.gz", gzip.compress(WHOLE, mtime=0)[:-20], ["gzip data is damaged"]),
        ("a.parquet.gz", WHOLE, ["gzip data is damaged"]),
        (
            "a.parquet",
            parquet({"id": ["1"], "X": [1.0], "kind": ["a"]}),
            ["lacks the field 'x'; did you mean 'X'?"],
        ),
        (
            "a.parquet",
            parquet({"id": ["1"], "x": [[1.0]], "kind": [True]}),
            [
                "the column 'x' is list<element: double>; expected number",
                "the column 'kind' is bool; expected string",
            ],
        ),
        ("a.parquet", parquet({"id": [1.5], "x": [1.0], "kind": ["a"]}), ["'id' is double; expected string"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_place_and_remedy(
    source_key: str, content: bytes, parts: list[str], tmp_path: Path
) -> None:
    done = run_prepare(tmp_path, {source_key: content}, CONTRACT)
    assert (done.exit_code, [part for part in [source_key, *parts] if part not in done.message]) == (2, [])


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays(
        [pa.array(["1"]), pa.array([1.0]), pa.array([2.0]), pa.array(["a"])], names=["id", "x", "x", "kind"]
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    done = run_prepare(tmp_path, {"a.parquet": sink.getvalue()}, CONTRACT)
    assert (done.exit_code, "two columns 'x'" in done.message) == (2, True)


def test_a_place_without_room_to_decompress_is_the_platforms_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    done = run_prepare(tmp_path / "ml", {"a.parquet.gz": gzip.compress(WHOLE)}, CONTRACT)
    assert (done.exit_code, "a.parquet.gz: cannot be decompressed to" in done.message) == (3, True)


MENDABLE = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: x, type: number}
  - {name: n, type: integer, constraints: {maximum: 130}}
  - {name: kind, type: string, categories: [a, b]}
  - {name: born, type: date}
  - {name: seen, type: datetime}
primaryKey: id
scoring: {features: [x, n, kind]}
"""


def test_what_was_right_in_a_row_is_right_when_its_json_is_read(tmp_path: Path) -> None:
    """A quarantined row that is written back must need no other change than the one that mends it."""
    moment = dt.datetime(2024, 1, 1, 10, 0, 0, 250_000, tzinfo=dt.timezone.utc)
    columns = {
        "id": pa.array(["1"]),
        "x": pa.array([Decimal("1.10")]),
        "n": pa.array([999], pa.int16()),
        "kind": pa.array(["a"]).dictionary_encode(),
        "born": pa.array([dt.date(1990, 1, 1)]).cast(pa.timestamp("us")),
        "seen": pa.array([moment], pa.timestamp("ns", tz="Europe/Berlin")),
    }
    (row,) = run_prepare(tmp_path / "first", {"a.parquet": parquet(columns)}, MENDABLE).quarantine()
    assert row["reason_code"] == "above_maximum"

    mended = row["raw"].replace(b"999", b"99")
    done = run_prepare(tmp_path / "second", {"a.jsonl": mended}, MENDABLE, keep_columns="*")

    assert done.quarantine() == []
    (kept,) = done.kept_rows()
    assert (kept["x"], kept["n"], kept["born"], kept["seen"]) == (1.1, 99, dt.date(1990, 1, 1), moment)
