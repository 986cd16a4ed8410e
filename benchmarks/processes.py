"""Do something large in a process of its own.

A process that is started counts the memory of the one that started it as its own until it becomes what it is
to be: a measuring program must stay small for the peaks of what it starts to mean anything.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Done = TypeVar("Done")


def in_another_process(work: Callable[..., Done], *arguments: Any) -> Done:
    """Return `work(*arguments)`, done by another process that has ended when this returns."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()
