"""Folders behave as S3 does where it matters."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from small_machine import put

from contracts.errors import CallerError
from emulator.object_store import ObjectStore

pytestmark = pytest.mark.functional


def test_a_prefix_is_a_string_prefix(tmp_path: Path) -> None:
    """[doc] `s3://b/test` also matches a sibling `test_output`; `s3://b/test/` does not."""
    store = ObjectStore(tmp_path)
    for key in ("test/a", "test/deep/b", "test_output/c", "other/d"):
        put(store, f"s3://b/{key}", b"x")

    assert [entry.uri for entry in store.list("s3://b/test")] == [
        "s3://b/test/a",
        "s3://b/test/deep/b",
        "s3://b/test_output/c",
    ]
    assert [entry.uri for entry in store.list("s3://b/test/")] == ["s3://b/test/a", "s3://b/test/deep/b"]


def test_a_whole_bucket_can_be_listed(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    put(store, "s3://b/a", b"xyz")

    assert [(entry.uri, entry.byte_count) for entry in store.list("s3://b")] == [("s3://b/a", 3)]
    assert store.list("s3://nobody/") == []


def test_moving_in_replaces_an_object_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    put(store, "s3://b/k/x", b"old")
    source = tmp_path / "new"
    source.write_bytes(b"new")

    store.move_in(source, "s3://b/k/x")

    assert store.path_of("s3://b/k/x").read_bytes() == b"new"
    assert [path.name for path in store.path_of("s3://b/k").iterdir()] == ["x"]
    assert not source.exists()


def test_a_file_of_another_file_system_is_copied_in_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(tmp_path / "objects")
    source = tmp_path / "new"
    source.write_bytes(b"new")
    replace = Path.replace

    def replace_here(path: Path, target: Path) -> Path:
        if path == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replace_here)

    store.move_in(source, "s3://b/k/x")

    assert [path.name for path in store.path_of("s3://b/k").iterdir()] == ["x"]
    assert store.path_of("s3://b/k/x").read_bytes() == b"new"
    assert not source.exists()


def test_a_file_that_is_still_being_written_is_no_object(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    put(store, "s3://b/k/.x.123.partial", b"half")

    assert store.list("s3://b/k/") == []


@pytest.mark.parametrize(
    "uri", ["s3://b/../c", "s3://b/./c", "s3://b//c", "/etc/passwd", "s3://", "s3://../x"]
)
def test_a_key_that_could_leave_the_folder_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(CallerError, match=r"part|not an s3"):
        ObjectStore(tmp_path).path_of(uri)


@pytest.mark.parametrize("target", ["nowhere", "gone", "b/k/x/under"])
def test_a_link_to_nothing_is_named(tmp_path: Path, target: str) -> None:
    put(ObjectStore(tmp_path), "s3://b/k/x", b"x")
    (tmp_path / "b" / "k" / "gone").symlink_to(target)

    with pytest.raises(CallerError, match="gone: is a link to nothing"):
        ObjectStore(tmp_path).list("s3://b/k/")
