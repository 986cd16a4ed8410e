"""Valid records that share an id are quarantined as the contract says, whatever lies between them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preparation import CONTRACT, Preparation, run_prepare

from contracts import duplicate_ids, repeated_digests
from contracts.arrow_files import read_arrow
from contracts.errors import InternalError
from contracts.id_digests import IdDigester
from contracts.plan import LINE_NUMBER_COLUMN, SOURCE_KEY_COLUMN, read_manifest
from contracts.wire import WIRE_FORMATS
from preprocessing import csv_blocks, csv_engine
from preprocessing import readers as readers_module
from preprocessing.shard_rows import without_rows

pytestmark = pytest.mark.functional

HEADER = b"id,x,kind,label\n"
QUARANTINE_ALL = CONTRACT.replace("label: label}", "label: label, duplicateIds: quarantineAll}")
THREE = {"a.csv": HEADER + b"1,1,a,0\n2,2,a,0\n1,3,a,0\n", "b.csv": HEADER + b"3,4,a,0\n1,bad,a,0\n1,5,b,1\n"}


def told(done: Preparation) -> list[tuple[str, int, str, str]]:
    """Return place, reason and message of what was quarantined."""
    return [
        (row["source_key"], row["line_number"], row["reason_code"], row["message"])
        for row in done.quarantine()
    ]


def books(done: Preparation) -> tuple[int, int, int]:
    """Return records read, valid and quarantined, having checked that they balance and describe the disk."""
    manifest, plan = done.manifest, done.plan
    assert manifest.record_count == manifest.valid_count + manifest.quarantined_count == plan.record_count
    assert sum(manifest.reason_counts.values()) == manifest.quarantined_count == len(done.quarantine())
    folder = done.outputs / "shards"
    assert sorted(path.name for path in folder.iterdir()) == [shard.name for shard in manifest.shards]
    for shard in manifest.shards:
        content = (folder / shard.name).read_bytes()
        assert (shard.byte_count, shard.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        kept = read_arrow((done.outputs / "kept" / shard.kept_name).read_bytes())
        assert len(kept) == shard.record_count
    assert not any((done.root / "processing" / "scratch").iterdir())
    return manifest.record_count, manifest.valid_count, manifest.quarantined_count


def test_the_first_valid_record_stays_and_later_ones_go(tmp_path: Path) -> None:
    """Within a source object and across two; a record that breaks another rule is not compared."""
    done = run_prepare(tmp_path, THREE)
    assert done.ids() == ["1", "2", "3"]
    assert [row["x"] for row in done.shard_rows()] == [1.0, 2.0, 4.0]
    message = "id: '1' stands in 3 valid records; the first is a.csv line 2"
    assert [entry[:3] for entry in told(done)[:1]] == [("b.csv", 3, "wrong_type")]
    assert told(done)[1:] == [("a.csv", 4, "duplicate_id", message), ("b.csv", 4, "duplicate_id", message)]
    assert [row["raw"] for row in done.quarantine()[1:]] == [b"1,3,a,0", b"1,5,b,1"]
    assert {row["field"] for row in done.quarantine()[1:]} == {"id"}
    assert books(done) == (6, 3, 3)
    assert [source.quarantined_count for source in done.manifest.sources] == [1, 2]


def test_all_records_with_a_shared_id_go_where_the_contract_says_so(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, THREE, QUARANTINE_ALL)
    assert done.ids() == ["2", "3"]
    places = [entry[:2] for entry in told(done) if entry[2] == "duplicate_id"]
    assert places == [("a.csv", 2), ("a.csv", 4), ("b.csv", 4)]
    assert books(done) == (6, 2, 4)


def test_without_repeated_ids_nothing_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preprocessing.duplicates.without_rows", None)
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"1,1,a,0\n2,bad,a,0\n2,2,a,0\n"})
    assert done.ids() == ["1", "2"]


def test_records_of_compressed_sources_and_of_many_blocks_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block is read again only where it must be; quoted line breaks and offsets come out right."""
    monkeypatch.setattr(csv_blocks.read_csv_blocks, "__kwdefaults__", {"block_bytes": 100})
    lines = [b'"%d\n",%d,a,0\n' % (number % 60, number) for number in range(90)]
    sources = {
        "a.csv.gz": gzip.compress(HEADER + b"".join(lines[:50])),
        "b.csv": HEADER + b"".join(lines[50:]),
    }
    done = run_prepare(tmp_path, sources)
    assert done.ids() == [f"{number}\n" for number in range(60)]
    assert [row["raw"] + b"\n" for row in done.quarantine()] == lines[60:]
    assert [row["line_number"] for row in done.quarantine()] == [
        2 + 2 * (number - 50) for number in range(60, 90)
    ]
    assert done.quarantine()[0]["message"].endswith("the first is a.csv.gz line 2")
    assert books(done) == (90, 60, 30)


@pytest.mark.parametrize("wire", sorted(WIRE_FORMATS))
def test_a_shard_without_its_duplicates_is_as_if_they_had_never_been_there(wire: str, tmp_path: Path) -> None:
    """Ids, features, labels and the contract's fingerprint; text that needs quotes too."""
    clean = b"".join(b'"%d,""q""",%d,%s,%d\n' % (n, n, b"ab"[n % 2 : n % 2 + 1], n % 2) for n in range(50))
    again = b"".join(b'"%d,""q""",9,,\n' % n for n in range(0, 50, 3))
    expected = run_prepare(tmp_path / "1", {"a.csv": HEADER + clean}, wire_format=wire, max_instances="1")
    done = run_prepare(tmp_path / "2", {"a.csv": HEADER + clean + again}, wire_format=wire, max_instances="1")
    assert books(done) == (67, 50, 17)
    assert done.kept_rows() == expected.kept_rows()
    if WIRE_FORMATS[wire].has_columns:
        assert done.shard_rows() == expected.shard_rows()
        first, second = (run.shard_tables()[0].schema for run in (expected, done))
        assert first.equals(second, check_metadata=True)
        return
    texts = [
        b"".join((run.outputs / "shards" / shard.name).read_bytes() for shard in run.manifest.shards)
        for run in (expected, done)
    ]
    assert texts[0] == texts[1]


def test_fields_kept_as_positions_in_a_dictionary_still_are(tmp_path: Path) -> None:
    body = b"".join(b"%d,%d,a,0\n" % (n % 40, n) for n in range(50))
    done = run_prepare(tmp_path, {"a.csv": HEADER + body}, max_instances="1")
    columns = pq.read_metadata(done.outputs / "shards" / done.manifest.shards[-1].name).row_group(0)
    coded = {columns.column(n).path_in_schema: columns.column(n).has_dictionary_page for n in range(3)}
    assert coded == {"id": False, "x": False, "kind": True}


def _frame(payload: bytes) -> bytes:
    return (
        (0xCED7230A).to_bytes(4, "little")
        + len(payload).to_bytes(4, "little")
        + payload
        + b"\0" * (-len(payload) % 4)
    )


@pytest.mark.parametrize("wire", ["csv", "jsonlines", "recordio"])
def test_records_are_taken_out_of_every_wire_that_is_cut_into_records(wire: str) -> None:
    payloads = [b"x" * length for length in (0, 1, 4, 5, 200)]
    records = [_frame(payload) if wire == "recordio" else payload + b"\n" for payload in payloads]
    for rows in ([0], [4], [1, 2], [0, 2, 4], [0, 1, 2, 3]):
        left = b"".join(record for row, record in enumerate(records) if row not in rows)
        assert without_rows(b"".join(records), np.array(rows), wire) == left


def test_an_unknown_wire_is_a_fault_of_this_project() -> None:
    with pytest.raises(InternalError, match="'avro'"):
        without_rows(b"", np.array([0]), "avro")


def test_a_shard_that_becomes_empty_is_removed(tmp_path: Path) -> None:
    """Three shards of four records; the third has nothing but repeated ids."""
    body = b"".join(b"%d,1,a,0\n" % (n % 8) for n in range(12))
    done = run_prepare(tmp_path, {"a.csv": HEADER + body})
    assert [shard.name for shard in done.manifest.shards] == [
        "shard-00-00000.parquet",
        "shard-00-00001.parquet",
    ]
    assert len(list((done.outputs / "kept").iterdir())) == 2
    assert books(done) == (12, 8, 4)


def test_no_shard_is_left_where_everything_is_there_twice(tmp_path: Path) -> None:
    body = b"1,1,a,0\n2,1,a,0\n"
    done = run_prepare(tmp_path, {"a.csv": HEADER + body, "b.csv": HEADER + body}, QUARANTINE_ALL)
    assert books(done) == (4, 0, 4)
    assert (done.plan.valid_count, done.plan.quarantined_fraction) == (0, 1.0)


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        ("integer", [b"1", b"+1", b"01", b"2"], [1, 2]),
        ("number", [b"0", b"-0.0", b"1e1", b"10"], [0.0, 10.0]),
        ("boolean", [b"true", b"True", b"false", b"1"], [True, False]),
        ("date", [b"2026-01-01", b"2026-01-02", b"2026-01-01"], None),
        ("datetime", [b"2026-01-01T00:00:00Z", b"2026-01-01T01:00:00+01:00", b"2026-01-01T00:00:01Z"], None),
    ],
)
def test_ids_are_compared_as_values_of_their_type(
    kind: str, texts: list[bytes], expected: list[Any] | None, tmp_path: Path
) -> None:
    contract = CONTRACT.replace("name: id, type: string", f"name: id, type: {kind}")
    body = b"".join(b"%s,1,a,0\n" % text for text in texts)
    done = run_prepare(tmp_path, {"a.csv": HEADER + body}, contract)
    ids = done.ids()
    assert len(ids) == 2
    assert expected in (None, ids)


@pytest.mark.parametrize("in_memory", [4, 1_000_000])
def test_ids_that_collide_in_the_quick_digest_are_still_told_apart(
    in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every id has one of three quick digests: all are candidates, and only the equal ones are duplicates."""
    monkeypatch.setattr(
        csv_engine, "native_csv", None
    )  # its digests are the same, and cannot be made to collide
    quick = IdDigester.quick
    monkeypatch.setattr(repeated_digests, "IN_MEMORY_COUNT", in_memory)
    monkeypatch.setattr(IdDigester, "quick", lambda self, ids: quick(self, ids) % np.uint64(3))
    body = b"".join(b"%d,%d,a,0\n" % (n % 45, n) for n in range(50))
    done = run_prepare(tmp_path, {"a.csv": HEADER + body})
    assert done.ids() == [str(n) for n in range(45)]
    assert [row["line_number"] for row in done.quarantine()] == [47, 48, 49, 50, 51]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 2)), max_size=40),
    policy=st.sampled_from(["keepFirst", "quarantineAll"]),
    in_memory=st.sampled_from([2, 1_000_000]),
)
def test_what_stays_is_what_a_count_of_the_ids_says(
    records: list[tuple[int, bool, int]],
    policy: str,
    in_memory: int,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Records as (id, whether it is valid, source object)."""
    monkeypatch.setattr(repeated_digests, "IN_MEMORY_COUNT", in_memory)
    records = sorted(records, key=lambda record: record[2])
    bodies = {f"{source}.csv": HEADER for source in range(3)}
    for number, (value, is_valid, source) in enumerate(records):
        bodies[f"{source}.csv"] += b"%d,%s,a,0\n" % (value, b"%d" % number if is_valid else b"bad")
    contract = QUARANTINE_ALL if policy == "quarantineAll" else CONTRACT
    done = run_prepare(tmp_path_factory.mktemp("run"), bodies, contract)

    valid = [(value, number) for number, (value, is_valid, _) in enumerate(records) if is_valid]
    counts, first = Counter(value for value, _ in valid), dict(reversed(valid))
    stays = [
        number
        for value, number in valid
        if counts[value] == 1 or (policy == "keepFirst" and first[value] == number)
    ]
    assert [row["x"] for row in done.shard_rows()] == stays
    expected = {"wrong_type": len(records) - len(valid), "duplicate_id": len(valid) - len(stays)}
    assert done.manifest.reason_counts == {reason: count for reason, count in expected.items() if count}
    assert books(done) == (len(records), len(stays), len(records) - len(stays))


def test_the_same_input_gives_the_same_files(tmp_path: Path) -> None:
    """The keys of the digests differ from run to run; nothing that is written does."""
    first, second = (run_prepare(tmp_path / name, THREE) for name in ("1", "2"))
    assert first.manifest.shards == second.manifest.shards
    assert first.quarantine() == second.quarantine()


@pytest.mark.parametrize("copies", [2, 3])
def test_the_same_data_delivered_twice_is_refused_with_an_example(
    copies: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_ids, "MAX_DUPLICATE_CANDIDATES", 10)
    body = b"".join(b"C-%d,1,a,0\n" % n for n in range(7))
    done = run_prepare(tmp_path, {f"{number}.csv": HEADER + body for number in range(copies)})
    assert done.exit_code == 2
    assert "was the same data delivered twice" in done.message
    assert "such as 'C-" in done.message
    assert not any((done.root / "processing" / "scratch").iterdir())


@pytest.mark.parametrize(
    "later", [b"1,1,a,0\n7,3,a,0\n2,2,a,0\n", b"1,1,a,0\n2,x,a,0\n2,3,a,0\n", b"\n" * 24, b""]
)
def test_a_source_that_changes_while_it_is_read_is_the_platforms_fault(
    later: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = []
    read_blocks = readers_module.read_blocks

    def read_changed(file: Any, *more: Any) -> Any:
        readings.append(file)
        file.path.write_bytes(HEADER + later)
        return read_blocks(file, *more)

    monkeypatch.setattr("preprocessing.duplicate_records.read_blocks", read_changed)
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"1,1,a,0\n2,2,a,0\n2,3,a,0\n"})
    assert (done.exit_code, len(readings)) == (3, 1)
    assert "a.csv: was changed while it was read" in done.message


def _one_of_two(root: Path, contract: str = CONTRACT) -> Preparation:
    config = root / "config" / "resourceconfig.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}))
    return run_prepare(root, THREE, contract, part_only="true")


@pytest.mark.parametrize("wire", ["parquet", "csv"])
def test_one_of_several_instances_says_where_its_records_stand(wire: str, tmp_path: Path) -> None:
    """For the report, which finds what two instances were given; line numbers as in the quarantine."""
    config = tmp_path / "config" / "resourceconfig.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}))
    sources = {
        "a.csv": HEADER + b"1,1,a,0\n\n2,bad,a,0\n3,2,a,0\n",
        "b.csv": HEADER + b"4,4,a,0\n5,4,a,0\n",
    }
    done = run_prepare(tmp_path, sources, part_only="true", wire_format=wire)
    manifest = read_manifest(done.outputs / "plan" / "parts" / "algo-2.json")
    kept = pa.concat_tables(
        [read_arrow((done.outputs / "kept" / shard.kept_name).read_bytes()) for shard in manifest.shards]
    )
    assert kept.column("id").to_pylist() == ["1", "3", "4", "5"]
    assert kept.column(SOURCE_KEY_COLUMN).to_pylist() == ["a.csv", "a.csv", "b.csv", "b.csv"]
    assert kept.column(LINE_NUMBER_COLUMN).to_pylist() == [2, 5, 2, 3]


def test_one_of_several_instances_tells_the_report_what_it_held_back(tmp_path: Path) -> None:
    done = _one_of_two(tmp_path, QUARANTINE_ALL)
    assert read_arrow((done.outputs / "kept" / "duplicates-01.arrow").read_bytes()).to_pylist() == [
        {"id": "1", SOURCE_KEY_COLUMN: "a.csv", LINE_NUMBER_COLUMN: 2},
        {"id": "1", SOURCE_KEY_COLUMN: "a.csv", LINE_NUMBER_COLUMN: 4},
        {"id": "1", SOURCE_KEY_COLUMN: "b.csv", LINE_NUMBER_COLUMN: 4},
    ]


def test_a_field_may_not_be_called_like_a_place(tmp_path: Path) -> None:
    contract = CONTRACT.replace("name: label", "name: batchscore.source_key")
    done = run_prepare(tmp_path, THREE, contract)
    assert (done.exit_code, "'batchscore.source_key' has a reserved name" in done.message) == (2, True)
