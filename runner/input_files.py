"""Find the files that a person means by a path, and refuse what would silently be left out."""

from __future__ import annotations

import os
from pathlib import Path

from contracts.errors import CallerError


def input_files(path: Path, option: str) -> list[Path]:
    """Return the file at `path`, or every file of the folder at `path`, nested ones included.

    Args:
        path: A file or a folder; may itself be a link.
        option: What the person gave it as, for messages.

    Raises:
        CallerError: There is nothing, a file cannot be read, or a link inside leads nowhere or to a folder
            (links are not followed, so its files would be left out).
    """
    try:
        is_there = path.exists()
    except OSError as error:
        raise CallerError(f"{option} {path}: cannot be read: {error.strerror}") from error
    if not is_there:
        raise CallerError(f"{option} {path}: does not exist")
    try:
        entries = sorted(path.rglob("*")) if path.is_dir() else [path]
    except OSError as error:
        raise CallerError(f"{option} {error.filename}: cannot be read: {error.strerror}") from error
    for entry in entries:
        if entry.is_symlink() and not entry.exists():
            raise CallerError(f"{option} {entry}: is a link to nothing; remove it or mend it")
        if entry.is_symlink() and entry.is_dir() and entry != path:
            raise CallerError(
                f"{option} {entry}: is a link to a folder, which is not followed; "
                f"give that folder to {option} itself, or put its files there"
            )
        if not os.access(entry, os.R_OK):
            raise CallerError(f"{option} {entry}: cannot be read; check its permissions")
    return [entry for entry in entries if entry.is_file()]
