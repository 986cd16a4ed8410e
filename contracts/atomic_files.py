"""Write files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

PARTIAL_SUFFIX = ".partial"
"""Ending of the hidden file that becomes the real one; left behind only by a process that was killed."""


@contextmanager
def whole_file(path: Path, *, is_durable: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that takes its place when the block ends without an error.

    Args:
        path: The file; its folder is made if it is not there.
        is_durable: The content is on the disk before it takes its place, so that the power may fail too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as stream:
            yield stream
            if is_durable:
                stream.flush()
                os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes | memoryview, *, is_durable: bool = False) -> None:
    """Write `content` to `path`, whole or not at all."""
    with whole_file(path, is_durable=is_durable) as stream:
        stream.write(content)


def write_json(path: Path, document: Any, *, is_durable: bool = False) -> None:
    """Write `document` as indented JSON with a final newline, whole or not at all."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode(), is_durable=is_durable)
