"""Which instance of a transform job gets which object, and when each is done. Arithmetic, no files.

Whole objects are dealt out in key order before anything starts, and no instance ever takes another's [doc:
"Use batch transform", partitioned by key; the service does not say how, the emulator and this deal them in
turn]. An instance has slots, the requests that it may have in flight (`MaxConcurrentTransforms`); each slot
that becomes free takes the instance's next payload.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Object = TypeVar("Object")
Seconds: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, kw_only=True)
class Balance:
    """How evenly a job keeps its instances busy.

    Attributes:
        span_seconds: From the first payload to the end of the last one, on any instance.
        busy_fractions: Of each instance: its slots' seconds of work, of those that they have in the span.
    """

    span_seconds: float
    busy_fractions: tuple[float, ...]

    @property
    def least_busy_fraction(self) -> float:
        """Of the instance that has least to do."""
        return min(self.busy_fractions)


def deal(objects: Sequence[Object], instance_count: int) -> list[Sequence[Object]]:
    """Return each instance's objects: the n-th in key order is instance n's, modulo their number."""
    return [objects[number::instance_count] for number in range(instance_count)]


def balance(seconds: Seconds, instance_count: int, slot_count: int) -> Balance:
    """Return what comes of objects that are one payload each.

    Args:
        seconds: That a slot needs for each object, in key order.
        instance_count: At least 1.
        slot_count: Of each instance, at least 1.
    """
    shares = [seconds[number::instance_count] for number in range(instance_count)]
    return balance_of(shares, slot_count)


def balance_of(shares: Sequence[Seconds], slot_count: int) -> Balance:
    """Return what comes of payloads that are dealt out already: the seconds of each instance's, in turn."""
    span = max(float(slot_ends(share, slot_count).max()) for share in shares)
    available = span * slot_count
    busy = (float(share.sum()) / available if available else 1.0 for share in shares)
    return Balance(span_seconds=span, busy_fractions=tuple(min(1.0, fraction) for fraction in busy))


def slot_ends(seconds: Seconds, slot_count: int) -> Seconds:
    """Return when each slot of one instance is done, if each that becomes free takes the next payload.

    Args:
        seconds: Of each payload, in the order in which they are taken.
        slot_count: At least 1.
    """
    import numpy as np  # noqa: PLC0415 - who only deals objects out needs none, and starts sooner

    ends = [0.0] * slot_count
    for length in seconds.tolist():
        heapq.heapreplace(ends, ends[0] + length)
    return np.array(ends)
