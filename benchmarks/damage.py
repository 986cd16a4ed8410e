"""Damage lines of CSV in the ways that a contract must notice, each with the reason it must be given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from contracts.quarantine import ReasonCode

TEXT, TENURE = 1, 5
"""Positions of a required text and of `tenure` in both customers' CSV, the example's and the benchmarks'."""


def _with_field(line: bytes, position: int, value: bytes) -> bytes:
    fields = line.split(b",")
    fields[position] = value
    return b",".join(fields)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    ReasonCode.WRONG_TYPE.value: lambda line: _with_field(line, TENURE, b"ten"),
    ReasonCode.MISSING_REQUIRED.value: lambda line: _with_field(line, TEXT, b""),
    ReasonCode.ABOVE_MAXIMUM.value: lambda line: _with_field(line, TENURE, b"999"),
    ReasonCode.WRONG_FIELD_COUNT.value: lambda line: line + b",too,many",
    ReasonCode.MALFORMED_RECORD.value: lambda line: _with_field(line, TEXT, b'"unclosed'),
    ReasonCode.INVALID_ENCODING.value: lambda line: _with_field(line, TEXT, b"\xff"),
}
"""What is done to a line, by the reason that it must be given."""

KINDS = tuple(DAMAGES)


def damage_counts(row_count: int, fraction: float) -> Counter[str]:
    """Return how many of `row_count` records are damaged when `fraction` of them is, by reason."""
    return Counter(KINDS[number % len(KINDS)] for number in range(int(row_count * fraction)))


def with_damage(lines: bytes, first_number: int, fraction: float) -> Iterator[bytes]:
    """Yield `lines` in pieces, with so many of them damaged, evenly spread, all kinds in turn.

    Args:
        lines: Whole lines, each with its line feed.
        first_number: 1-based number of the first record among all records of the file.
        fraction: How many are damaged; of the first n records of a file, n times that, rounded down.
    """
    ends = np.flatnonzero(np.frombuffer(lines, dtype=np.uint8) == ord("\n"))
    turns = (np.arange(first_number - 1, first_number + len(ends)) * fraction).astype(np.int64)
    done = 0
    for at in np.flatnonzero(np.diff(turns)):
        start = int(ends[at - 1]) + 1 if at else 0
        yield lines[done:start]
        done = int(ends[at])
        yield DAMAGES[KINDS[int(turns[at]) % len(KINDS)]](lines[start:done])
    yield lines[done:]
