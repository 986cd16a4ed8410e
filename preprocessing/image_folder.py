"""Read loose image files: all of them below the input are one source object.

A million files would otherwise be a million source objects of one record each, with a block and a line in
the report for every one. The source object is called after the folder that all of them lie below.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from preprocessing.image_blocks import ImageBlock, ImageFile, image_blocks
from preprocessing.source_objects import SourceFile, is_loose_image, source_changed, walk_files


def read_image_folder(
    folder: SourceFile, input_format: str, contract: DatasetContract, max_record_bytes: int
) -> Iterator[ImageBlock]:
    """Yield the blocks of loose image files, in the order of their keys.

    Args:
        folder: As `find_source_files` found it.
        input_format: As it was found by.
        contract: Has fields for path and bytes.
        max_record_bytes: Of path and bytes together.

    Raises:
        CallerError: A file may not be read.
        PlatformError: The files are not those that were found.
    """
    walk = _Walk(folder, input_format)
    yield from image_blocks(walk, contract, max_record_bytes, lambda: walk.byte_count)
    if (walk.file_count, walk.byte_count) != (folder.image_count, folder.byte_count):
        raise source_changed(folder)


class _Walk:
    """Walks through the files again and counts them.

    Attributes:
        file_count: Files so far.
        byte_count: Their bytes.
    """

    def __init__(self, folder: SourceFile, input_format: str) -> None:
        self._folder, self._input_format = folder, input_format
        self.file_count = self.byte_count = 0

    def __iter__(self) -> Iterator[ImageFile]:
        for found in walk_files(self._folder.path):
            if is_loose_image(found.source_key, self._input_format):
                self.file_count += 1
                self.byte_count += found.byte_count
                yield ImageFile(
                    name=found.source_key,
                    byte_count=found.byte_count,
                    byte_offset=None,
                    read=partial(_read, found),
                )


def _read(file: SourceFile, byte_count: int) -> bytes:
    """Return the first bytes of a file, so many at most."""
    try:
        with file.path.open("rb", buffering=0) as stream:
            is_same = os.fstat(stream.fileno()).st_size == file.byte_count
            content = stream.read(byte_count)
    except FileNotFoundError as error:
        raise source_changed(file) from error
    except PermissionError as error:
        raise CallerError(f"{file.source_key}: cannot be read: {error.strerror}") from error
    if not is_same or len(content) < min(byte_count, file.byte_count):
        raise source_changed(file)
    return content
