"""Kept columns lie beside the shards as validation typed them, and the model never sees them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from preparation import Preparation, run_prepare

from contracts.arrow_files import read_arrow

pytestmark = pytest.mark.functional

CONTRACT = """
fields:
  - {name: id, type: string}
  - {name: x, type: number}
  - {name: kind, type: string, categories: [a, b]}
  - {name: plan, type: string, constraints: {enum: [basic, pro]}}
  - {name: since, type: date}
  - {name: seen, type: datetime}
  - {name: calls, type: integer}
  - {name: active, type: boolean}
  - {name: note, type: string}
  - {name: label, type: integer}
primaryKey: id
scoring: {features: [x, kind], label: label}
"""
SOURCE = b"""id,x,kind,plan,since,seen,calls,active,note,label
1,0.5,a,pro,2020-01-02,2020-01-02T03:04:05Z,7,true,"a ""b"", c",1
2,,b,,,,,,,
"""
MOMENT = dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)


def kept_table(done: Preparation) -> pa.Table:
    assert done.exit_code == 0, done.message
    shards = done.manifest.shards
    paths = [done.outputs / "kept" / shard.kept_name for shard in shards]
    return pa.concat_tables(read_arrow(path.read_bytes()) for path in paths)


@pytest.mark.parametrize("wire", ["parquet", "csv", "jsonlines"])
def test_kept_columns_are_typed_as_the_contract_says(tmp_path: Path, wire: str) -> None:
    """Every type of the contract; a field with known values takes one byte a record."""
    kept = kept_table(run_prepare(tmp_path, {"a.csv": SOURCE}, CONTRACT, wire_format=wire, keep_columns="*"))

    assert kept.to_pylist() == [
        {
            "id": "1",
            "label": 1,
            "x": 0.5,
            "kind": "a",
            "plan": "pro",
            "since": dt.date(2020, 1, 2),
            "seen": MOMENT,
            "calls": 7,
            "active": True,
            "note": 'a "b", c',
        },
        {"id": "2", "kind": "b"}
        | dict.fromkeys(("label", "x", "plan", "since", "seen", "calls", "active", "note")),
    ]
    assert kept.schema.field("plan").type == pa.dictionary(pa.int8(), pa.string())


def test_the_shard_is_the_same_whatever_is_kept(tmp_path: Path) -> None:
    plain = run_prepare(tmp_path / "plain", {"a.csv": SOURCE}, CONTRACT)
    keeping = run_prepare(tmp_path / "keeping", {"a.csv": SOURCE}, CONTRACT, keep_columns="note,plan")

    assert [shard.sha256 for shard in keeping.manifest.shards] == [
        shard.sha256 for shard in plain.manifest.shards
    ]
    assert keeping.shard_tables()[0].column_names == ["id", "x", "kind"]
    assert kept_table(keeping).column_names == ["id", "label", "note", "plan"]


def test_a_kept_field_that_a_source_lacks_is_null(tmp_path: Path) -> None:
    """One source object has it, the other has not."""
    sources = {"a.csv": b"id,x,kind\n1,1,a\n", "b.csv": b"id,x,kind,plan,calls\n2,2,b,pro,3\n"}
    kept = kept_table(run_prepare(tmp_path, sources, CONTRACT, keep_columns="plan,calls"))

    assert kept.select(["plan", "calls"]).to_pylist() == [
        {"plan": None, "calls": None},
        {"plan": "pro", "calls": 3},
    ]


def test_an_unknown_kept_column_is_the_callers_fault(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": SOURCE}, CONTRACT, keep_columns="plam")

    assert done.exit_code == 2
    assert "'plam' is no field of the contract, did you mean 'plan'?" in done.message


def test_an_id_with_known_values_is_kept_as_text(tmp_path: Path) -> None:
    """Ids are compared, byte by byte, with those that come back."""
    contract = CONTRACT.replace("{name: id, type: string", "{name: id, type: string, categories: ['1', '2']")
    kept = kept_table(run_prepare(tmp_path, {"a.csv": SOURCE}, contract))
    assert (contract != CONTRACT, kept.column("id").type) == (True, pa.string())
