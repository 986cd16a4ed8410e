"""A record held back: which one, why, and its bytes.

Reason codes are a closed set: reports, dashboards and scripts may rely on them. A record that breaks several
rules is quarantined once, under the first rule it breaks (structure first, then fields in the contract's
order); the message names them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

MAX_RAW_BYTES = 64 * 1024
"""Raw bytes kept of one record; `raw_byte_count` always says how long the record was."""


class ReasonCode(str, Enum):
    """Why a record is held back."""

    WRONG_FIELD_COUNT = "wrong_field_count"
    MALFORMED_RECORD = "malformed_record"
    RECORD_TOO_LARGE = "record_too_large"
    INVALID_ENCODING = "invalid_encoding"
    WRONG_TYPE = "wrong_type"
    MISSING_REQUIRED = "missing_required"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    NOT_IN_ENUM = "not_in_enum"
    PATTERN_MISMATCH = "pattern_mismatch"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNSEEN_CATEGORY = "unseen_category"
    UNSAFE_ID = "unsafe_id"
    DUPLICATE_ID = "duplicate_id"


REASON_MEANINGS = {
    ReasonCode.WRONG_FIELD_COUNT: "has more or fewer fields than the header",
    ReasonCode.MALFORMED_RECORD: "cannot be parsed, for instance an unclosed quote",
    ReasonCode.RECORD_TOO_LARGE: "is larger than one payload may be",
    ReasonCode.INVALID_ENCODING: "is not valid text in the declared encoding",
    ReasonCode.WRONG_TYPE: "has a value that is not of the field's type",
    ReasonCode.MISSING_REQUIRED: "has no value for a required field",
    ReasonCode.BELOW_MINIMUM: "has a value below the field's minimum",
    ReasonCode.ABOVE_MAXIMUM: "has a value above the field's maximum",
    ReasonCode.NOT_IN_ENUM: "has a value that is not one of the field's allowed values",
    ReasonCode.PATTERN_MISMATCH: "has a value that does not match the field's pattern",
    ReasonCode.TOO_SHORT: "has a value shorter than the field's minLength",
    ReasonCode.TOO_LONG: "has a value longer than the field's maxLength",
    ReasonCode.UNSEEN_CATEGORY: "has a category that the model was not trained on",
    ReasonCode.UNSAFE_ID: "has an id that the chosen wire format cannot carry, such as one with a line break",
    ReasonCode.DUPLICATE_ID: "has an id that another valid record of the data set has too",
}


@dataclass(frozen=True, kw_only=True)
class SourceForm:
    """How a source object is written: what it takes to write records of it back as a source.

    Attributes:
        format: `csv`, `jsonlines`, `json`, `parquet` or `recordio`.
        header: Raw bytes of a CSV header without its line end; empty where the source has none.
        encoding: Name of the text encoding of the header and of every record's raw bytes, as Python knows it
            in normal form (`utf-8`, `cp1252`, `utf-16-le`).
    """

    format: str
    header: bytes = b""
    encoding: str = "utf-8"


QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("source_key", pa.string(), nullable=False),
        pa.field("line_number", pa.int64(), nullable=False),
        pa.field("byte_offset", pa.int64()),
        pa.field("reason_code", pa.string(), nullable=False),
        pa.field("field", pa.string()),
        pa.field("message", pa.string(), nullable=False),
        pa.field("raw", pa.binary(), nullable=False),
        pa.field("raw_byte_count", pa.int64(), nullable=False),
    ]
)
"""Columns of the quarantine files. `line_number` is 1-based: the first physical line of the record (header
included in the count), or the row number in formats without lines. `byte_offset` counts from the start of
the uncompressed source object, and is null where it is not known. `field` is null for structural faults.
`raw` holds at most MAX_RAW_BYTES."""
