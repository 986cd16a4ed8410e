"""The comparison of model and emulator, added up by hand; no real time is asserted."""

from __future__ import annotations

import pytest

from benchmarks.simulation import validation
from benchmarks.simulation.emulated import Served


def test_objects_are_uneven_and_begin_with_their_key() -> None:
    objects = validation.uneven_objects()
    assert len(objects) == validation.OBJECTS
    assert all(content[:32].decode().strip() == key for key, content in objects.items())
    assert len({len(content) for content in objects.values()}) > validation.OBJECTS // 2


def test_the_model_gives_the_work_of_all_objects() -> None:
    objects = validation.uneven_objects()
    found = validation.modelled(objects, 1)
    work = sum(map(len, objects.values())) * validation.SECONDS_PER_BYTE
    busy = found.busy_fractions[0] * found.span_seconds * validation.SLOTS
    assert busy == pytest.approx(work + validation.OBJECTS * validation.SECONDS_PER_REQUEST)


def test_errors_are_fractions_of_what_the_emulator_took() -> None:
    modelled = validation.modelled(validation.uneven_objects(), 1)
    busy = modelled.busy_fractions[0] * modelled.span_seconds * validation.SLOTS
    served = Served(names=(), busy_seconds=busy * 2, span_seconds=modelled.span_seconds * 4)
    found = validation.compare([served], modelled)
    assert found["span_error_fraction"] == pytest.approx(-0.75)
    assert found["largest_busy_error_fraction"] == pytest.approx(0.5)
