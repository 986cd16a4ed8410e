"""Folders that stand for S3: `s3://bucket/key` is `<root>/bucket/key`.

A prefix is a *string* prefix, as in S3: `s3://b/test` also matches `s3://b/test_output/x` [doc]. A folder in
a bucket may be a symbolic link that the local runner made to a folder of its user. An object appears whole
or not at all.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.atomic_files import PARTIAL_SUFFIX, whole_file
from contracts.errors import CallerError

SCHEME = "s3://"

_COPIED_BYTES = 1024 * 1024
"""At once, from another file system."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object.

    Attributes:
        uri: Its full `s3://` URI.
        path: The file that holds it.
        byte_count: Its size.
    """

    uri: str
    path: Path
    byte_count: int


class ObjectStore:
    """An object store below one folder.

    Attributes:
        root: Has one folder a bucket.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, uri: str) -> Path:
        """Return the file or folder that a URI stands for.

        Raises:
            CallerError: It is no `s3://` URI, or its key could leave the bucket's folder.
        """
        if not uri.startswith(SCHEME):
            raise CallerError(f"{uri!r} is not an s3:// URI")
        parts = uri[len(SCHEME) :].rstrip("/").split("/")
        if not parts[0] or any(part in ("", ".", "..") for part in parts):
            raise CallerError(f"{uri!r} has an empty, `.` or `..` part, which no folder can stand for")
        return self.root.joinpath(*parts)

    def list(self, prefix_uri: str) -> list[StoredObject]:
        """Return the objects whose URI starts with `prefix_uri`, in key order; none is no error."""
        folder_uri = prefix_uri[: prefix_uri.rindex("/") + 1]
        if folder_uri == SCHEME:
            folder_uri = prefix_uri + "/"
        folder = self.path_of(folder_uri)
        base = folder_uri.rstrip("/")
        found = (
            StoredObject(uri=f"{base}/{path.relative_to(folder).as_posix()}", path=path, byte_count=size)
            for path, size in _files(folder)
        )
        return sorted(
            (entry for entry in found if entry.uri.startswith(prefix_uri)), key=lambda entry: entry.uri
        )

    def move_in(self, source: Path, uri: str) -> None:
        """Make the file `source` the object at `uri`, whole or not at all; `source` is gone afterwards."""
        target = self.path_of(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with source.open("rb") as content, whole_file(target) as stream:  # from another file system
                shutil.copyfileobj(content, stream, _COPIED_BYTES)
            source.unlink()


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield every file below `folder` with its size; linked folders are not entered."""
    for path, _, names in os.walk(folder):
        for name in names:
            if not (name.startswith(".") and name.endswith(PARTIAL_SUFFIX)):
                file = Path(path, name)
                try:
                    yield file, file.stat().st_size
                except OSError as error:
                    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                        raise
                    raise CallerError(f"{file}: is a link to nothing; remove it or mend it") from error
