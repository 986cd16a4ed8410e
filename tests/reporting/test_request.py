"""The report's arguments are checked before anything is read."""

from __future__ import annotations

import pytest
from tiny_run import TinyRun

from contracts.errors import CallerError
from reporting.request import parse_request

RUN = TinyRun(shards=[])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"run_id": "../up"}, "--run-id"),
        ({"output_uri": "s3://bucket/out"}, "must end with '/'"),
        ({"output_format": "jsonl"}, "valid: parquet, csv"),
        ({"wire_format": "cvs"}, "did you mean 'csv'"),
        ({"started_at": "yesterday"}, "--started-at"),
        ({"started_at": "2026-13-01T00:00:00Z"}, "--started-at"),
        ({"run_date": "23.11.2026"}, "RunDate is '23.11.2026'; expected YYYY-MM-DD"),
        ({"run_date": "2026-11-23T"}, "RunDate is '2026-11-23T'; expected ISO 8601"),
        ({"run_date": "2026-02-30T06:00:00Z"}, "RunDate is '2026-02-30T06:00:00Z', which is no ISO 8601"),
    ],
)
def test_a_wrong_argument_is_named(changed: dict[str, str], expected: str) -> None:
    with pytest.raises(CallerError, match=expected):
        parse_request(RUN.argv(**changed))


@pytest.mark.parametrize("argv", [[], ["--unknown", "1"]])
def test_missing_and_unknown_arguments_are_the_callers_fault(argv: list[str]) -> None:
    with pytest.raises(CallerError, match="the arguments of the report are wrong"):
        parse_request(argv)


def test_a_parameter_may_hold_an_equals_sign_and_may_be_empty() -> None:
    request = parse_request([*RUN.argv(), "--parameter", "Filter=a=b", "--parameter", "Empty="])
    assert request.parameters == {"InputUri": "s3://bucket/in/", "Filter": "a=b", "Empty": ""}


@pytest.mark.parametrize(
    "started_at",
    [
        "2026-11-24T01:30:00+02:00",
        "2026-11-23T23:30:00Z",
        "2026-11-23T23:30:00.1234567Z",
        "2026-11-23T23:30:00",
    ],
)
def test_the_automatic_run_date_is_the_utc_date_of_the_start(started_at: str) -> None:
    assert parse_request(RUN.argv(run_date="auto", started_at=started_at)).run_date == "2026-11-23"


@pytest.mark.parametrize(
    "moment", ["2026-11-23T06:00:00Z", "2026-11-23T23:59:59.123Z", "2026-11-24T01:30:00+02:00"]
)
def test_the_moment_that_a_schedule_or_an_event_gives_is_its_utc_date(moment: str) -> None:
    """[doc] EventBridge Scheduler puts such as 2022-03-22T18:59:43Z in the place of its scheduled time."""
    request = parse_request(RUN.argv(run_date=moment, started_at="2026-11-25T06:00:00Z"))
    assert request.run_date == "2026-11-23"
    assert request.scores_folder == "run_date=2026-11-23/run-1"
