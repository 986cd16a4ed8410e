"""Choose the loopback port on which a model server will answer."""

from __future__ import annotations

import socket

from contracts.errors import CallerError
from emulator.images import HOST

MAX_PORT = 65535


def choose_port(first_port: int | None, instance_number: int) -> int:
    """Return the port for an instance: `first_port` + its number, or any free one.

    Raises:
        CallerError: The wanted port is in use.
    """
    wanted = 0 if first_port is None else first_port + instance_number
    if wanted > MAX_PORT:
        raise CallerError(f"port {wanted} is above {MAX_PORT}; choose a lower one with --port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise CallerError(
                f"port {wanted} on {HOST} is in use ({error.strerror}); choose another with --port, or none"
            ) from error
        return int(probe.getsockname()[1])
