"""Cost is time, instances and a price that was given; never a guess."""

from __future__ import annotations

import pytest

from contracts.errors import CallerError
from reporting.costs import StepTime, read_prices, run_cost

TIMES = (
    StepTime(name="Preparation", key="prepare", seconds=1800, type_parameter="First", instance_count=1),
    StepTime(name="Scoring", key="score", seconds=3600, type_parameter="Second", instance_count=4),
)
TYPES = {"First": "ml.a", "Second": "ml.b"}


def test_time_instances_and_price_make_the_cost() -> None:
    prices = {"HourlyPricesUsd": "ml.a=0.5, ml.b=2"}
    cost = run_cost(TIMES, TYPES | prices, seconds=5400, record_count=2_000_000)
    assert [(step.instance_hours, step.usd) for step in cost.steps] == [(0.5, 0.25), (4.0, 8.0)]
    assert (cost.usd, cost.usd_per_million, cost.seconds_per_million) == (8.25, 4.125, 2700.0)
    assert cost.notes == ()


def test_without_prices_there_is_no_cost_and_a_word_about_it() -> None:
    cost = run_cost(TIMES, TYPES, seconds=5400, record_count=0)
    assert (cost.usd, cost.usd_per_million, cost.seconds_per_million) == (None, None, None)
    assert cost.notes == ("Cost was not computed: the parameter HourlyPricesUsd names no price of an hour.",)


@pytest.mark.parametrize(("record_count", "seconds"), [(99_999, None), (100_000, 54_000.0)])
def test_of_a_small_run_nothing_is_said_of_a_million_records(
    record_count: int, seconds: float | None
) -> None:
    """It is mostly start-up."""
    prices = {"HourlyPricesUsd": "ml.a=0.5, ml.b=2"}
    cost = run_cost(TIMES, TYPES | prices, seconds=5400, record_count=record_count)
    assert cost.usd == 8.25
    assert cost.seconds_per_million == seconds
    assert (cost.usd_per_million is None) == (seconds is None)


def test_a_type_without_a_price_is_named() -> None:
    cost = run_cost(TIMES, TYPES | {"HourlyPricesUsd": "ml.a=1"}, seconds=1, record_count=1)
    assert cost.usd is None
    assert "no price for ml.b" in cost.notes[0]


def test_wrong_prices_are_a_note_and_no_failure() -> None:
    """Everything is scored by then."""
    cost = run_cost(TIMES, TYPES | {"HourlyPricesUsd": "cheap"}, seconds=1, record_count=1)
    assert cost.usd is None
    assert cost.notes[0].startswith("Cost was not computed: HourlyPricesUsd has 'cheap'; expected")


@pytest.mark.parametrize("text", ["ml.a", "ml.a=cheap", "=1", "ml.a=-1", "ml.a=inf", "ml.a=nan"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(CallerError, match="expected `type=USD an hour`"):
        read_prices(text)
