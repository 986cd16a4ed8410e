"""Compare the model with the emulator: real transform jobs on 1, 2 and 4 instances, with servers that sleep.

Objects are uneven on purpose. Their sizes are drawn from a seed, and every fourth is five times as large, so
that with two or four instances one gets all large ones.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine, keep_result
from benchmarks.simulation.emulated import Served, run_emulated
from runner.aws.transform_model import ObjectsToScore, TransformJob, TransformOutcome, simulate

RESULT_NAME = "simulation_validation"
INSTANCE_COUNTS = (1, 2, 4)
SLOTS = 2
OBJECTS = 48
SECONDS_PER_BYTE = 1e-5
SECONDS_PER_REQUEST = 0.1
SMALLEST_BYTES, LARGEST_BYTES = 5_000, 60_000
SEED = 11


def uneven_objects() -> dict[str, bytes]:
    """Return objects that begin with their key."""
    sizes = np.random.default_rng(SEED).integers(SMALLEST_BYTES, LARGEST_BYTES, OBJECTS)
    sizes[::4] *= 5
    keys = [f"object-{number:03d}" for number in range(OBJECTS)]
    return {key: f"{key:<32}".encode().ljust(int(size), b".") for key, size in zip(keys, sizes, strict=True)}


def modelled(objects: dict[str, bytes], instance_count: int) -> TransformOutcome:
    """Return what the model says of a job; a byte takes the place of a record."""
    sizes = np.array([len(objects[key]) for key in sorted(objects)], np.int64)
    return simulate(
        TransformJob(
            objects=ObjectsToScore(record_counts=sizes, bytes_per_record=1.0),
            instance_count=instance_count,
            slot_count=SLOTS,
            records_per_second=SLOTS / SECONDS_PER_BYTE,
            max_payload_bytes=6 * 1024 * 1024,
            payload_seconds=SECONDS_PER_REQUEST,
        )
    )


def compare(served: list[Served], outcome: TransformOutcome) -> dict[str, Any]:
    """Return what the emulator took and what the model said, as it is kept.

    Servers come up one after the other, which the model does not know: an instance's span counts from its
    own first request.
    """
    span = max(instance.span_seconds for instance in served)
    busy = [instance.busy_seconds for instance in served]
    said = [fraction * SLOTS * outcome.span_seconds for fraction in outcome.busy_fractions]
    return {
        "instances": len(served),
        "emulated_span_seconds": span,
        "modelled_span_seconds": outcome.span_seconds,
        "span_error_fraction": outcome.span_seconds / span - 1,
        "emulated_busy_seconds": busy,
        "modelled_busy_seconds": said,
        "largest_busy_error_fraction": max(
            abs(model / emulated - 1) for model, emulated in zip(said, busy, strict=True)
        ),
    }


def validate() -> dict[str, Any]:
    """Run all jobs, print and keep the comparison, and return it."""
    objects = uneven_objects()
    speed = {"SECONDS_PER_BYTE": str(SECONDS_PER_BYTE), "SECONDS_PER_REQUEST": str(SECONDS_PER_REQUEST)}
    found = []
    for instance_count in INSTANCE_COUNTS:
        with tempfile.TemporaryDirectory(prefix="batchscore-simulation-") as name:
            served = run_emulated(Path(name), objects, instance_count, SLOTS, **speed)
        found.append(compare(served, modelled(objects, instance_count)))
        last = found[-1]
        print(
            f"{instance_count} instances: emulator {last['emulated_span_seconds']:.2f} s, model "
            f"{last['modelled_span_seconds']:.2f} s ({last['span_error_fraction']:+.1%}); busy time of an "
            f"instance differs by at most {last['largest_busy_error_fraction']:.1%}"
        )
    result = {"objects": OBJECTS, "slots": SLOTS, "jobs": found, "machine": describe_machine()}
    print(f"kept in {keep_result(RESULT_NAME, result)}")
    return result
