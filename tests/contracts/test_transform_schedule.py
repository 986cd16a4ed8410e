"""Objects are dealt out once, slots take them in turn, and what comes of it can be added up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.transform_schedule import balance, deal, slot_ends

LENGTHS = st.lists(st.floats(0, 100), min_size=1, max_size=60)


def test_the_nth_object_is_instance_n_modulo_their_number() -> None:
    assert deal(["a", "b", "c", "d", "e"], 2) == [["a", "c", "e"], ["b", "d"]]


def test_an_instance_may_get_nothing() -> None:
    assert deal(["a"], 3) == [["a"], [], []]


@given(objects=st.lists(st.integers()), instances=st.integers(1, 12))
def test_every_object_is_dealt_to_exactly_one_instance(objects: list[int], instances: int) -> None:
    shares = deal(objects, instances)
    assert len(shares) == instances
    assert sorted(item for share in shares for item in share) == sorted(objects)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_free_slot_takes_the_next_payload() -> None:
    """5 and 1 start; the slot with 1 takes 2, then 3: it ends at 6."""
    assert sorted(slot_ends(np.array([5.0, 1.0, 2.0, 3.0]), 2)) == [5.0, 6.0]


def test_the_busy_fraction_counts_idle_slots() -> None:
    """Three equal objects on two instances with one slot: two rounds, of which the second has one."""
    found = balance(np.ones(3), instance_count=2, slot_count=1)
    assert (found.span_seconds, found.busy_fractions) == (2.0, (1.0, 0.5))
    assert found.least_busy_fraction == 0.5


def test_nothing_to_do_takes_no_time() -> None:
    found = balance(np.array([]), instance_count=2, slot_count=3)
    assert (found.span_seconds, found.busy_fractions) == (0.0, (1.0, 1.0))


@given(lengths=LENGTHS, instances=st.integers(1, 6), slots=st.integers(1, 6))
def test_no_schedule_beats_the_work_over_all_slots_and_none_is_longer_than_the_work(
    lengths: list[float], instances: int, slots: int
) -> None:
    found = balance(np.array(lengths), instances, slots)
    work = sum(lengths)
    assert work / (instances * slots) - 1e-9 <= found.span_seconds <= work + 1e-9
    assert max(lengths) <= found.span_seconds + 1e-9
    busy = sum(found.busy_fractions) * slots * found.span_seconds
    assert work == 0 or busy == pytest.approx(work)


@given(count=st.integers(1, 200), slots=st.integers(1, 8))
def test_more_instances_never_take_longer_for_equal_objects(count: int, slots: int) -> None:
    spans = [balance(np.ones(count), instances, slots).span_seconds for instances in range(1, 12)]
    assert spans == sorted(spans, reverse=True)
