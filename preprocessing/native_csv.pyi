"""What the optional extension built from `native/` offers; `csv_scan` and `csv_fast` are its callers."""

from typing import TypeAlias

import pyarrow as pa

Plan: TypeAlias = object

FieldRules: TypeAlias = tuple[
    int,  # position in a record, from 0
    int,  # kind: 0 text, 1 code, 2 integer, 3 number, 4 boolean, 5 date, 6 moment
    bool,  # is required
    bool,  # comes out as a column
    int,  # lowest and highest integer, day or microsecond
    int,
    float,  # lowest and highest number
    float,
    int,  # fewest and most characters
    int,
    bool,  # has no line break and no NUL
    bytes,  # pattern: the next state by state and byte, and whether each state is an end; or both empty
    bytes,
    tuple[bytes, ...],  # the texts of a code
]

def scan(
    content: bytes, is_last: bool, max_record_bytes: int, delimiter: int, /
) -> tuple[bytes, bytes, bytes, list[tuple[int, int]], int]:
    """Return starts, ends, line feeds (int64 each), faults as (record, kind), and the bytes consumed."""

def read_on(rest: bytes, file_number: int, byte_count: int, /) -> bytes:
    """Return `rest` and up to `byte_count` bytes more from a file; no more at its end.

    Raises:
        OSError: It cannot be read.
    """

def plan(
    fields: tuple[FieldRules, ...],
    field_count: int,
    delimiter: int,
    is_utf8: bool,
    missing_texts: tuple[bytes, ...],
    /,
) -> Plan:
    """Return what `read` needs to know about the fields of a record."""

def read(
    plan: Plan, content: bytes, starts: memoryview, ends: memoryview, is_passed_over: memoryview, /
) -> tuple[int, bytes, list[tuple[int, bytes | None, bytes, bytes | None]]]:
    """Read the records that are plainly valid.

    Returns:
        How many there are; the indices of the others (int64); and for each field that comes out its null
        count, its validity bits or None, its values (for text: offsets; for a code: positions as wide as
        `contracts.arrow_files.position_type` says) and its text or None.
    """

def deal_out(text: pa.Buffer | bytes, offsets: memoryview, seed: int, /) -> tuple[bytes, bytes]:
    """Return the digests (uint64) of texts in the order of their parts, and where the parts begin (int64).

    Args:
        text: The bytes of all of them.
        offsets: Where each begins, and where the last one ends (int32).
        seed: Of the digests.
    """
