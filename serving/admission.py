"""Who may be worked on now: a bound on the payloads in memory, whoever sends how many.

A request that is let in may have its payload read, decoded, scored and answered. All others wait in the order
in which they came, and nothing of their payloads is read: what was sent of them stays in the buffers of the
connection, which then stop the sender. Waiting is better for a transform job than 503 would be: it costs the
job none of its at most three retries and no second transfer of the payload, and a lawful job sends no more
at once than `/execution-parameters` offered, so that nobody waits.

503 with `Retry-After` is for what waiting cannot help: more requests than any transform job may have, and a
server that was asked to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.payload_limits import MAX_PAYLOAD_MB
from serving.exchange import ServerBusyError

MAX_REQUESTS = MAX_PAYLOAD_MB
"""Let in and waiting together. No transform job may have more at once: payloads are of 1 MB at least, and
MaxConcurrentTransforms x MaxPayloadInMB must not exceed 100."""


class Admission:
    """Lets a bounded number of requests in at a time. To be used from one event loop."""

    def __init__(self, at_once: int) -> None:
        """Take how many requests may be let in at a time."""
        self._free = asyncio.Semaphore(at_once)
        self._request_count = 0
        self._is_stopping = False

    def stop(self) -> None:
        """Let nobody in from now on, and send those away who wait; who is in stays in."""
        self._is_stopping = True
        for _ in range(self._request_count):
            self._free.release()

    @asynccontextmanager
    async def entry(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it for as long as the block lasts.

        Raises:
            ServerBusyError: There are MAX_REQUESTS already, or the server is stopping.
        """
        if self._request_count >= MAX_REQUESTS:
            raise ServerBusyError(
                f"{self._request_count} requests are being answered or wait for their turn, and no more are "
                "taken; try again later, or lower MaxConcurrentTransforms"
            )
        self._request_count += 1
        try:
            self._check_open()
            async with self._free:
                self._check_open()
                yield
        finally:
            self._request_count -= 1

    def _check_open(self) -> None:
        if self._is_stopping:
            raise ServerBusyError("the server was asked to stop and takes no more payloads; try again later")
