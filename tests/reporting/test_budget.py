"""What was held back is told beside what may be held back."""

from __future__ import annotations

import pytest

from contracts.errors import CallerError
from contracts.ledger import RunCounts
from reporting.budget import QuarantineBudget, held_back_words, read_budget

COUNTS = RunCounts(read=7043, valid=7032, quarantined=11, scored=7032)
NO_LIMIT = "2147483647"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ""),
        ({"MaxQuarantineFraction": "0.01"}, "; the budget is 1%"),
        ({"MaxQuarantineFraction": "0.01", "MaxQuarantineCount": NO_LIMIT}, "; the budget is 1%"),
        ({"MaxQuarantineCount": "500"}, "; the budget is 500 records"),
        (
            {"MaxQuarantineFraction": "0.025", "MaxQuarantineCount": "11"},
            "; the budget is 2.5% and 11 records",
        ),
        ({"MaxQuarantineFraction": "0.001"}, "; more than the budget of 0.1%"),
        ({"MaxQuarantineCount": "1"}, "; more than the budget of 1 record"),
    ],
)
def test_the_budget_follows_what_was_held_back(parameters: dict[str, str], expected: str) -> None:
    """A count that bounds nothing is not told."""
    sentence = read_budget(parameters).beside(held_back_words(COUNTS), COUNTS)
    assert sentence == f"11 of 7,043 (0.16%) held back{expected}"


def test_a_record_held_back_is_never_told_as_nothing() -> None:
    counts = RunCounts(read=1_000_000, valid=999_999, quarantined=1, scored=999_999)
    assert held_back_words(counts) == "1 of 1,000,000 (less than 0.01%) held back"


def test_both_bounds_are_inclusive() -> None:
    counts = RunCounts(read=100, valid=99, quarantined=1, scored=99)
    assert QuarantineBudget(max_fraction=0.01, max_count=1).is_kept(counts)
    assert not QuarantineBudget(max_count=0).is_kept(counts)


@pytest.mark.parametrize(
    "parameters",
    [{"MaxQuarantineFraction": "1%"}, {"MaxQuarantineCount": "-1"}, {"MaxQuarantineFraction": "nan"}],
)
def test_a_bound_that_is_no_number_is_named(parameters: dict[str, str]) -> None:
    (name,) = parameters
    with pytest.raises(CallerError, match=name):
        read_budget(parameters)
