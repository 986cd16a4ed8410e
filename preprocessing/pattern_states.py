"""Turn simple patterns into tables by which a text is judged byte by byte.

Goes in: a regular expression in RE2's syntax. Comes out: the states of a finite automaton that accepts
exactly those ASCII texts which the pattern matches as a whole; or None for what is not simple: anchors,
flags, Unicode classes, patterns that are not ASCII, or more than MAX_STATES states. RE2 itself judges those,
and every text that the table does not accept.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Iterator
from dataclasses import dataclass

MAX_STATES = 255
MAX_PARTS = 4_000
"""Of the automaton with choices from which the table is made."""

BYTE_COUNT = 128
_EVERY = frozenset(range(BYTE_COUNT))
_DIGITS = frozenset(string.digits.encode())
_WORD = frozenset((string.ascii_letters + string.digits + "_").encode())
_SPECIAL = frozenset("\\.^$|?*+()[]{}")
_CLASSES = {"d": _DIGITS, "D": _EVERY - _DIGITS, "w": _WORD, "W": _EVERY - _WORD}


@dataclass(frozen=True, kw_only=True)
class PatternStates:
    """A finite automaton over ASCII; state 0 is the one from which nothing is accepted, 1 the first.

    Attributes:
        following: The next state by state and byte, `BYTE_COUNT` bytes for each state.
        accepting: A byte for each state: 1 if a text may end in it, else 0.
    """

    following: bytes
    accepting: bytes


@functools.lru_cache(maxsize=256)
def pattern_states(pattern: str) -> PatternStates | None:
    """Return the automaton of a valid pattern, or None if it is not simple."""
    try:
        parser = _Parser(pattern)
        return _determined(parser.graph, *parser.whole())
    except _NotSimpleError:
        return None


class _NotSimpleError(Exception):
    """The pattern needs a regular expression engine."""


class _Graph:
    """An automaton with choices: steps by a byte of a set, and steps without one."""

    def __init__(self) -> None:
        self.by_byte: list[list[tuple[frozenset[int], int]]] = []
        self.free: list[list[int]] = []

    def part(self) -> int:
        """Add a part and return its number."""
        if len(self.free) >= MAX_PARTS:
            raise _NotSimpleError
        self.by_byte.append([])
        self.free.append([])
        return len(self.free) - 1

    def reached(self, parts: frozenset[int]) -> frozenset[int]:
        """Return the parts that are reached from `parts` without a byte, these included."""
        found, waiting = set(parts), list(parts)
        while waiting:
            for following in self.free[waiting.pop()]:
                if following not in found:
                    found.add(following)
                    waiting.append(following)
        return frozenset(found)


_Piece = tuple[int, int]
"""First and last part of what a piece of the pattern became."""


class _Parser:
    """Reads a pattern from left to right into a graph (Thompson's construction)."""

    def __init__(self, pattern: str) -> None:
        if not pattern.isascii():
            raise _NotSimpleError
        self.graph = _Graph()
        self._pattern = pattern
        self._at = 0

    def whole(self) -> _Piece:
        """Read all of the pattern."""
        piece = self._choice()
        if self._at != len(self._pattern):
            raise _NotSimpleError
        return piece

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self, wanted: str) -> bool:
        is_there = self._pattern.startswith(wanted, self._at)
        self._at += len(wanted) if is_there else 0
        return is_there

    def _choice(self) -> _Piece:
        pieces = [self._sequence()]
        while self._take("|"):
            pieces.append(self._sequence())
        return self._either(pieces)

    def _either(self, pieces: list[_Piece]) -> _Piece:
        first, last = self.graph.part(), self.graph.part()
        for start, end in pieces:
            self.graph.free[first].append(start)
            self.graph.free[end].append(last)
        return first, last

    def _sequence(self) -> _Piece:
        first = last = self.graph.part()
        while self._peek() not in ("", "|", ")"):
            start, end = self._repeated()
            self.graph.free[last].append(start)
            last = end
        return first, last

    def _repeated(self) -> _Piece:
        begun = self._at
        piece = self._atom()
        finished = self._at
        bounds = self._bounds()
        if bounds is None:
            return piece
        if self._peek() in ("*", "+", "?", "{"):  # lazy ones match the same texts, but are not read here
            raise _NotSimpleError
        least, most = bounds
        after = self._at
        copies = [piece] if most != 0 else []
        for _ in range((max(least, 1) if most is None else most) - 1):
            self._at = begun
            copies.append(self._atom())
            if self._at != finished:
                raise _NotSimpleError
        self._at = after
        return self._copies(copies, least, has_end=most is not None)

    def _copies(self, copies: list[_Piece], least: int, *, has_end: bool) -> _Piece:
        """Join copies of a piece, `least` of which must be there; without an end, the last recurs."""
        first, last = self.graph.part(), self.graph.part()
        at = first
        for number, (start, end) in enumerate(copies):
            if number >= least:
                self.graph.free[at].append(last)
            self.graph.free[at].append(start)
            at = end
        self.graph.free[at].append(last)
        if not has_end:
            start, end = copies[-1]
            self.graph.free[end].append(start)
        return first, last

    def _bounds(self) -> tuple[int, int | None] | None:
        """Read how often the atom before may occur: at least and at most."""
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        if not self._take("{"):
            return None
        least, comma, most = self._until("}").partition(",")
        if not least.isdigit() or not (most.isdigit() or not most):
            raise _NotSimpleError
        if not comma:
            return int(least), int(least)
        if most and int(least) > int(most):
            raise _NotSimpleError
        return int(least), int(most) if most else None

    def _until(self, end: str) -> str:
        found = self._pattern.find(end, self._at)
        if found < 0:
            raise _NotSimpleError
        text = self._pattern[self._at : found]
        self._at = found + 1
        return text

    def _atom(self) -> _Piece:
        if self._take("("):
            self._take("?:")
            if self._peek() in ("?", "*"):
                raise _NotSimpleError
            piece = self._choice()
            if not self._take(")"):
                raise _NotSimpleError
            return piece
        first, last = self.graph.part(), self.graph.part()
        self.graph.by_byte[first].append((self._byte_set(), last))
        return first, last

    def _byte_set(self) -> frozenset[int]:
        if self._take("["):
            return self._class()
        if self._take("."):
            return _EVERY - {ord("\n")}
        if self._take("\\"):
            return self._escaped()
        sign = self._peek()
        if not sign or sign in _SPECIAL:
            raise _NotSimpleError
        self._at += 1
        return frozenset(sign.encode())

    def _escaped(self) -> frozenset[int]:
        sign = self._peek()
        self._at += 1
        if sign in _CLASSES:
            return _CLASSES[sign]
        if not sign or sign not in string.punctuation:
            raise _NotSimpleError
        return frozenset(sign.encode())

    def _class(self) -> frozenset[int]:
        is_negative = self._take("^")
        members: set[int] = set()
        for lowest, highest in self._ranges():
            if len(lowest) == 1 and len(highest) == 1:
                members.update(range(min(lowest), max(highest) + 1))
            else:
                members |= lowest
        return _EVERY - members if is_negative else frozenset(members)

    def _ranges(self) -> Iterator[tuple[frozenset[int], frozenset[int]]]:
        is_first = True
        while is_first or not self._take("]"):
            lowest = highest = self._member()
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                highest = self._member()
                if len(lowest) != 1 or len(highest) != 1 or min(lowest) > min(highest):
                    raise _NotSimpleError
            is_first = False
            yield lowest, highest

    def _member(self) -> frozenset[int]:
        if self._take("\\"):
            return self._escaped()
        sign = self._peek()
        if not sign or sign in "[]^":
            raise _NotSimpleError
        self._at += 1
        return frozenset(sign.encode())


def _determined(graph: _Graph, first: int, last: int) -> PatternStates:
    """Return the automaton without choices (subset construction)."""
    start = graph.reached(frozenset([first]))
    numbers: dict[frozenset[int], int] = {frozenset(): 0, start: 1}
    following = [bytes(BYTE_COUNT)]
    waiting = [start]
    for parts in waiting:
        row = bytearray(BYTE_COUNT)
        for byte, targets in _targets(graph, parts).items():
            reached = graph.reached(frozenset(targets))
            if reached not in numbers:
                if len(numbers) > MAX_STATES:
                    raise _NotSimpleError
                numbers[reached] = len(numbers)
                waiting.append(reached)
            row[byte] = numbers[reached]
        following.append(bytes(row))
    return PatternStates(following=b"".join(following), accepting=bytes(last in parts for parts in numbers))


def _targets(graph: _Graph, parts: frozenset[int]) -> dict[int, set[int]]:
    targets: dict[int, set[int]] = {}
    for part in parts:
        for byte_set, target in graph.by_byte[part]:
            for byte in byte_set:
                targets.setdefault(byte, set()).add(target)
    return targets
