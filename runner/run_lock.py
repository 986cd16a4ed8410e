"""Who executes a run holds its lock, so that nobody else does, and everybody can see that somebody does.

The operating system lets go of the lock when its holder is gone, however that came about, also after the
machine was started anew and the process id means somebody else.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import CallerError

LOCK_FILE = "lock"

_TRIES = 10
_WAIT_SECONDS = 0.05
"""Whoever looks whether a lock is held holds it for a moment."""


@contextmanager
def held(run_folder: Path) -> Iterator[None]:
    """Hold the lock of the run in `run_folder` for as long as the block lasts.

    Raises:
        CallerError: Another process holds it.
    """
    with (run_folder / LOCK_FILE).open("ab") as file:
        for _ in range(_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_WAIT_SECONDS)
            else:
                break
        else:
            raise CallerError(
                f"run {run_folder.name} is being executed by another process; wait for its end, or stop it"
            )
        yield


def is_held(run_folder: Path) -> bool | None:
    """Return whether somebody holds the lock of a run; None where the run never had one."""
    try:
        with (run_folder / LOCK_FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return True
    return False
