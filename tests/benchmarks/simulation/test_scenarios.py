"""What becomes of each layout, as far as it follows from the rules and not from figures."""

from __future__ import annotations

import pytest

from benchmarks.simulation.assumptions import CHANCE, MAX_PAYLOAD_BYTES, SLOTS
from benchmarks.simulation.scenarios import INSTANCE_COUNTS, LAYOUTS, OURS, SIZES, job_of, outcome_of
from benchmarks.simulation.serving_speed import ServingSpeed, speed_through
from runner.aws.transform_chance import Chance
from runner.aws.transform_model import simulate

SPEED = ServingSpeed(payload_seconds=0.005, seconds_per_record=1e-6, bytes_per_record=50.0)
LAYOUT_OF = {layout.name: layout for layout in LAYOUTS}


@pytest.mark.parametrize("instances", INSTANCE_COUNTS)
@pytest.mark.parametrize("records", SIZES)
def test_our_shards_keep_every_instance_busy_and_fit_into_a_payload(records: int, instances: int) -> None:
    """By the records of shards, as they are planned; the times of objects and requests are not in a plan."""
    job = job_of(records, instances, OURS, SPEED, Chance())
    counts = job.objects.record_counts
    assert counts.sum() == records
    assert counts.max() * SPEED.bytes_per_record <= MAX_PAYLOAD_BYTES
    assert simulate(job).least_busy_fraction >= 0.95


def test_one_parquet_file_is_not_possible_above_the_payload_limit() -> None:
    found = outcome_of(10**6, 4, LAYOUT_OF["one file, Parquet"], SPEED, CHANCE)
    assert (found["is_possible"], found["scored_record_count"]) == (False, 0)


def test_one_file_of_csv_is_one_instances() -> None:
    found = outcome_of(10**6, 4, LAYOUT_OF["one file, CSV"], SPEED, CHANCE)
    assert (found["is_possible"], found["scored_record_count"], found["least_busy"]) == (True, 10**6, 0.0)


def test_small_files_pay_for_each() -> None:
    """A thousand objects on four slots: 250 rounds of 0.3 s for the object, 5 ms and 1,000 records."""
    found = outcome_of(10**6, 1, LAYOUT_OF["files of 1,000 records, Parquet"], SPEED, CHANCE)
    assert found["objects"] == 1000
    assert found["span_seconds_without_chance"] == pytest.approx(1000 / SLOTS * (0.3 + 0.005 + 0.001))


def test_the_same_seed_gives_the_same_outcome() -> None:
    assert outcome_of(10**7, 4, OURS, SPEED, CHANCE) == outcome_of(10**7, 4, OURS, SPEED, CHANCE)


def test_the_line_through_two_measurements_gives_request_and_record() -> None:
    speed = speed_through((1_000, 0.003), (50_000, 0.052), payload_bytes=100_000)
    assert speed.payload_seconds == pytest.approx(0.002)
    assert speed.seconds_per_record == pytest.approx(1e-6)
    assert speed.bytes_per_record == 2.0
