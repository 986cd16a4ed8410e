"""What the environment of the model container says, read once at the rim and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.container_paths import MODEL, inside, ml_root
from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB, MAX_PAYLOAD_MB
from contracts.wire import FINGERPRINT_VARIABLE

BIND_ADDRESS_VARIABLE = "BATCHSCORE_BIND_ADDRESS"
"""Where to listen. The container must listen on every interface; on a laptop the emulator says 127.0.0.1."""

PORT_VARIABLE = "SAGEMAKER_BIND_TO_PORT"
MAX_PAYLOAD_VARIABLE = "SAGEMAKER_MAX_PAYLOAD_IN_MB"
CONCURRENCY_VARIABLE = "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"

EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - the service reaches the container from outside it
DEFAULT_PORT = 8080


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Facts that the server starts with.

    Attributes:
        model_folder: Holds the unpacked model artifact.
        bind_address: Interface to listen on.
        port: TCP port to listen on.
        max_payload_mb: Largest body that `/invocations` takes, in units of 1,048,576 bytes.
        concurrent_transforms: Requests at once that the transform job asked for, or None if it did not say.
        expected_fingerprint: Of the contract that the shards were made under, or None if not known.
    """

    model_folder: Path
    bind_address: str
    port: int
    max_payload_mb: int
    concurrent_transforms: int | None
    expected_fingerprint: str | None

    @property
    def max_payload_bytes(self) -> int:
        """Largest body that `/invocations` takes."""
        return self.max_payload_mb * BYTES_PER_MB


def settings_from(environment: Mapping[str, str]) -> ServerSettings:
    """Read the settings from `environment`.

    A `MaxPayloadInMB` of 0 means "no limit" to the service; here it means the largest that the API knows.

    Raises:
        CallerError: A variable is not a number or is out of its range.
    """
    payload_mb = _whole_number(environment, MAX_PAYLOAD_VARIABLE, range(MAX_PAYLOAD_MB + 1))
    return ServerSettings(
        model_folder=inside(ml_root(environment), MODEL),
        bind_address=environment.get(BIND_ADDRESS_VARIABLE) or EVERY_INTERFACE,
        port=_whole_number(environment, PORT_VARIABLE, range(1, 65536)) or DEFAULT_PORT,
        max_payload_mb=DEFAULT_PAYLOAD_MB if payload_mb is None else payload_mb or MAX_PAYLOAD_MB,
        concurrent_transforms=_whole_number(environment, CONCURRENCY_VARIABLE, range(1, MAX_PAYLOAD_MB + 1)),
        expected_fingerprint=environment.get(FINGERPRINT_VARIABLE) or None,
    )


def _whole_number(environment: Mapping[str, str], name: str, valid: range) -> int | None:
    """Return a variable's number, or None if it is not set or empty."""
    text = environment.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) in valid):
        raise CallerError(f"{name} is {text!r}; expected a whole number from {valid[0]} to {valid[-1]}")
    return int(text)
