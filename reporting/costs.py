"""Time and cost of a run by step, and for a million records where the run is large enough to tell.

Times are what the report can see: that of preparation as the plan states it, its own, and for the rest of
the run scoring with the start-up of all jobs. Cost is that time, times instances, times the price of an hour
of the instance type from the pipeline parameter HourlyPricesUsd; without a price there is no cost, never a
guess. AWS bills each job by its own seconds, so that these figures are an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.errors import CallerError

PRICES_PARAMETER = "HourlyPricesUsd"
MILLION = 1_000_000
MIN_RECORDS_TO_SCALE = 100_000
"""Of fewer, a run is mostly start-up, which a million records do not take so many times."""


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """What one step took.

    Attributes:
        name: For people.
        key: Of its time in the ledger's timings.
        seconds: Wall time.
        instance_type: Of its instances; empty if no parameter says.
        instance_count: Instances that it ran on.
        instance_hours: Both together.
        usd: Their price, or None if it is not known.
    """

    name: str
    key: str
    seconds: float
    instance_type: str
    instance_count: int
    instance_hours: float
    usd: float | None


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """Time and cost of a run.

    Attributes:
        steps: In their order.
        seconds: Of the whole run, from its start.
        seconds_per_million: Of the whole run, for a million records read; None below MIN_RECORDS_TO_SCALE.
        usd: Of all steps, or None if the price of one is not known.
        usd_per_million: For a million records read, or None.
        notes: What is not known, and why.
    """

    steps: tuple[StepCost, ...]
    seconds: float
    seconds_per_million: float | None
    usd: float | None
    usd_per_million: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """One step as the run sees it: see StepCost."""

    name: str
    key: str
    seconds: float
    type_parameter: str
    instance_count: int


def run_cost(
    times: tuple[StepTime, ...], parameters: Mapping[str, str], *, seconds: float, record_count: int
) -> RunCost:
    """Add up what a run took.

    Args:
        times: Its steps.
        parameters: Of the pipeline, by name.
        seconds: Of the whole run.
        record_count: Records read.
    """
    fault, prices = "", {}
    try:
        prices = read_prices(parameters.get(PRICES_PARAMETER, ""))
    except CallerError as error:  # when everything is scored, a price is no reason to fail
        fault = f"Cost was not computed: {error}."
    steps = tuple(_step(time, parameters, prices) for time in times)
    known = [step.usd for step in steps if step.usd is not None]
    usd = sum(known) if len(known) == len(steps) else None
    millions = record_count / MILLION if record_count >= MIN_RECORDS_TO_SCALE else 0.0
    return RunCost(
        steps=steps,
        seconds=seconds,
        seconds_per_million=seconds / millions if millions else None,
        usd=usd,
        usd_per_million=usd / millions if usd is not None and millions else None,
        notes=(fault,) if fault else tuple(_notes(steps, has_prices=bool(prices))),
    )


def read_prices(text: str) -> dict[str, float]:
    """Return USD an hour by instance type from `ml.m5.xlarge=0.23, ml.m5.4xlarge=0.922`.

    Raises:
        CallerError: It is written otherwise, or a price is no number of at least 0.
    """
    prices = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, price = entry.partition("=")
        try:
            usd = float(price)
        except ValueError:
            usd = -1.0
        if not name.strip() or not 0 <= usd < math.inf:
            raise CallerError(
                f"{PRICES_PARAMETER} has {entry!r}; expected `type=USD an hour`, such as ml.m5.xlarge=0.23"
            )
        prices[name.strip()] = usd
    return prices


def _step(time: StepTime, parameters: Mapping[str, str], prices: Mapping[str, float]) -> StepCost:
    instance_type = parameters.get(time.type_parameter, "")
    hours = time.seconds * time.instance_count / 3600
    price = prices.get(instance_type)
    return StepCost(
        name=time.name,
        key=time.key,
        seconds=time.seconds,
        instance_type=instance_type,
        instance_count=time.instance_count,
        instance_hours=hours,
        usd=None if price is None else hours * price,
    )


def _notes(steps: tuple[StepCost, ...], *, has_prices: bool) -> list[str]:
    if not has_prices:
        return [f"Cost was not computed: the parameter {PRICES_PARAMETER} names no price of an hour."]
    absent = dict.fromkeys(step.instance_type or "an unknown type" for step in steps if step.usd is None)
    if absent:
        return [f"Cost was not computed in full: {PRICES_PARAMETER} has no price for {', '.join(absent)}."]
    return []
