"""Shards, kept files, quarantine and plan, as the container leaves them."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from preparation import ARGUMENTS, CONTRACT, Preparation, run_prepare

from contracts.contract_file import parse_contract
from contracts.encoding import ARROW_TYPES
from contracts.plan import read_manifest, read_plan
from contracts.progress import parse_progress
from contracts.quarantine import QUARANTINE_SCHEMA
from contracts.timings import parse_timings
from contracts.wire import FINGERPRINT_KEY
from preprocessing.__main__ import main, platform_error
from preprocessing.shard_files import build_shard_files

pytestmark = pytest.mark.functional

HEADER = b"id,x,kind,label\n"
DOZEN = HEADER + b"".join(b"%d,%d,%s,%d\n" % (n, n, b"ab"[n % 2 : n % 2 + 1], n % 2) for n in range(12))
FINGERPRINT = parse_contract(CONTRACT.encode(), name="test").fingerprint


def test_parquet_shards_hold_id_and_features_typed_and_name_the_contract(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"1,2.5,b,1\n2,,,\n"})
    table = done.shard_tables()[0]
    assert table.schema.names == ["id", "x", "kind"]
    assert [field.type for field in table.schema] == [
        ARROW_TYPES[kind] for kind in ("string", "number", "string")
    ]
    assert table.schema.metadata[FINGERPRINT_KEY].decode() == done.plan.contract_fingerprint == FINGERPRINT
    assert done.shard_rows() == [{"id": "1", "x": 2.5, "kind": "b"}, {"id": "2", "x": None, "kind": None}]
    assert done.kept_rows() == [{"id": "1", "label": 1}, {"id": "2", "label": None}]


def test_csv_shards_have_no_header_the_id_first_and_encoded_features(tmp_path: Path) -> None:
    """0.1 as a 32-bit float is written as 0.1; an id is quoted where it must be; missing is empty."""
    done = run_prepare(tmp_path, {"a.csv": HEADER + b'"a,""1""",0.1,b,1\n2,,,\n'}, wire_format="csv")
    text = b"".join((done.outputs / "shards" / shard.name).read_bytes() for shard in done.manifest.shards)
    assert text == b'"a,""1""",0.1,1\n2,,\n'


def test_csv_shards_read_back_to_the_same_32_bit_floats(tmp_path: Path) -> None:
    numbers = np.random.default_rng(7).normal(size=500) * 10.0 ** np.arange(-25, 25).repeat(10)
    body = "".join(f"{n},{value!r},a,\n" for n, value in enumerate(numbers.tolist()))
    done = run_prepare(tmp_path, {"a.csv": HEADER + body.encode()}, wire_format="csv")
    text = "".join((done.outputs / "shards" / shard.name).read_text() for shard in done.manifest.shards)
    found = [np.float32(line[1]) for line in csv.reader(io.StringIO(text))]
    assert found == numbers.astype(np.float32).tolist()


@pytest.mark.parametrize(("instances", "shards"), [(1, 3), (2, 4), (3, 3), (5, 5)])
def test_a_dozen_records_still_keep_several_instances_busy(
    instances: int, shards: int, tmp_path: Path
) -> None:
    """Of a fixed count: at least three shards, and as many on each instance."""
    counts = {"max_instances": str(instances), "min_instances": str(instances)}
    done = run_prepare(tmp_path, {"a.csv": DOZEN}, **counts)
    expected = {3: [4, 4, 4], 4: [3, 3, 3, 3], 5: [2, 3, 2, 3, 2]}[shards]
    assert [shard.record_count for shard in done.manifest.shards] == expected
    assert done.ids() == [str(number) for number in range(12)]
    names = [f"shard-00-0000{number}.parquet" for number in range(shards)]
    assert [shard.name for shard in done.manifest.shards] == names


@pytest.mark.parametrize(("deadline_minutes", "shards"), [("1", 3), (str(6 / 60), 4), (str(5 / 60), 3)])
def test_instances_that_the_deadline_does_not_need_get_no_shards(
    deadline_minutes: str, shards: int, tmp_path: Path
) -> None:
    """Twelve records at one a second: one instance in 60 s (three shards at least), two in 6, three in 5."""
    sizing = {"max_instances": "9", "records_per_second": "1", "deadline_minutes": deadline_minutes}
    done = run_prepare(tmp_path, {"a.csv": DOZEN}, **sizing)
    assert len(done.manifest.shards) == shards


def test_the_manifest_tells_size_and_checksum_of_each_shard(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": DOZEN})
    for shard in done.manifest.shards:
        content = (done.outputs / "shards" / shard.name).read_bytes()
        assert (shard.byte_count, shard.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        kept = (done.outputs / "kept" / shard.kept_name).read_bytes()
        assert shard.kept_sha256 == hashlib.sha256(kept).hexdigest()


def test_the_same_input_gives_the_same_shards(tmp_path: Path) -> None:
    first = run_prepare(tmp_path / "first", {"a.csv": DOZEN})
    second = run_prepare(tmp_path / "second", {"a.csv": DOZEN})
    assert first.manifest.shards == second.manifest.shards


def test_no_parquet_shard_is_over_the_payload_limit(tmp_path: Path) -> None:
    """The second half of the records is a hundred times as large as the sample that sizes are taken from."""
    small = b"".join(b"%d,1,a,0\n" % n for n in range(30_000))
    large = b"".join(
        b"%d%s,1,a,0\n" % (n, hashlib.sha256(b"%d" % n).hexdigest().encode() * 10) for n in range(9000)
    )
    done = run_prepare(tmp_path, {"a.csv": HEADER + small + large}, max_instances="1")
    assert done.plan.valid_count == 39_000
    assert max(shard.byte_count for shard in done.manifest.shards) <= 1024 * 1024


def test_a_shard_over_the_limit_is_halved_and_keeps_its_order() -> None:
    contract = parse_contract(CONTRACT.encode(), name="test")
    ids = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(100)]
    records = pa.table({"id": ids, "x": [1.0] * 100, "kind": ["a"] * 100, "label": [0] * 100})
    files = build_shard_files(records, contract, "parquet", 4000)
    found = [
        name for file in files for name in pq.read_table(pa.BufferReader(file.content))["id"].to_pylist()
    ]
    assert found == ids
    assert max(len(file.content) for file in files) <= 4000 < sum(len(file.content) for file in files)


def test_the_largest_record_that_is_let_through_fits_into_a_payload(tmp_path: Path) -> None:
    """Random text does not compress: what the reader lets through is about what the shard must hold."""
    limit = 1024 * 1024
    text = np.random.default_rng(1).bytes(limit).hex().encode()
    sources = {f"{n}.csv": HEADER + text[:n] + b",1,a,0\n" for n in (limit - 6000, limit)}
    done = run_prepare(tmp_path, sources)
    assert [shard.record_count for shard in done.manifest.shards] == [1]
    assert [reason for _, reason, _ in done.held_back()] == ["record_too_large"]


def test_the_quarantine_has_its_schema_and_a_digest_for_people(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"1,bad,a,0\n2,worse,a,0\n3,1,a\n" + b"4,1,a,0\n"})
    assert pq.read_schema(done.outputs / "quarantine" / "algo-1.parquet").equals(QUARANTINE_SCHEMA)
    with (done.outputs / "quarantine" / "algo-1.digest.csv").open() as stream:
        digest = [
            (line["reason_code"], line["field"], line["record_count"]) for line in csv.DictReader(stream)
        ]
    assert digest == [("wrong_field_count", "", "1"), ("wrong_type", "x", "2")]
    assert done.manifest.reason_counts == {"wrong_field_count": 1, "wrong_type": 2}
    assert (done.plan.record_count, done.plan.valid_count, done.plan.quarantined_fraction) == (4, 1, 0.75)


def test_the_digest_opens_safely_in_a_spreadsheet(tmp_path: Path) -> None:
    """A source object may be called like a formula."""
    done = run_prepare(tmp_path, {"=cmd|x.csv": HEADER + b"1,bad,a,0\n2,2,a,0\n"})
    with (done.outputs / "quarantine" / "algo-1.digest.csv").open() as stream:
        assert [line["first_source_key"] for line in csv.DictReader(stream)] == ["'=cmd|x.csv"]


def test_nothing_quarantined_leaves_empty_files(tmp_path: Path) -> None:
    """A job whose input prefix holds no object fails, so the report could not be made."""
    done = run_prepare(tmp_path, {"a.csv": DOZEN})
    assert {path.name for path in (done.outputs / "quarantine").iterdir()} == {
        "algo-1.parquet",
        "algo-1.digest.csv",
        "algo-1.digest.html",
    }
    assert done.quarantine() == []


def test_a_required_label_may_be_missing_in_a_record_as_its_column_may_be(tmp_path: Path) -> None:
    """What is to be scored need not have an outcome yet; a label that is there must still be right."""
    contract = CONTRACT.replace("constraints: {enum: [0, 1]}", "constraints: {required: true, enum: [0, 1]}")
    sources = {"a.csv": b"id,x,kind\n1,1,a\n", "b.csv": HEADER + b"2,1,a,\n3,1,a,1\n4,1,a,2\n"}
    done = run_prepare(tmp_path, sources, contract)
    assert done.kept_rows() == [
        {"id": "1", "label": None},
        {"id": "2", "label": None},
        {"id": "3", "label": 1},
    ]
    assert done.held_back() == [(4, "not_in_enum", b"4,1,a,2")]


def test_a_source_without_label_keeps_missing_labels(tmp_path: Path) -> None:
    """Also beside one that has it: both files' records are in one shard."""
    sources = {"a.csv": b"id,x,kind\n1,2,a\n", "b.csv": HEADER + b"2,2,a,1\n"}
    done = run_prepare(tmp_path, sources)
    assert done.kept_rows() == [{"id": "1", "label": None}, {"id": "2", "label": 1}]


@pytest.mark.parametrize(
    ("sources", "changes", "parts"),
    [
        ({}, {}, ["s3://bucket/in/", "no source objects", "InputUri"]),
        ({"a.csv": b"id,X,kind\n"}, {}, ["a.csv", "'x'", "did you mean 'X'?", "the header is id, X, kind"]),
        ({"a.csv": b"id,x,kinds\n"}, {}, ["a.csv", "lacks the field 'kind'; did you mean 'kinds'"]),
        ({"a.csv": b"id,x,kind,x\n"}, {}, ["a.csv", "names 'x' twice"]),
        ({"a.csv": b'id,x,"kind\n1,2,a\n'}, {}, ["a.csv", "header is unreadable"]),
        ({"a.csv": b"id,x,k\xff\n"}, {}, ["a.csv", "header is unreadable", "UTF-8"]),
        ({"a.csv": "id,x,kind\n".encode("utf-32")}, {}, ["a.csv", "UTF-32", "UTF-8"]),
        ({"a.orc": b"ORC"}, {}, ["a.orc", "looks like orc", "InputFormat"]),
        ({"a.csv.gz": b"\x1f\x8bnonsense and more"}, {}, ["a.csv.gz", "damaged"]),
        ({"a.csv": DOZEN}, {"input_format": "cvs"}, ["'cvs'", "did you mean 'csv'?"]),
        ({"a.csv": DOZEN}, {"wire_format": "xml"}, ["'xml'", "valid: arrow, csv, jsonlines, parquet"]),
        ({"a.csv": DOZEN}, {"input_uri": "s3://bucket/in"}, ["InputUri", "`/` at its end"]),
        ({"a.csv": DOZEN}, {"output_uri": "s3://bucket/in/out/"}, ["OutputUri", "lies under"]),
        ({"a.csv": DOZEN}, {"output_uri": "s3://bucket/in/"}, ["OutputUri", "lies under"]),
        ({"a.csv": DOZEN}, {"max_instances": "0"}, ["max_instances is 0"]),
        ({"a.csv": DOZEN}, {"max_payload_mb": "101"}, ["max_payload_bytes", "100 MB"]),
        ({"a.csv": DOZEN}, {"max_instances": None}, ["--max-instances"]),
        ({"a.csv": DOZEN}, {"max_instances_": "1"}, ["unrecognized arguments"]),
    ],
)
def test_what_cannot_work_is_refused_with_place_and_remedy(
    sources: dict[str, bytes], changes: dict[str, str | None], parts: list[str], tmp_path: Path
) -> None:
    """Exit code 2, a message file, and no plan."""
    done = run_prepare(tmp_path, sources, **changes)
    assert (done.exit_code, [part for part in parts if part not in done.message]) == (2, [])
    assert not (done.outputs / "plan" / "plan.json").exists()


@pytest.mark.parametrize("pattern", [r"\Qabc", "a)|(b", "(?=a)"])
def test_a_pattern_that_cannot_be_matched_against_whole_values_is_refused(
    pattern: str, tmp_path: Path
) -> None:
    """It is matched against whole values, for which it is put in brackets."""
    contract = CONTRACT.replace("constraints: {required: true}", f"constraints: {{pattern: '{pattern}'}}")
    done = run_prepare(tmp_path, {"a.csv": DOZEN}, contract)
    assert (done.exit_code, "field 'id': `pattern` is no regular expression" in done.message) == (2, True)


def test_two_contracts_in_the_folder_are_refused(tmp_path: Path) -> None:
    second = tmp_path / "processing" / "input" / "contract" / "second.yaml"
    run_prepare(tmp_path, {"a.csv": DOZEN})
    second.write_text(CONTRACT)
    argv = [text for pair in ARGUMENTS.items() for text in pair]
    assert main(["prepare", *argv], {"BATCHSCORE_ML_ROOT": str(tmp_path)}) == 2
    assert "exactly one contract" in (tmp_path / "output" / "message").read_text()


def test_a_full_disk_is_the_platforms_fault_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("preprocessing.prepare.write_bytes", full)
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"1,bad,a,0\n2,2,a,0\n"})
    assert done.exit_code == 3
    assert "shard-00-00000.parquet: no disk space is left" in done.message
    assert list((done.outputs / "quarantine").iterdir()) == []


def test_any_other_failure_of_the_machine_says_where() -> None:
    error = OSError(errno.EIO, "Input/output error", "shards/a")
    assert str(platform_error(error)).startswith("shards/a: Input/output error;")


def test_progress_is_told_in_lines_that_the_emulator_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_prepare(tmp_path, {"a.csv": DOZEN})
    *_, progress, _ = capsys.readouterr().out.splitlines()
    last = parse_progress(progress)
    assert last is not None
    assert (last.records, last.bytes_done, last.bytes_total) == (12, len(DOZEN), len(DOZEN))


@pytest.mark.parametrize("content", [DOZEN, b"no,such,column\n"], ids=["prepared", "refused"])
def test_the_last_line_says_where_the_time_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """Also of a job that failed, as far as it came; what several threads did stands apart."""
    run_prepare(tmp_path, {"a.csv": content})
    timings = parse_timings(capsys.readouterr().out.splitlines()[-1])
    assert timings is not None
    assert {"read the contract", "read source objects"} <= set(timings.parts)
    on_threads = {"check records", "build shards", "write shards"} if content == DOZEN else set()
    assert set(timings.thread_seconds) == on_threads
    assert sum(timings.parts.values()) <= timings.seconds


def _part(root: Path, host: str, content: bytes) -> Preparation:
    config = root / "config" / "resourceconfig.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"current_host": host, "hosts": ["algo-1", "algo-2"]}))
    return run_prepare(root, {f"{host}.csv": content}, part_only="true")


def test_an_instance_without_a_source_object_writes_an_empty_part(tmp_path: Path) -> None:
    """With more instances than source objects, some get none."""
    config = tmp_path / "config" / "resourceconfig.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}))
    done = run_prepare(tmp_path, {}, part_only="true")
    assert done.exit_code == 0
    part = read_manifest(done.outputs / "plan" / "parts" / "algo-2.json")
    assert (part.shards, part.sources, part.record_count) == ((), (), 0)


def test_parts_of_several_instances_add_up_to_one_plan(tmp_path: Path) -> None:
    """The hosts' shards have names of their own, and the plan is what one instance would have written."""
    parts = [_part(tmp_path / host, host, DOZEN + b"13,bad,a,0\n") for host in ("algo-1", "algo-2")]
    folder = tmp_path / "all" / "processing" / "input" / "plan" / "parts"
    folder.mkdir(parents=True)
    for part in parts:
        for path in (part.outputs / "plan").rglob("*.json"):
            (folder / path.name).write_bytes(path.read_bytes())
    argv = [text for pair in ARGUMENTS.items() for text in pair]
    assert main(["plan", *argv], {"BATCHSCORE_ML_ROOT": str(tmp_path / "all")}) == 0
    output = tmp_path / "all" / "processing" / "output" / "plan"
    plan, manifest = read_plan(output), read_manifest(output / "shard_manifest.json")
    assert (plan.record_count, plan.valid_count, plan.quarantined_count) == (26, 24, 2)
    assert plan.contract_fingerprint == FINGERPRINT
    assert {shard.name[:8] for shard in manifest.shards} == {"shard-00", "shard-01"}
    assert [source.source_key for source in manifest.sources] == ["algo-1.csv", "algo-2.csv"]


def test_a_part_writes_no_plan_of_its_own(tmp_path: Path) -> None:
    part = _part(tmp_path, "algo-2", DOZEN)
    plan = part.outputs / "plan"
    written = sorted(path.relative_to(plan).as_posix() for path in plan.rglob("*") if path.is_file())
    assert written == ["parts/algo-2.json", "profiles/algo-2.json"]


def test_adding_up_without_parts_is_refused(tmp_path: Path) -> None:
    argv = [text for pair in ARGUMENTS.items() for text in pair]
    assert main(["plan", *argv], {"BATCHSCORE_ML_ROOT": str(tmp_path)}) == 2


@pytest.mark.parametrize(("wire", "character", "growth"), [("csv", b'""', 2), ("jsonlines", b"\x01", 6)])
def test_an_id_that_grows_on_the_wire_is_held_back_before_it_is_over_the_limit(
    wire: str, character: bytes, growth: int, tmp_path: Path
) -> None:
    """A line over the payload limit would cost its whole shard."""
    repeats = 1024 * 1024 // growth
    long_id = b'"' + character * (repeats if len(character) == 1 else repeats // 2) + b'"'
    source = b"id,x,kind\n" + long_id + b",1,a\nok,1,a\n"
    done = run_prepare(tmp_path, {"a.csv": source}, wire_format=wire)
    (held_back,) = done.quarantine()
    assert held_back["reason_code"] == "record_too_large"
    assert done.plan.valid_count == 1


TEXT_CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: review, type: string, constraints: {required: true, minLength: 1, maxLength: 12}}
primaryKey: id
scoring: {features: [review], modelInput: text}
"""


def test_a_text_travels_as_it_is_and_its_lengths_are_profiled(tmp_path: Path) -> None:
    """Empty, long and missing ones are held back by the contract's own rules."""
    lines = ['{"id": "a", "review": "two\\nlines"}', '{"id": "b", "review": ""}', '{"id": "c"}']
    lines += ['{"id": "d", "review": "far too long a text"}', '{"id": "e", "review": "\u00e9t\u00e9"}']
    source = {"reviews.jsonl": "\n".join(lines).encode()}
    done = run_prepare(tmp_path, source, TEXT_CONTRACT, wire_format="arrow")
    assert done.exit_code == 0
    assert done.shard_rows() == [{"id": "a", "review": "two\nlines"}, {"id": "e", "review": "\u00e9t\u00e9"}]
    assert [row["reason_code"] for row in done.quarantine()] == [
        "missing_required",
        "missing_required",
        "too_long",
    ]
    profile = json.loads((done.outputs / "plan" / "profile.json").read_text())
    assert sum(profile["features"]["review"]["histogram"]["counts"]) == 2


def test_a_text_is_refused_on_a_wire_of_vectors(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": b"id,review\na,b\n"}, TEXT_CONTRACT, wire_format="jsonlines")
    assert done.exit_code == 2
    assert "wire format 'jsonlines' carries vectors of numbers" in done.message
