"""A modelled transform job, added up by hand where nothing is left to chance, and bounded where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.aws.transform_chance import Chance
from runner.aws.transform_model import ObjectsToScore, TransformJob, TransformOutcome, simulate


def job(record_counts: list[int], **changes: Any) -> TransformJob:
    """Return a job in which a record is a byte and takes a second of a slot."""
    is_splittable = changes.pop("is_splittable", False)
    slots = changes.get("slot_count", 1)
    facts: dict[str, Any] = {
        "objects": ObjectsToScore(
            record_counts=np.array(record_counts, np.int64), bytes_per_record=1.0, is_splittable=is_splittable
        ),
        "instance_count": 1,
        "slot_count": 1,
        "records_per_second": slots,
        "max_payload_bytes": 100,
        **changes,
    }
    return TransformJob(**facts)


def simulated(record_counts: list[int], **changes: Any) -> TransformOutcome:
    return simulate(job(record_counts, **changes))


def test_waiting_is_not_paid_for_and_starting_is_by_all_instances() -> None:
    """Objects of 3 and 2 s on two instances: 3 s, and one is busy for two thirds of them."""
    found = simulated([3, 2], instance_count=2, waiting_seconds=100, start_seconds=7)
    assert (found.span_seconds, found.busy_fractions) == (3.0, (1.0, pytest.approx(2 / 3)))
    assert (found.makespan_seconds, found.billed_seconds) == (110.0, 10.0)
    assert found.instance_hours == pytest.approx(20 / 3600)


def test_requests_and_objects_take_time_beside_their_records() -> None:
    """Two objects of 10 s and, at 4 s a request and 5 s an object, 18 s more."""
    assert simulated([10, 10], payload_seconds=4, object_seconds=5).span_seconds == 38.0


def test_one_object_leaves_all_other_instances_idle() -> None:
    found = simulated([90], instance_count=4)
    assert found.busy_fractions == (1.0, 0.0, 0.0, 0.0)


def test_an_object_above_the_payload_limit_that_cannot_be_split_fails_and_the_others_do_not() -> None:
    """[doc] A record, or an object that SplitType None leaves whole, above the limit is an error."""
    found = simulated([101, 100])
    assert (found.unsendable_object_count, found.failed_object_count) == (1, 1)
    assert (found.scored_record_count, found.request_count, found.span_seconds) == (100, 1, 100.0)


def test_an_object_that_can_be_split_uses_all_slots_of_its_one_instance() -> None:
    """250 records are three payloads of 83 1/3, one for each slot."""
    found = simulated([250], instance_count=2, slot_count=3, is_splittable=True)
    assert (found.request_count, found.failed_object_count) == (3, 0)
    assert found.span_seconds == pytest.approx(250 / 3)
    assert found.busy_fractions == (pytest.approx(1.0), 0.0)


def test_a_record_above_the_payload_limit_cannot_be_split() -> None:
    assert simulated([5], is_splittable=True, max_payload_bytes=0).failed_object_count == 1


def test_a_request_that_always_fails_is_sent_again_and_then_its_object_fails() -> None:
    """All but certain to fail: the first request and two more, 10 s each, for each of two objects."""
    found = simulated([10, 10], chance=Chance(failure_fraction=1 - 1e-12, max_retries=2))
    assert (found.request_count, found.failed_object_count, found.scored_record_count) == (6, 2, 0)
    assert found.span_seconds == 60.0


def test_stragglers_take_longer() -> None:
    assert simulated([10], chance=Chance(straggler_fraction=1.0, straggler_slowdown=5)).span_seconds == 50.0


COUNTS = st.lists(st.integers(0, 150), max_size=40)
CHANCES = st.builds(
    Chance,
    seed=st.integers(0, 99),
    payload_spread=st.floats(0, 1),
    instance_spread=st.floats(0, 1),
    straggler_fraction=st.floats(0, 1),
    straggler_slowdown=st.floats(1, 9),
    failure_fraction=st.floats(0, 0.9),
    max_retries=st.integers(0, 3),
)


@given(
    counts=COUNTS,
    chance=CHANCES,
    instances=st.integers(1, 5),
    slots=st.integers(1, 4),
    is_splittable=st.booleans(),
)
def test_every_record_is_scored_once_or_in_an_object_that_failed(
    counts: list[int], chance: Chance, instances: int, slots: int, is_splittable: bool
) -> None:
    """And the same job with the same seed becomes the same."""
    shape = {"instance_count": instances, "slot_count": slots, "is_splittable": is_splittable}
    found = simulated(counts, chance=chance, **shape)
    assert found == simulated(counts, chance=chance, **shape)
    assert found.scored_record_count <= sum(counts)
    assert found.unsendable_object_count == (0 if is_splittable else sum(count > 100 for count in counts))
    assert found.unsendable_object_count <= found.failed_object_count <= len(counts)
    if not found.failed_object_count:
        assert found.scored_record_count == sum(counts)
    assert all(0 <= fraction <= 1 for fraction in found.busy_fractions)


@given(counts=COUNTS, instances=st.integers(1, 5), slots=st.integers(1, 4))
def test_without_chance_no_job_beats_its_work_over_all_slots(
    counts: list[int], instances: int, slots: int
) -> None:
    found = simulated(counts, instance_count=instances, slot_count=slots)
    work = sum(count for count in counts if count <= 100)
    assert found.span_seconds >= work / (instances * slots) - 1e-9
    assert found.scored_record_count == work


@given(count=st.integers(1, 100), slots=st.integers(1, 4))
def test_more_instances_never_take_longer_for_equal_objects(count: int, slots: int) -> None:
    spans = [
        simulated([7] * count, instance_count=instances, slot_count=slots).span_seconds
        for instances in range(1, 8)
    ]
    assert spans == sorted(spans, reverse=True)
