"""Read moments in the forms in which schedules, events and the service give them."""

from __future__ import annotations

import datetime as dt
import re

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?[0-5]\d)?")


def parse_moment(text: str) -> dt.datetime | None:
    """Return the moment that ISO 8601 text names, to the second and in UTC, which it is in without an offset.

    Returns:
        None where the text has not that form.

    Raises:
        ValueError: It has the form, but there is no such moment.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    date, time, offset = match.groups()
    offset = "+00:00" if offset in (None, "Z") else f"{offset[:3]}:{offset[-2:]}"
    try:
        return dt.datetime.fromisoformat(f"{date}T{time}{offset}").astimezone(dt.timezone.utc)
    except OverflowError as error:  # in UTC it is before the year 1 or after the year 9999
        raise ValueError(str(error)) from error
