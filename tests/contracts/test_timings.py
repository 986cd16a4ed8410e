"""Container code says where its time went; whoever reads the log believes no number that is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from contracts.stopwatch import Stopwatch
from contracts.timings import Timings, format_timings, parse_timings

TIMINGS = Timings(
    seconds=2.5,
    processor_seconds=3.0,
    peak_memory_bytes=1024,
    parts={"read": 0.5, "write": 1.0},
    thread_seconds={"check": 4.0},
)


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_timings_come_back_from_their_line() -> None:
    """With the parts in their order, and below a microsecond rounded."""
    line = format_timings(TIMINGS)

    assert "\n" not in line
    assert parse_timings(line) == TIMINGS
    assert list(parse_timings(line).parts) == ["read", "write"]  # type: ignore[union-attr]  # see above


@pytest.mark.parametrize(
    "line",
    [
        "",
        "log",
        '{"batchscore_timings":',
        '{"batchscore_timings":3}',
        '{"batchscore_timings":{"seconds":1}}',
        format_timings(TIMINGS).replace("2.5", "NaN"),
        format_timings(TIMINGS).replace("0.5", "-0.5"),
        format_timings(TIMINGS).replace("4.0", "Infinity"),
        format_timings(TIMINGS).replace('{"read":0.5,"write":1.0}', "[1]"),
    ],
)
def test_any_other_line_says_nothing(line: str) -> None:
    """A number that is not finite, or below zero, would break the record that it was kept in."""
    assert parse_timings(line) is None


def test_time_counts_for_the_innermost_part_alone() -> None:
    """So parts add up, wherever one is begun inside another; and each stands where it first began."""
    clock = Clock()
    stopwatch = Stopwatch(clock)
    clock.now += 1
    with stopwatch.part("wait"):
        clock.now += 2
        with stopwatch.part("write"):
            clock.now += 4
        clock.now += 8

    assert stopwatch.parts == {"wait": 10, "write": 4}
    assert (stopwatch.begun("wait"), stopwatch.begun("write"), stopwatch.seconds) == (1, 3, 15)


def test_getting_a_value_counts_and_using_it_does_not() -> None:
    """What a loop does with the values that it is given is the loop's."""
    clock = Clock()
    stopwatch = Stopwatch(clock)

    def blocks() -> list[int]:
        values = []
        for value in stopwatch.each("read", slow()):
            clock.now += 100
            values.append(value)
        return values

    def slow() -> object:
        for value in (1, 2):
            clock.now += 1
            yield value

    assert blocks() == [1, 2]  # type: ignore[comparison-overlap]  # see slow
    assert stopwatch.parts == {"read": 2}


def test_thread_seconds_stand_apart_from_parts() -> None:
    """They are added up over calls, also of one that failed, and count for no part."""
    clock = Clock()
    stopwatch = Stopwatch(clock)

    def work(seconds: float) -> float:
        clock.now += seconds
        return 1 / (seconds - 3)

    timed = stopwatch.timed("check", work)
    assert timed(2) == -1
    with pytest.raises(ZeroDivisionError):
        timed(3)

    assert (stopwatch.thread_seconds, stopwatch.parts) == ({"check": 5}, {})


def test_a_part_that_outlives_the_one_around_it_ends_with_that() -> None:
    """As that of a request whose answer is given up when the server stops; its own end comes too late."""
    clock = Clock()
    stopwatch = Stopwatch(clock)
    with stopwatch.part("serve"):
        stopwatch.begin("answer")
        clock.now += 1
    with stopwatch.part("close"):
        stopwatch.end("answer")
        clock.now += 2

    assert stopwatch.parts == {"serve": 0, "answer": 1, "close": 2}


@pytest.mark.functional
def test_a_process_tells_its_own_memory_and_not_that_of_who_started_it() -> None:
    """Linux hands the peak of a parent on; a small child of a large process is small all the same."""
    large = b"x" * (200 * 1024 * 1024)
    code = "from contracts.stopwatch import own_peak_memory_bytes as peak; print(peak())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert 1024 * 1024 < int(done.stdout) < len(large)
