"""The error budget of a run, as its pipeline parameters state it, beside what was held back.

The pipeline has judged the budget before anything was scored (CheckErrorBudget); the report only says how
near the run came to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from contracts.errors import CallerError
from contracts.ledger import RunCounts

MAX_FRACTION_PARAMETER = "MaxQuarantineFraction"
MAX_COUNT_PARAMETER = "MaxQuarantineCount"

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, kw_only=True)
class QuarantineBudget:
    """How many records may be held back.

    Attributes:
        max_fraction: Of the records read, in [0, 1], inclusive; None if no parameter states it.
        max_count: Records, inclusive; None if no parameter states it.
    """

    max_fraction: float | None = None
    max_count: int | None = None

    def is_kept(self, counts: RunCounts) -> bool:
        """Whether no more was held back than either bound allows."""
        is_fraction_kept = self.max_fraction is None or counts.quarantined <= self.max_fraction * counts.read
        return is_fraction_kept and (self.max_count is None or counts.quarantined <= self.max_count)

    def beside(self, claim: str, counts: RunCounts) -> str:
        """Return a claim about what was held back, and the budget after it if one was stated."""
        words = self._words(counts)
        return f"{claim}; {words}" if words else claim

    def _words(self, counts: RunCounts) -> str:
        """Return a clause such as `the budget is 1% and 500 records`, or nothing if no bound was stated.

        A count that the run's records cannot exceed is left out: it bounds nothing.
        """
        bounds = [] if self.max_fraction is None else [f"{100 * self.max_fraction:.6g}%"]
        if self.max_count is not None and self.max_count < counts.read:
            bounds.append(f"{self.max_count:,} {'record' if self.max_count == 1 else 'records'}")
        if not bounds:
            return ""
        claim = "the budget is" if self.is_kept(counts) else "more than the budget of"
        return f"{claim} {' and '.join(bounds)}"


def read_budget(parameters: Mapping[str, str]) -> QuarantineBudget:
    """Return the budget that the pipeline parameters state, each of which may be absent.

    Raises:
        CallerError: A bound is stated, but is no number of its kind.
    """
    return QuarantineBudget(
        max_fraction=_bound(parameters, MAX_FRACTION_PARAMETER, float, "a number in [0, 1], such as 0.01"),
        max_count=_bound(parameters, MAX_COUNT_PARAMETER, int, "a whole number"),
    )


def held_back_words(counts: RunCounts) -> str:
    """Return a clause such as `11 of 7,043 (0.16%) held back`."""
    return f"{counts.quarantined:,} of {counts.read:,} ({fraction_words(counts)}) held back"


def fraction_words(counts: RunCounts) -> str:
    """Return the part of the records that was held back; never `0.00%` if there are any."""
    fraction = counts.quarantined / max(1, counts.read)
    return "less than 0.01%" if 0 < fraction < 0.0001 else f"{fraction:.2%}"


def _bound(
    parameters: Mapping[str, str], name: str, kind: Callable[[str], Number], expected: str
) -> Number | None:
    text = parameters.get(name)
    if not text:
        return None
    try:
        bound = kind(text)
    except ValueError as error:
        raise CallerError(f"{name} is {text!r}; expected {expected}") from error
    if not bound >= 0:
        raise CallerError(f"{name} is {text!r}; expected {expected}")
    return bound
