"""What every reader hands on, whatever the format of the source.

A reader yields blocks in the order of the source; parsing a block is the expensive part and may run on any
thread. Columns are text as it stands in the source, or typed values where the format has types (null where a
value is missing): what a value means is for `validation` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from contracts.quarantine import ReasonCode, SourceForm


@dataclass(frozen=True, kw_only=True)
class RecordPlace:
    """Where one record stands in its source object, and its bytes.

    Attributes:
        line_number: 1-based physical line on which it begins, the header counted.
        byte_offset: Of its first byte in the uncompressed source object, or None where unknown.
        raw: Its bytes without the line end, MAX_RAW_BYTES at most.
        raw_byte_count: How long it is without the line end.
    """

    line_number: int
    byte_offset: int | None
    raw: bytes
    raw_byte_count: int


@dataclass(frozen=True, kw_only=True)
class QuarantinedRecord:
    """One record held back.

    Attributes:
        place: Where it stands.
        reason: The first rule it breaks.
        field: Name of the field that breaks it, or None for a structural fault.
        message: Everything that is wrong with it.
    """

    place: RecordPlace
    reason: ReasonCode
    field: str | None
    message: str


class ParsedBlock(Protocol):
    """The records of one block as columns."""

    @property
    def record_count(self) -> int:
        """Records in the block: rows of `columns` and `structure_faults` together."""

    @property
    def columns(self) -> dict[str, pa.Array]:
        """Values by field name, one a row, null where missing: text, or what the source's format has."""

    @property
    def structure_faults(self) -> list[QuarantinedRecord]:
        """Records that could not be parsed, in the order of the source."""

    def place(self, row: int) -> RecordPlace:
        """Return where the record of that row stands."""


class RecordBlock(Protocol):
    """Some consecutive records of one source object, not parsed yet."""

    @property
    def source_bytes_done(self) -> int:
        """Bytes of the source object, as delivered, up to the end of this block (about, if compressed)."""

    @property
    def source_form(self) -> SourceForm:
        """How its source object is written."""

    def parse(self) -> ParsedBlock:
        """Parse the block; depends on nothing outside it, and may run on any thread."""
