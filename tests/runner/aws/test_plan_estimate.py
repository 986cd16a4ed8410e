"""Shards, instances, time and cost of scoring, each added up by hand. The prices are made up."""

from __future__ import annotations

import pytest

from contracts.payload_limits import BYTES_PER_MB
from contracts.sizing import SizingRules
from runner.aws.plan_estimate import Estimate, Work, estimate

WORK = Work(record_count=8_000_000, byte_count=800_000_000, shard_bytes_per_record=1.0)


def _estimate(work: Work = WORK, price: float | None = 6.0, **rules: float) -> Estimate:
    wanted = {
        "max_instances": 10,
        "max_concurrency": 4,
        "deadline_seconds": 100,
        "records_per_second": 20_000,
    }
    sizes = SizingRules(max_payload_bytes=6 * BYTES_PER_MB, **{**wanted, **rules})  # type: ignore[arg-type]
    return estimate(work, "ml.m5.xlarge", sizes, price)


def test_instances_meet_the_deadline_and_all_are_paid_for_until_the_last_is_done() -> None:
    """128 shards of 62,500 records; 4 instances score 80,000 a second together, 100 s for all."""
    found = _estimate()
    assert (found.shard_count, found.instance_count) == (128, 4)
    assert found.scoring_seconds == pytest.approx(100.0)
    assert found.instance_hours == pytest.approx(400 / 3600)
    assert found.cost_usd == pytest.approx(6.0 * 400 / 3600)
    assert found.cost_per_million_usd == pytest.approx(6.0 * 400 / 3600 / 8)


def test_the_slot_that_has_one_shard_more_decides_the_time() -> None:
    """Four shards of 14 records on four slots: two slots have three, and the others four."""
    found = _estimate(Work(record_count=14, byte_count=1_400, shard_bytes_per_record=1.0))
    assert (found.shard_count, found.instance_count) == (4, 1)
    assert found.scoring_seconds == pytest.approx(4 / 5_000)
    assert found.least_busy_fraction == pytest.approx(14 / 16)


def test_large_inputs_keep_all_instances_of_a_plan_busy() -> None:
    """Also where the deadline asks for a number of instances that divides nothing."""
    work = Work(record_count=10**9 + 7, byte_count=10**11, shard_bytes_per_record=40.0)
    found = _estimate(work, max_instances=97, deadline_seconds=3600)
    assert found.instance_count == 14
    assert found.scoring_seconds <= 3600
    assert found.least_busy_fraction >= 0.95


def test_a_fixed_instance_count_is_what_is_paid_for() -> None:
    work = Work(record_count=100, byte_count=10_000, shard_bytes_per_record=1.0, fixed_instance_count=5)
    found = _estimate(work, max_instances=5)
    assert (found.instance_count, found.shard_count) == (5, 20)
    assert found.instance_hours == pytest.approx(5 * found.scoring_seconds / 3600)


def test_several_preparing_instances_each_cut_their_own_shards() -> None:
    work = Work(record_count=1_000_000, byte_count=10**8, shard_bytes_per_record=1.0, host_count=4)
    assert _estimate(work).shard_count % 4 == 0


def test_without_a_price_there_are_hours_and_no_cost() -> None:
    found = _estimate(price=None)
    assert found.instance_hours > 0
    assert found.cost_usd is None
    assert found.cost_per_million_usd is None
