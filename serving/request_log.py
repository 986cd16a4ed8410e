"""What the server tells its log: a line of JSON for each payload, and how many records it has scored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TextIO

from contracts.progress import Progress, format_progress


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """What became of one request to `/invocations`.

    Attributes:
        status: HTTP status of the answer, None where the server dropped the request before there was one.
        bytes: Of the payload that were read before it was answered; none where the headers were refused.
        records: Answered, 0 where the payload was refused.
        faults: Answered with an error instead of a score.
        seconds: From the headers of the request to the answer, its wait for a turn included.
    """

    status: int | None
    bytes: int
    records: int
    faults: int
    seconds: float


class RequestLog:
    """Writes lines to one stream. To be used from one thread."""

    def __init__(self, stream: TextIO) -> None:
        """Take the stream that the log goes to."""
        self._stream = stream
        self._record_count = 0
        self._byte_count = 0
        self._told_record_count = -1

    def add(self, facts: RequestFacts) -> None:
        """Write one request's line and count its records."""
        self._record_count += facts.records
        self._byte_count += facts.bytes
        self._write(json.dumps({"invocation": asdict(facts)}))

    def tell_progress(self) -> None:
        """Write the records done since the start, if there are more than were told last."""
        if self._record_count != self._told_record_count:
            self._told_record_count = self._record_count
            self._write(format_progress(Progress(records=self._record_count, bytes_done=self._byte_count)))

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
