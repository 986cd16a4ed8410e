"""What may start a run, and when it was, is read alike wherever it is read."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.moments import parse_moment

SIX = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T06:00:00Z",
        "2026-11-23T06:00:00",
        "2026-11-23 06:00:00.123",
        "2026-11-23T08:00:00+02:00",
        "2026-11-23T01:00:00,5-0500",
    ],
)
def test_a_moment_is_read_to_the_second_and_in_utc(text: str) -> None:
    """Without an offset it is in UTC already."""
    found = parse_moment(text)
    assert found == SIX
    assert found.tzinfo is dt.timezone.utc


@pytest.mark.parametrize(
    "text",
    ["auto", "2026-11-23", "2026-11-23T", "2026-11-23Tsix", "06:00:00Z", "2026-11-23T06:00:00+05:60"],
)
def test_text_of_another_form_is_none(text: str) -> None:
    """Whoever asks says what was expected."""
    assert parse_moment(text) is None


@pytest.mark.parametrize(
    "text",
    ["2026-02-30T06:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T06:00:00+9900", "9999-12-31T23:00:00-05:00"],
)
def test_a_moment_that_there_is_not_is_an_error(text: str) -> None:
    """Also one that only UTC has no date for."""
    with pytest.raises(ValueError, match=r"must be|out of range|strictly between"):
        parse_moment(text)
