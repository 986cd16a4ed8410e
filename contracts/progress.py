"""How container code says how far it is: one line of JSON on standard output.

The line is a log line like any other to CloudWatch; the emulator reads it to draw progress. Counts are
cumulative for the reporting process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

_KEY = "batchscore_progress"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one process is.

    Attributes:
        records: Records done since the process started.
        bytes_done: Bytes of input done, or None where bytes say nothing.
        bytes_total: Bytes of input in all, or None where unknown.
    """

    records: int
    bytes_done: int | None = None
    bytes_total: int | None = None


ROUTINE_LINE = '{"invocation": {"status": 200,'
"""How the log line of a request that went well begins; of no use in the last words of a server."""


def format_progress(progress: Progress) -> str:
    """Return the log line for `progress`, without a newline."""
    return json.dumps(
        {_KEY: [progress.records, progress.bytes_done, progress.bytes_total]}, separators=(",", ":")
    )


def parse_progress(line: str) -> Progress | None:
    """Return the progress that a log line states, or None for any other line."""
    if not line.startswith('{"' + _KEY):
        return None
    try:
        records, bytes_done, bytes_total = json.loads(line)[_KEY]
    except (ValueError, KeyError, TypeError):
        return None
    return Progress(records=records, bytes_done=bytes_done, bytes_total=bytes_total)
