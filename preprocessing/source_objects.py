"""Find the source objects below the input folder, in the order of their keys, and open them.

The order is S3's: by the UTF-8 bytes of the key. Which files are data at all, `contracts.source_names` says.
Loose image files are one source object together (`image_folder`).
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from contracts.errors import CallerError, PlatformError
from contracts.image_names import format_of_name, is_archive
from contracts.source_names import is_data
from preprocessing.records import OpenSource

GZIP_SUFFIX = ".gz"
AUTO_FORMAT = "auto"
IMAGES_FORMAT = "images"
HERE = "./"
"""The key of loose images that have no folder in common below the input."""

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One source object on disk.

    Attributes:
        source_key: Its path below the input folder, with `/`; of loose images, their common folder's.
        path: Where it is; of loose images, the input folder.
        byte_count: Its size as delivered.
        image_count: Of loose images, how many there are; 0 for anything else.
    """

    source_key: str
    path: Path
    byte_count: int
    image_count: int = 0


def find_source_files(folder: Path, input_format: str = AUTO_FORMAT) -> list[SourceFile]:
    """Return the source objects below `folder` by key; none is no error here.

    Args:
        folder: The input.
        input_format: Of all of them, or AUTO_FORMAT.

    Raises:
        CallerError: A key is not UTF-8, as S3 would have it, or a folder may not be read.
    """
    files: list[SourceFile] = []
    common, image_bytes, image_count = "", 0, 0
    for file in walk_files(folder):
        if is_loose_image(file.source_key, input_format):
            parent = file.source_key.rpartition("/")[0]
            common = os.path.commonpath([common, parent]) if image_count else parent
            image_bytes, image_count = image_bytes + file.byte_count, image_count + 1
        else:
            files.append(file)
    if image_count:
        key = f"{common}/" if common else HERE
        images = SourceFile(source_key=key, path=folder, byte_count=image_bytes, image_count=image_count)
        files = sorted((*files, images), key=lambda file: file.source_key.encode())
    return files


def is_loose_image(key: str, input_format: str) -> bool:
    """Say whether a file is read with all other image files, as one source object."""
    if input_format == IMAGES_FORMAT:
        return not is_archive(key)
    return input_format == AUTO_FORMAT and format_of_name(key) is not None


def walk_files(folder: Path, prefix: str = "") -> Iterator[SourceFile]:
    """Yield the files below a folder that are data, in the order of their keys.

    Memory is bounded by the largest single folder, whatever the number of files. Links to folders are not
    followed.

    Args:
        folder: Where to look.
        prefix: What the keys begin with.

    Raises:
        CallerError: As for `find_source_files`.
    """
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=_key_bytes)
    except PermissionError as error:
        raise CallerError(f"{prefix or folder}: cannot be read: {error.strerror}") from error
    for entry in ordered:
        key = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from walk_files(Path(entry.path), key + "/")
        elif entry.is_file() and is_data(key):
            yield SourceFile(source_key=key, path=Path(entry.path), byte_count=entry.stat().st_size)


def _key_bytes(entry: os.DirEntry[str]) -> bytes:
    """Return the name as it stands in keys: that of a folder has a `/` behind it."""
    try:
        return entry.name.encode() + (b"/" if entry.is_dir(follow_symlinks=False) else b"")
    except UnicodeEncodeError as error:
        shown = entry.name.encode(errors="backslashreplace").decode()
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
