"""An archive from elsewhere is refused in words, and before anything of it is written."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest
from tiny_artifact import write_archive, write_artifact

from contracts import model_artifact
from contracts.errors import CallerError
from contracts.model_artifact import check_artifact, find_contract, unpack_artifact

MIB = 1024 * 1024


def member(name: str, kind: bytes = tarfile.REGTYPE, *, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    """Write a sound file first, so that a test can see whether anything was written."""
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as target:
        for each in (member("sound.txt"), *members):
            target.addfile(each, io.BytesIO(bytes(each.size)))
    return path


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ([member("a", tarfile.SYMTYPE, link="/etc/passwd")], "is a link or a device"),
        ([member("a", tarfile.LNKTYPE, link="sound.txt")], "is a link or a device"),
        ([member("a", tarfile.CHRTYPE)], "is a link or a device"),
        ([member("a", tarfile.BLKTYPE)], "is a link or a device"),
        ([member("a", tarfile.FIFOTYPE)], "is a link or a device"),
        ([member("/etc/a")], "written outside its folder"),
        ([member("a/../../b")], "written outside its folder"),
        ([member("..", tarfile.DIRTYPE)], "written outside its folder"),
        ([member("./sound.txt")], "stands where another member is"),
        ([member("sound.txt", tarfile.DIRTYPE)], "stands where another member is"),
        ([member("sound.txt/a")], "stands where another member is"),
        ([member("a/b"), member("a")], "stands where another member is"),
        ([member("n" * 256)], "has no usable name"),
        ([member("a.pkl")], "may hold a pickle"),
        ([member(f"n{number}") for number in range(1000)], "more than 1000 members"),
        ([member("zeros", size=80 * MIB)], "would unpack to more than"),
    ],
)
def test_what_may_not_be_unpacked_is_refused_before_anything_is_written(
    bad: list[tarfile.TarInfo], expected: str, tmp_path: Path
) -> None:
    """Neither inside the folder nor outside of it, though the first member was sound."""
    path = archive(tmp_path / "model.tar.gz", *bad)
    with pytest.raises(CallerError, match=expected):
        unpack_artifact(path, tmp_path / "model" / "folder")
    assert list(tmp_path.iterdir()) == [path]


TEBIBYTE = 1024**4


def old_sparse_member(name: str, claimed_bytes: int) -> bytes:
    """Return a member in GNU's old sparse form: 512 bytes, then a hole up to the claimed size."""
    header = member(name, tarfile.GNUTYPE_SPARSE, size=512)
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (0, 512)
    block[483:495] = tarfile.itn(claimed_bytes, 12, tarfile.GNU_FORMAT)
    block[148:156] = b" " * 8  # as which the checksum counts itself
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + b"x" * 512


@pytest.mark.parametrize("claimed_bytes", [1024, TEBIBYTE])
def test_holes_of_the_old_kind_are_refused(claimed_bytes: int, tmp_path: Path) -> None:
    """512 bytes that would become a tebibyte on disk, or only twice as many."""
    sound = member("sound.txt").tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(sound + old_sparse_member("model.json", claimed_bytes) + bytes(1024)))
    with pytest.raises(CallerError, match=r"or has holes; refused|would unpack to more than"):
        unpack_artifact(path, tmp_path / "model")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("claimed_bytes", [1024, TEBIBYTE])
@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.map": "0,1"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "model.json"},
    ],
)
def test_holes_of_the_new_kinds_are_refused(
    headers: dict[str, str], claimed_bytes: int, tmp_path: Path
) -> None:
    """They hide in the extended headers (forms 0.1 and 1.0), the claimed size with them."""
    size_key = "GNU.sparse.realsize" if "GNU.sparse.major" in headers else "GNU.sparse.size"
    sparse = member("model.json", size=512)
    sparse.pax_headers = {**headers, size_key: str(claimed_bytes)}
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as target:
        target.addfile(member("sound.txt"))
        target.addfile(sparse, io.BytesIO(b"1\n0\n1\n".ljust(512, b"\0")))
    with pytest.raises(CallerError, match=r"or has holes; refused|would unpack to more than"):
        unpack_artifact(path, tmp_path / "model")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_may_stand_twice_and_after_what_is_in_it(tmp_path: Path) -> None:
    """Some programs that make archives write them so."""
    folder = member("a", tarfile.DIRTYPE)
    unpack_artifact(archive(tmp_path / "model.tar.gz", member("a/b"), folder, folder), tmp_path / "model")
    assert sorted(entry.name for entry in (tmp_path / "model").rglob("*")) == ["a", "b", "sound.txt"]


def test_members_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may be small enough by itself."""
    monkeypatch.setattr(model_artifact, "MAX_UNPACKED_BYTES", 1000)
    path = archive(tmp_path / "model.tar.gz", member("a", size=600), member("b", size=600))
    with pytest.raises(CallerError, match="would unpack to more than 1000 bytes; refused"):
        unpack_artifact(path, tmp_path / "model")


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    """Each long name may be followed by another one, and `tarfile` follows them all."""
    header = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=5)
    with gzip.open(tmp_path / "model.tar.gz", "wb", compresslevel=1) as stream:
        stream.write((header.tobuf(tarfile.GNU_FORMAT) + b"name\0".ljust(512, b"\0")) * 5000)
    with pytest.raises(CallerError, match=r"model\.tar\.gz"):
        unpack_artifact(tmp_path / "model.tar.gz", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_damage_anywhere_is_refused_in_words(tmp_path: Path) -> None:
    """300 archives with a few changed bytes: each is unpacked, or refused as the caller's fault."""
    sound = gzip.decompress(archive(tmp_path / "sound.tar.gz", member("n" * 120), member("b")).read_bytes())
    chosen = random.Random(4)  # noqa: S311 - the same damage every time
    path = tmp_path / "model.tar.gz"
    for number in range(300):
        content = bytearray(sound[:4096])
        for _ in range(chosen.randint(1, 6)):
            content[chosen.randrange(len(content))] = chosen.randrange(256)
        path.write_bytes(gzip.compress(bytes(content), 1))
        try:
            unpack_artifact(path, tmp_path / str(number))
        except CallerError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - both outcomes are right


def test_a_model_alone_is_an_artifact_for_a_container_that_is_not_ours(tmp_path: Path) -> None:
    """For ours it lacks the contract."""
    path = write_archive(tmp_path / "model.tar.gz", {"./model.json": b"{}"})
    assert find_contract(path) is None
    with pytest.raises(CallerError, match=r"has no contract\.json"):
        check_artifact(path)


def test_a_model_alone_is_alone(tmp_path: Path) -> None:
    """[src] AWS's built-in XGBoost container loads every file as a model."""
    path = write_archive(tmp_path / "model.tar.gz", {"model.json": b"{}", "baseline.json": b"{}"})
    with pytest.raises(CallerError, match=r"has no contract\.json, but baseline\.json beside the model"):
        find_contract(path)


@pytest.mark.parametrize("name", ["xgboost-model", "xgboost-model-0"])
def test_what_aws_s_training_jobs_write_is_told_the_way_out(name: str, tmp_path: Path) -> None:
    """[src] It has no suffix, and may be in a format that only its own version reads."""
    path = write_archive(tmp_path / "model.tar.gz", {name: b"binf"})
    expected = r"found none; xgboost-model is what AWS's training jobs write: .*save_model\('model\.json'\)"
    with pytest.raises(CallerError, match=expected):
        find_contract(path)


def test_folders_in_the_archive_are_no_files_beside_the_model(tmp_path: Path) -> None:
    """`tar -czf model.tar.gz -C folder .` begins with one."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "model.json").write_bytes(b"{}")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as target:
        target.add(tmp_path / "folder", ".")
    assert find_contract(tmp_path / "model.tar.gz") is None


def test_a_contract_that_is_there_is_found(tmp_path: Path) -> None:
    path = write_artifact(tmp_path / "model.tar.gz")
    assert find_contract(path) == check_artifact(path)
