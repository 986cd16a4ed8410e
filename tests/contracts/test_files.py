"""Files that both sides of the container wall read: plans, ledgers, artifacts, progress lines."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from contracts.atomic_files import whole_file, write_bytes, write_json
from contracts.errors import CallerError, InternalError, PlatformError, bounded, near_matches
from contracts.ledger import RunCounts, RunLedger, read_ledger, write_ledger
from contracts.model_artifact import check_artifact, unpack_artifact
from contracts.plan import (
    ScoringPlan,
    Shard,
    ShardManifest,
    SourceObject,
    read_manifest,
    read_plan,
    write_plan,
)
from contracts.progress import Progress, format_progress, parse_progress
from contracts.quarantine import REASON_MEANINGS, ReasonCode

pytestmark = pytest.mark.functional

CONTRACT = (
    b'{"fields": [{"name": "id"}, {"name": "x", "type": "number"}],'
    b' "primaryKey": "id", "scoring": {"features": ["x"]}}'
)
MANIFEST = ShardManifest(
    shards=(
        Shard(name="shard-00-00000.parquet", record_count=2, byte_count=9, sha256="ab", kept_sha256="cd"),
    ),
    sources=(SourceObject(source_key="a.csv", byte_count=5, record_count=3, quarantined_count=1),),
    reason_counts={"wrong_type": 1},
    prepare_seconds=0.5,
)
PLAN = ScoringPlan(
    contract_fingerprint="f", wire_format="parquet", record_count=3, valid_count=2, quarantined_count=1,
    quarantined_fraction=1 / 3, source_byte_count=5, shard_count=1, shard_byte_count=9,
    transform_instance_count=1, prepare_seconds=0.5,
)  # fmt: skip
LEDGER = RunLedger(
    run_id="r", run_date="2026-11-23", pipeline_name="p", finished_at="2026-11-23T00:00:00Z",
    model_package_arn="arn", contract_fingerprint="f", wire_format="csv", parameters={},
    counts=RunCounts(read=3, valid=2, quarantined=1, scored=1, unscorable=1), reason_counts={}, sources=[],
    shards=[], uris={}, quality={}, labelled_count=0, timings={},
)  # fmt: skip


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error while writing leaves the old file, and no temporary one."""
    path = tmp_path / "new" / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError), whole_file(path) as stream:
        stream.writelines([b"half", None])  # type: ignore[list-item]
    assert [json.loads(entry.read_text()) for entry in path.parent.iterdir()] == [{"a": 1}]


def test_a_plan_and_its_manifest_read_back_as_written(tmp_path: Path) -> None:
    write_plan(tmp_path, PLAN, MANIFEST)
    assert (read_plan(tmp_path), read_manifest(tmp_path / "shard_manifest.json")) == (PLAN, MANIFEST)


@pytest.mark.parametrize("content", ["", "5", "[]", "{}", '{"shards": 1}', "[1", "\udcff"])
def test_a_manifest_that_is_not_ours_is_the_platforms_fault(content: str, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(content, errors="surrogateescape")
    with pytest.raises(PlatformError, match=r"m\.json"):
        read_manifest(path)


def test_a_shard_knows_the_names_of_its_kept_file_and_its_scores() -> None:
    shard = Shard(name="shard-00-00001.csv", record_count=1, byte_count=1, sha256="", kept_sha256="")
    assert (shard.kept_name, shard.output_name) == ("shard-00-00001.arrow", "shard-00-00001.csv.out")


def test_a_ledger_reads_back_as_written(tmp_path: Path) -> None:
    write_ledger(tmp_path / "run.json", LEDGER)
    assert read_ledger(tmp_path / "run.json") == LEDGER


def test_a_ledger_that_does_not_balance_is_not_written(tmp_path: Path) -> None:
    wrong = dataclasses.replace(LEDGER, counts=RunCounts(read=4, valid=2, quarantined=1, scored=1))
    with pytest.raises(InternalError, match=r"read 4 .* valid 2 \+ quarantined 1; valid 2 != scored 1"):
        write_ledger(tmp_path / "run.json", wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {**dataclasses.asdict(LEDGER), "version": 99})
    with pytest.raises(PlatformError, match="version 99"):
        read_ledger(tmp_path / "run.json")


def test_a_progress_line_reads_back_and_other_lines_are_none() -> None:
    progress = Progress(records=3, bytes_done=5, bytes_total=None)
    assert parse_progress(format_progress(progress)) == progress
    assert [parse_progress(line) for line in ("", "log", '{"batchscore_progress":', '{"a":1}')] == [None] * 4


def test_messages_are_bounded_and_name_near_matches() -> None:
    assert len(bounded("x" * 5000, 100)) == 100
    assert near_matches("tenur", ["tenure", "x"]) == "did you mean 'tenure'?"
    assert near_matches("zzz", ["b", "a"]) == "valid: a, b"
    assert set(REASON_MEANINGS) == set(ReasonCode)


def _archive(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_an_artifact_is_checked_and_unpacked(tmp_path: Path) -> None:
    path = _archive(tmp_path / "model.tar.gz", ("./model.json", b"{}"), ("contract.json", CONTRACT))
    assert check_artifact(path).features == ("x",)
    unpack_artifact(path, tmp_path / "model")
    assert sorted(entry.name for entry in (tmp_path / "model").iterdir()) == ["contract.json", "model.json"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("contract.json", CONTRACT)], "expected exactly one model"),
        (
            [("model.json", b"{}"), ("model.ubj", b"{}"), ("contract.json", CONTRACT)],
            "expected exactly one model",
        ),
        ([("model.json", b"{}")], "has no contract.json"),
        ([("../model.json", b"{}")], "written outside its folder"),
        ([("/model.json", b"{}")], "written outside its folder"),
        ([("model.pkl", b"")], "may hold a pickle"),
        ([("model.json", b"{}"), ("contract.json", b"{")], "neither YAML nor JSON"),
        ([("model.json", b"{}"), ("contract.json", b" " * (5 * 1024 * 1024))], "at most 4194304 bytes"),
    ],
)
def test_an_archive_that_is_no_artifact_is_refused(
    members: list[tuple[str, bytes]], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(CallerError, match=expected):
        check_artifact(_archive(tmp_path / "model.tar.gz", *members))


def test_a_link_in_an_artifact_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("model.json")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(CallerError, match="link or a device"):
        unpack_artifact(tmp_path / "model.tar.gz", tmp_path / "model")


@pytest.mark.parametrize("damage", ["text", "short", "flipped", "missing"])
def test_a_damaged_archive_is_refused_and_named(damage: str, tmp_path: Path) -> None:
    random = bytes(number * number % 251 for number in range(100_000))
    path = _archive(tmp_path / "model.tar.gz", ("model.json", random), ("contract.json", CONTRACT))
    content = path.read_bytes()
    half = len(content) // 2
    damaged = {
        "text": b"no archive",
        "short": content[:half],
        "flipped": content[:half] + b"\xff" * 50 + content[half + 50 :],
    }
    path.write_bytes(damaged.get(damage, b""))
    if damage == "missing":
        path.unlink()
    with pytest.raises(CallerError, match=r"model\.tar\.gz"):
        check_artifact(path)


def test_the_contract_in_an_artifact_is_json_and_never_yaml(tmp_path: Path) -> None:
    """A few bytes of YAML aliases can stand for gigabytes, and an artifact comes from elsewhere."""
    members = (("model.json", b"{}"), ("contract.json", b"a: &a [x]\nb: [*a, *a]"))
    with pytest.raises(CallerError, match="neither YAML nor JSON"):
        check_artifact(_archive(tmp_path / "model.tar.gz", *members))


def test_new_files_are_as_private_as_the_umask_says(tmp_path: Path) -> None:
    """Scores and quarantine hold customer data."""
    before = os.umask(0o077)
    try:
        write_bytes(tmp_path / "scores", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "scores").stat().st_mode & 0o777 == 0o600


def test_an_archive_with_an_endless_name_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """`tarfile` reads the header of a long name whole, however long the archive says it is."""
    path = tmp_path / "model.tar.gz"
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 64 * 1024 * 1024
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(name.tobuf(tarfile.GNU_FORMAT) + bytes(name.size))
    with pytest.raises(CallerError, match="has a header of 67108864 bytes; refused"):
        check_artifact(path)
