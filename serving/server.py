"""Run the application in this one process until the service says stop.

Granian's embedded server keeps everything in one process: one copy of the model, one process to signal, no
child that could outlive a killed parent. On SIGTERM it takes no more connections, answers the requests that
are being worked on, sends those that wait for their turn away with 503, and returns; whatever is not done
after SHUTDOWN_SECONDS (a client that never finishes sending, a payload that takes minutes) is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from typing import Any, Protocol

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from contracts.errors import CallerError
from serving.admission import MAX_REQUESTS
from serving.exchange import Message, Receive, Send
from serving.request_log import RequestLog

PROGRESS_INTERVAL_SECONDS = 0.5

SHUTDOWN_SECONDS = 25
"""SageMaker kills a container 30 seconds after it asked it to stop."""

MAX_CONNECTIONS = MAX_REQUESTS + 28
"""Served at once, further ones wait to be accepted: enough for pings and for saying 503 to one too many."""


class Application(Protocol):
    """An ASGI application that can be told to take no more work."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...

    def stop(self) -> None:
        """Take no more work; called on the event loop's thread."""
        ...


def check_port(address: str, port: int) -> None:
    """Check that the server will be able to listen.

    Granian shares ports between processes (SO_REUSEPORT), so that two servers would silently take turns.

    Raises:
        CallerError: Another process listens there, or this one may not.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise CallerError(
                f"{address}:{port}: cannot listen: {error.strerror}; stop what listens there or choose "
                "another port with SAGEMAKER_BIND_TO_PORT"
            ) from error


def run_server(
    app: Application,
    *,
    address: str,
    port: int,
    log: RequestLog,
    shutdown_seconds: float = SHUTDOWN_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT, and finish what was begun within `shutdown_seconds`."""
    asyncio.run(_serve(app, address, port, log, shutdown_seconds))


async def _serve(app: Application, address: str, port: int, log: RequestLog, shutdown_seconds: float) -> None:
    server = Server(
        app,
        address=address,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backpressure=MAX_CONNECTIONS,
        log_level=LogLevels.error,
        log_dictconfig=_log_to_stderr(),
    )
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # A thread, as payloads whose clients have gone may be worked on after the loop has ended.
        timer = threading.Timer(shutdown_seconds, _give_up, (log,))
        timer.daemon = True
        timer.start()
        app.stop()
        server.stop()  # type: ignore[no-untyped-call]  # granian types only its arguments

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    ticker = asyncio.create_task(_tell_progress(log))
    await server.serve()
    for number in (signal.SIGTERM, signal.SIGINT):  # asked once more, it goes on ending as it was told to
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    ticker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticker
    log.tell_progress()


async def _tell_progress(log: RequestLog) -> None:
    while True:
        await asyncio.sleep(PROGRESS_INTERVAL_SECONDS)
        log.tell_progress()


def _give_up(log: RequestLog) -> None:
    """End at once: the only requests left are ones that are never finished."""
    log.tell_progress()
    os._exit(0)


def _log_to_stderr() -> dict[str, Any]:
    formatter = {"fmt": "%(levelname)s %(name)s %(message)s"}
    handler = {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}
    logger = {"handlers": ["console"], "propagate": False}
    return {
        "formatters": {"plain": formatter},
        "handlers": {"console": handler},
        "loggers": {"_granian": logger},
    }
