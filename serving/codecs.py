"""Bytes to records and back: what every wire format must be able to do.

A codec neither scores nor speaks HTTP. Records keep their order, and there are always as many answers as
records: what cannot be read as one record becomes a fault beside its place, what cannot be read at all
refuses the whole payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from serving.exclusions import Exclusions
from serving.scorer import Features, Scores


@dataclass(frozen=True, kw_only=True)
class DecodedPayload:
    """The records of one payload.

    Attributes:
        features: Of the records; where a record has a fault, missing values.
        faults: Position of a record that cannot be read (from 0) to the reason.
        ids: Of the records, in their order; None where the wire does not carry them.
        excluded: Outputs that the records must not get; None where the contract excludes none.
    """

    features: Features
    faults: Mapping[int, str] = field(default_factory=dict)
    ids: pa.ChunkedArray | None = None
    excluded: Exclusions | None = None


class Codec(Protocol):
    """One wire format.

    Attributes:
        content_type: Of the payload.
        answer_type: Of the answer.
    """

    content_type: str
    answer_type: str

    def decode(self, body: bytes) -> DecodedPayload:
        """Read a payload that is not empty.

        Raises:
            CallerError: It cannot be read at all.
        """
        ...

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:
        """Write the answer to `payload`; where `scores` has a fault, its reason is written."""
        ...
