"""Find the source objects below the input folder, in the order of their keys, and open them.

The order is S3's: by the UTF-8 bytes of the key. Which files are data at all, `contracts.source_names` says.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from contracts.errors import CallerError, PlatformError
from contracts.source_names import is_data
from preprocessing.records import OpenSource

GZIP_SUFFIX = ".gz"
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One source object on disk.

    Attributes:
        source_key: Its path below the input folder, with `/`.
        path: Where it is.
        byte_count: Its size as delivered.
    """

    source_key: str
    path: Path
    byte_count: int


def find_source_files(folder: Path) -> list[SourceFile]:
    """Return the source objects below `folder` by key; none is no error here.

    Raises:
        CallerError: A key is not UTF-8, as S3 would have it.
    """
    keys = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    files = [
        SourceFile(source_key=key, path=path, byte_count=path.stat().st_size)
        for key, path in keys.items()
        if is_data(key)
    ]
    return sorted(files, key=lambda file: _key_bytes(file.source_key))


def _key_bytes(key: str) -> bytes:
    try:
        return key.encode()
    except UnicodeEncodeError as error:
        shown = key.encode(errors="backslashreplace").decode()
        raise CallerError(f"{shown}: the name is not UTF-8; rename the file") from error


@contextmanager
def open_source(file: SourceFile) -> Iterator[OpenSource]:
    """Open a source object, decompressing it if it is compressed.

    Raises:
        CallerError: It may not be read, or is damaged.
        PlatformError: It was changed or taken away between being found and being read to its end, so that
            what was read may be neither the old nor the new.
    """
    try:
        with unchanged(file), file.path.open("rb", buffering=0) as raw:
            yield OpenSource(source_key=file.source_key, stream=_decompressed(file, raw), bytes_done=raw.tell)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise CallerError(
            f"{file.source_key}: is no gzip data, or damaged: {error}; deliver it again, or rename it if it "
            "is not compressed"
        ) from error
    except PermissionError as error:
        raise CallerError(f"{file.source_key}: cannot be read: {error.strerror}") from error


@contextmanager
def unchanged(file: SourceFile) -> Iterator[None]:
    """Make sure that a source object stays as it was found while it is read, in whatever format.

    An error of the reader is replaced if the object was changed: then that is the likely cause.

    Raises:
        PlatformError: Its size is not what it was when it was found, or its size, its time of modification
            or the file itself is another one at the end; or it is gone.
    """
    before = _file_state(file)
    try:
        if before[0] != file.byte_count:
            raise source_changed(file)
        yield
    except (CallerError, OSError, EOFError, zlib.error) as error:
        if _file_state(file) != before:
            raise source_changed(file) from error
        raise
    if _file_state(file) != before:
        raise source_changed(file)


def _file_state(file: SourceFile) -> tuple[int, int, int]:
    """Return size, time of modification and identity of a source object."""
    try:
        state = file.path.stat()
    except FileNotFoundError as error:
        raise PlatformError(
            f"{file.source_key}: disappeared while it was read; let whoever writes it finish, then run again"
        ) from error
    return state.st_size, state.st_mtime_ns, state.st_ino


def source_changed(file: SourceFile) -> PlatformError:
    """Return the error for a source object that is not what it was when the run began to read it."""
    return PlatformError(
        f"{file.source_key}: was changed while it was read; let whoever writes it finish, then run again"
    )


def is_compressed(file: SourceFile) -> bool:
    """Whether a source object is gzip-compressed: its name, which ends in `.gz`, or its bytes say so."""
    return file.source_key.lower().endswith(GZIP_SUFFIX) or first_bytes(file, len(_GZIP_MAGIC)) == _GZIP_MAGIC


def first_bytes(file: SourceFile, byte_count: int) -> bytes:
    """Return the first bytes of a source object as delivered; fewer if it is shorter.

    Raises:
        CallerError: It may not be read.
    """
    try:
        with file.path.open("rb") as stream:
            return stream.read(byte_count)
    except PermissionError as error:
        raise CallerError(f"{file.source_key}: cannot be read: {error.strerror}") from error
    except FileNotFoundError:
        return b""  # whoever opens it says so


def _decompressed(file: SourceFile, raw: io.FileIO) -> BinaryIO:
    if is_compressed(file):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    return cast("BinaryIO", raw)
