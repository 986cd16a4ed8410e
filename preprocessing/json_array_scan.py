"""Find where the elements of a JSON array end, read by read, without parsing them.

Goes in: the bytes after the opening bracket, in pieces of any size. Comes out, for each piece: the positions
of the commas between elements and of the closing bracket. Strings and brackets are followed across pieces;
whether an element is JSON is not looked at. The work is vectorised over the bytes that matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

QUOTE, BACKSLASH, COMMA = b'"\\,'
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_MATTERS = _STEPS != 0
_MATTERS[[QUOTE, COMMA]] = True


@dataclass(frozen=True, kw_only=True)
class ArrayBounds:
    """What ends elements in one piece.

    Attributes:
        ends: Positions of the commas between elements, and of the bracket that closes the array.
        is_closed: The last of them is that bracket.
    """

    ends: np.ndarray
    is_closed: bool


class ArrayScan:
    """Follows one array from its opening bracket on.

    Attributes:
        depth: Brackets that are open; 1 between and before elements, 0 after the end.
        is_in_string: The last byte seen belongs to a string that goes on.
    """

    def __init__(self) -> None:
        self.depth = 1
        self.is_in_string = False
        self._is_escaping = False

    def feed(self, content: bytes) -> ArrayBounds:
        """Look at the next bytes; nothing may be fed after the end."""
        values = np.frombuffer(content, dtype=np.uint8)
        positions = np.flatnonzero(_MATTERS[values])
        kinds = values[positions]
        is_quote = kinds == QUOTE
        if self._is_escaping or BACKSLASH in content:
            is_quote[is_quote] = ~self._escaped(content, values, positions[is_quote])
        is_inside = (np.cumsum(is_quote, dtype=np.int32) + self.is_in_string) & 1 == 1
        steps = np.where(is_inside, np.int8(0), _STEPS[kinds])
        depths = self.depth + np.cumsum(steps, dtype=np.int32)
        closed = np.flatnonzero(depths <= 0)[:1]
        is_end = (kinds == COMMA) & (depths == 1) & ~is_inside
        is_end[closed] = True
        ends = positions[is_end]
        if len(positions):
            self.depth, self.is_in_string = int(depths[-1]), bool(is_inside[-1])
        if len(closed):
            self.depth, ends = 0, ends[ends <= positions[closed[0]]]
        return ArrayBounds(ends=ends, is_closed=bool(len(closed)))

    def _escaped(self, content: bytes, values: np.ndarray, quotes: np.ndarray) -> np.ndarray:
        """Return which quotes follow an odd number of backslashes, counting those of the pieces before."""
        slashes = np.flatnonzero(values == BACKSLASH)
        is_run_start = np.diff(slashes, prepend=-2) != 1
        run_starts = slashes[is_run_start]
        runs = np.searchsorted(run_starts, quotes, side="right") - 1
        last_slash = np.searchsorted(slashes, quotes) - 1
        is_after = np.zeros(len(quotes), dtype=bool)
        has_slash = last_slash >= 0
        is_after[has_slash] = slashes[last_slash[has_slash]] == quotes[has_slash] - 1
        lengths = np.where(is_after, quotes - run_starts[runs] if len(runs) and len(run_starts) else 0, 0)
        reaches_start = lengths == quotes
        escaped = (lengths + (reaches_start & self._is_escaping)) & 1 == 1
        trailing = len(content) - len(content.rstrip(b"\\"))
        carried = self._is_escaping and trailing == len(content)
        self._is_escaping = (trailing + carried) & 1 == 1
        return np.asarray(escaped)
