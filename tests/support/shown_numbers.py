"""Find in a ledger what a page's `<data data-of="timing-prepare_seconds">` may show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

PLACES = {
    "headline": (),
    "quality-scored": ("counts", "scored"),
    "metric": ("quality",),
    "reason": ("reason_counts",),
    "timing": ("timings",),
    "score": ("report", "scores"),
    "cost": ("report", "cost"),
}
"""Where a name's first words lead in a ledger that calls the same something else. The longest counts."""


def ledger_numbers(ledger: Any, name: str) -> set[float]:
    """Return the numbers that the ledger has under a name of the page, empty if it has nothing of that name.

    The name leads along keys, with other keys between: `timing-prepare_seconds` is `timings.prepare_seconds`,
    `threshold-precision` would be `report.threshold.precision`. A key may end in `_count` (`labelled` is
    `labelled_count`), and what ends in a list is the list's length. Only the places nearest to the top count.
    A name that begins with `report.` is the very path, with positions in lists.
    """
    if name.startswith("report."):
        return {_at(ledger, name.split("."))}
    place, rest = _split(name)
    words = [*place, *([rest] if rest else [])]
    found = _found(ledger, words) or _found(ledger, [*place, *rest.split("-")])
    nearest = min((depth for depth, _ in found), default=0)
    return {number for depth, number in found if depth == nearest}


def _at(value: Any, path: Sequence[str]) -> float:
    for key in path:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return float(value)


def _split(name: str) -> tuple[Sequence[str], str]:
    for start in sorted(PLACES, key=len, reverse=True):
        if name == start or name.startswith(f"{start}-"):
            return PLACES[start], name[len(start) + 1 :]
    return (), name


def _found(ledger: Any, words: Sequence[str]) -> list[tuple[int, float]]:
    return [(len(path), number) for path, number in _numbers(ledger, ()) if _leads_to(words, path)]


def _leads_to(words: Sequence[str], path: Sequence[str]) -> bool:
    keys = iter(path)
    return all(any(_is_called(key, word) for key in keys) for word in words) and _is_called(
        path[-1], words[-1]
    )


def _is_called(key: str, word: str) -> bool:
    return key.replace("-", "_").removesuffix("_count") == word.replace("-", "_").removesuffix("_count")


def _numbers(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, key))
    elif isinstance(value, list):
        yield path, float(len(value))
        for inner in value:
            yield from _numbers(inner, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)
