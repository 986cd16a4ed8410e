"""Find the source objects below the input folder, in the order of their keys, and open them.

The order is S3's: by the UTF-8 bytes of the key. Left out are names that begin with a dot, the empty
marker `_SUCCESS` and the summaries `_metadata` and `_common_metadata`, which tools leave beside data;
everything else is data.
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

from contracts.errors import CallerError
from preprocessing.csv_blocks import CsvSource

MARKER_NAMES = ("_SUCCESS", "_metadata", "_common_metadata")
GZIP_SUFFIX = ".gz"


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
    """Return the source objects below `folder` by key; none is no error here."""
    files = [
        SourceFile(source_key=path.relative_to(folder).as_posix(), path=path, byte_count=path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name not in MARKER_NAMES
    ]
    return sorted(files, key=lambda file: file.source_key.encode(errors="surrogateescape"))


@contextmanager
def open_source(file: SourceFile) -> Iterator[CsvSource]:
    """Open a source object, decompressing it if its name ends in `.gz`, in any case.

    Raises:
        CallerError: It may not be read, or is damaged.
    """
    try:
        with file.path.open("rb", buffering=0) as raw:
            yield CsvSource(source_key=file.source_key, stream=_decompressed(file, raw), bytes_done=raw.tell)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise CallerError(
            f"{file.source_key}: the gzip data is damaged: {error}; deliver it again"
        ) from error
    except (PermissionError, FileNotFoundError) as error:
        raise CallerError(f"{file.source_key}: cannot be read: {error.strerror}") from error


def _decompressed(file: SourceFile, raw: io.FileIO) -> BinaryIO:
    if file.source_key.lower().endswith(GZIP_SUFFIX):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    return cast("BinaryIO", raw)
