"""How large a payload may be, in the words of the CreateTransformJob API."""

from __future__ import annotations

BYTES_PER_MB = 1024 * 1024
"""MB as AWS field names have it."""

DEFAULT_PAYLOAD_MB = 6
"""`MaxPayloadInMB` where nobody says."""

MAX_PAYLOAD_MB = 100
"""Largest `MaxPayloadInMB`, and largest product of it and `MaxConcurrentTransforms`."""
