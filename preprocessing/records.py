"""What every reader hands on, whatever the format of the source.

A reader yields blocks in the order of the source; parsing a block is the expensive part and may run on any
thread. Columns are text as it stands in the source, or typed values where the format has types (null where a
value is missing): what a value means is for `validation` to say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
import pyarrow as pa

from contracts.errors import bounded
from contracts.quarantine import ReasonCode, SourceForm

MAX_NAME_CHARS = 300
"""Of the name of a file, in a message."""

BLOCK_BYTES = 8 * 1024 * 1024
"""Read at once: large enough that calls cost nothing, small enough that a few blocks fit in memory."""


@dataclass(frozen=True, kw_only=True)
class RecordPlace:
    """Where one record stands in its source object, and its bytes.

    Attributes:
        line_number: 1-based physical line on which it begins, the header counted.
        byte_offset: Of its first byte in the uncompressed source object, or None where unknown.
        raw: Its bytes without the line end, MAX_RAW_BYTES at most.
        raw_byte_count: How long it is without the line end.
        name: Of the file that the record is, or None where it is a part of one.
    """

    line_number: int
    byte_offset: int | None
    raw: bytes
    raw_byte_count: int
    name: str | None = None


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

    @property
    def told(self) -> str:
        """The message, after the name of the file that the record is."""
        name = self.place.name
        return self.message if name is None else f"{bounded(name, MAX_NAME_CHARS)}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class StructureFault:
    """What is wrong with one record as a whole.

    Attributes:
        reason: Its reason code.
        message: For people, without the place.
    """

    reason: ReasonCode
    message: str


@functools.lru_cache(maxsize=1024)
def malformed(message: str) -> StructureFault:
    """Return the fault of a record that cannot be parsed."""
    return StructureFault(reason=ReasonCode.MALFORMED_RECORD, message=message)


def too_large(byte_count: int, max_record_bytes: int) -> StructureFault:
    """Return the fault of a record that no payload can hold."""
    message = (
        f"the record is {byte_count} bytes long and may have {max_record_bytes} "
        "(the payload limit less what a shard needs for itself); raise MaxPayloadInMB"
    )
    return StructureFault(reason=ReasonCode.RECORD_TOO_LARGE, message=message)


@dataclass(frozen=True, kw_only=True)
class OpenSource:
    """One source object, opened.

    Attributes:
        source_key: Its path below the input, for messages and the quarantine.
        stream: Uncompressed bytes.
        bytes_done: Returns how many bytes as delivered have been read from the source object.
    """

    source_key: str
    stream: BinaryIO
    bytes_done: Callable[[], int]


class RecordBlock(Protocol):
    """Some consecutive records of one source object, not parsed yet."""

    @property
    def source_bytes_done(self) -> int:
        """Bytes of the source object, as delivered, up to the end of this block (about, if compressed)."""

    @property
    def source_form(self) -> SourceForm:
        """How its source object is written."""

    @property
    def record_count(self) -> int:
        """Records in the block, broken ones included, as they were counted when it was cut."""

    def parse(self) -> ParsedBlock:
        """Parse the block; depends on nothing outside it, and may run on any thread."""

    def place(self, index: int) -> RecordPlace:
        """Return where the record of that index stands."""

    def line_numbers(self, indices: np.ndarray) -> np.ndarray:
        """Return the line numbers of the records of those indices, int64: the same as `place` says."""


@dataclass(frozen=True, kw_only=True)
class ParsedBlock:
    """The records of one block as columns.

    Attributes:
        block: Where they come from.
        rows: Index in the block of each row's record.
        columns: Values by field name, one a row, null where missing: text, or what the source's format has.
        faults: What is wrong with the records that are no row, by their index.
    """

    block: RecordBlock
    rows: np.ndarray
    columns: dict[str, pa.Array]
    faults: Mapping[int, StructureFault]

    @property
    def record_count(self) -> int:
        """Records in the block, counted when it was cut: rows and faults together, or something is lost."""
        return self.block.record_count

    @property
    def structure_faults(self) -> list[QuarantinedRecord]:
        """Records that could not be parsed, in the order of the source."""
        return [
            QuarantinedRecord(
                place=self.block.place(index), reason=fault.reason, field=None, message=fault.message
            )
            for index, fault in sorted(self.faults.items())
        ]

    def place(self, row: int) -> RecordPlace:
        """Return where the record of that row stands."""
        return self.block.place(int(self.rows[row]))

    def line_numbers(self, rows: np.ndarray) -> np.ndarray:
        """Return the 1-based line number of each of `rows`, int64."""
        return self.block.line_numbers(self.rows[rows])
