"""What cannot be measured without an account: assumed, with where each figure comes from."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.payload_limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB
from runner.aws.transform_chance import Chance


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """One assumed figure.

    Attributes:
        name: For people.
        value: With its unit, for people.
        source: Why it is taken.
    """

    name: str
    value: str
    source: str


WAITING_SECONDS = 300.0
START_SECONDS = 60.0
OBJECT_SECONDS = 0.3
SLOTS = 4
MAX_PAYLOAD_BYTES = DEFAULT_PAYLOAD_MB * BYTES_PER_MB
TRANSFORM_USD_PER_HOUR = 0.23
PREPARE_USD_PER_HOUR = 0.461
REPORT_USD_PER_HOUR = 0.23
SMALL_FILE_RECORDS = 1_000
SEED = 20261129

CHANCE = Chance(
    seed=SEED,
    payload_spread=0.1,
    instance_spread=0.05,
    straggler_fraction=0.01,
    straggler_slowdown=5.0,
    failure_fraction=0.001,
)

PREPARED_PER_SECOND = 5_000_000 / 1.35
REPORTED_PER_SECOND = 5_000_000 / 1.05
"""Measured: docs/performance.md, "What is left"."""

ASSUMPTIONS = (
    Assumption(
        name="waiting for instances, not paid for",
        value=f"{WAITING_SECONDS:.0f} s a job",
        source=(
            "aws/sagemaker-python-sdk#4358 tells of 8 min 17 s for a script of 30 s; that it is not "
            "paid for: API, DescribeTransformJob, TransformStartTime"
        ),
    ),
    Assumption(
        name="start of containers, paid for",
        value=f"{START_SECONDS:.0f} s a job",
        source="a guess; fourTheorem/podwhisperer#9 tells of some 8 min for a large image",
    ),
    Assumption(
        name="an object's own time",
        value=f"{OBJECT_SECONDS:.1f} s",
        source="S3 user guide, performance guidelines: 100 to 200 ms to a first byte; one read, one write",
    ),
    Assumption(
        name="slots of an instance",
        value=f"{SLOTS}, each as fast as a core of the machine that was measured on",
        source="the default of MaxConcurrentTransforms; an ml.m5.xlarge has four virtual processors",
    ),
    Assumption(
        name="largest payload",
        value=f"{DEFAULT_PAYLOAD_MB} MB",
        source="API, CreateTransformJob: the default of MaxPayloadInMB",
    ),
    Assumption(
        name="an instance hour",
        value=f"USD {TRANSFORM_USD_PER_HOUR} (scoring, report), USD {PREPARE_USD_PER_HOUR} (preparation)",
        source="the example of the parameter HourlyPricesUsd; `batchscore plan` asks for those of the day",
    ),
    Assumption(
        name="chance",
        value=(
            f"log-normal spread of {CHANCE.payload_spread} of a payload's time and "
            f"{CHANCE.instance_spread} of an instance's; {CHANCE.straggler_fraction:.0%} of payloads take "
            f"{CHANCE.straggler_slowdown:.0f} times as long; {CHANCE.failure_fraction:.1%} of requests fail "
            f"and are sent again, {CHANCE.max_retries} times at most; seed {CHANCE.seed}"
        ),
        source="made up, to show what it does",
    ),
)
