"""Run work on a few threads and hand the results on in the order in which the work was given.

At most `window` pieces of work are unfinished or uncollected at once, which bounds memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Given = TypeVar("Given")
Done = TypeVar("Done")


def ordered_map(
    executor: Executor, work: Callable[[Given], Done], given: Iterable[Given], window: int
) -> Iterator[Done]:
    """Yield `work(piece)` for each piece, in order, taking from `given` only as results are collected."""
    waiting: deque[Future[Done]] = deque()
    for piece in given:
        waiting.append(executor.submit(work, piece))
        if len(waiting) >= window:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
