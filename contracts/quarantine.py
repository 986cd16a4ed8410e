"""A record held back: which one, why, and its bytes.

Reason codes are a closed set: reports, dashboards and scripts may rely on them. A record that breaks several
rules is quarantined once, under the first rule it breaks (structure first, then fields in the contract's
order); the message names them all.

A quarantine file also says, in its Parquet key-value metadata, how the sources of its records are written, so
that the records can be written back as sources, mended, and scored again (see `source_forms_text`).
"""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

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
    REFUSED_MEMBER = "refused_member"
    NOT_AN_IMAGE = "not_an_image"
    MISLABELLED_IMAGE = "mislabelled_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TRUNCATED_IMAGE = "truncated_image"
    CORRUPT_IMAGE = "corrupt_image"


REASON_MEANINGS = {
    ReasonCode.WRONG_FIELD_COUNT: "has more or fewer fields than the header, or without one the contract",
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
    ReasonCode.REFUSED_MEMBER: "is a member of an archive that is not read, such as a link or a locked one",
    ReasonCode.NOT_AN_IMAGE: "is no image in a format that is read",
    ReasonCode.MISLABELLED_IMAGE: "is an image of another format than its name says",
    ReasonCode.TOO_MANY_PIXELS: "is an image with more pixels than the contract allows",
    ReasonCode.TRUNCATED_IMAGE: "is an image that ends too early",
    ReasonCode.CORRUPT_IMAGE: "is an image that cannot be decoded",
}


_ORDERLESS_ENCODINGS = ("utf-16", "utf-32")
_BYTE_ORDER_MARKS = {
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@dataclass(frozen=True, kw_only=True)
class SourceForm:
    """How a source object is written: what it takes to write records of it back as a source.

    Attributes:
        format: `csv`, `jsonlines`, `json`, `parquet`, `recordio` or `images`.
        header: Raw bytes of a CSV header without its line end; empty where the source has none.
        encoding: Name of the text encoding of the header and of every record's raw bytes, as Python knows it
            in normal form (`utf-8`, `cp1252`, `utf-16-le`).
    """

    format: str
    header: bytes = b""
    encoding: str = "utf-8"

    @property
    def record_encoding(self) -> str:
        """The encoding of single records: without a byte order mark, and with a byte order.

        Python's `utf-16` looks for a byte order mark, which stands before the header only. Where neither the
        name nor the header tells the order, it is little-endian, as Windows and Excel write it.
        """
        if self.encoding not in _ORDERLESS_ENCODINGS:
            return self.encoding.removesuffix("-sig")
        is_big = self.header.startswith((codecs.BOM_UTF16_BE, b"\x00"))
        return f"{self.encoding}-{'be' if is_big else 'le'}"

    @property
    def byte_order_mark(self) -> bytes:
        """What stands before the first byte of such a source: nothing, but for UTF-16 and its like."""
        return _BYTE_ORDER_MARKS.get(self.encoding, _BYTE_ORDER_MARKS.get(self.record_encoding, b""))

    @property
    def line_feed(self) -> bytes:
        """A line feed in the source's encoding."""
        return "\n".encode(self.record_encoding)


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

SOURCE_FORMS_KEY = b"batchscore.source_forms"
"""Key of the Parquet file metadata that holds `source_forms_text`."""

MAX_SOURCE_FORMS_BYTES = 32 * 1024 * 1024
"""Of that text. Arrow refuses to open a file with a longer string than 100 MB in its footer
(`thrift_string_size_limit` of pyarrow.parquet.ParquetFile), and would so lose the records themselves."""

_REASONS_FILE = re.compile(r"quarantine-.+-(\d+|\d+-unparsed|unwritten)\.reasons\.csv")


def is_reasons_file(name: str) -> bool:
    """Whether `batchscore quarantine --write` gives such a name to the reasons beside the records it writes.

    Such a file is not data: it may lie beside the mended records when they are scored.
    """
    return _REASONS_FILE.fullmatch(name) is not None


def source_forms_text(forms: Mapping[str, SourceForm]) -> bytes:
    """Return the form of each source object, to be kept under SOURCE_FORMS_KEY.

    The text is JSON, `{source_key: {"format": "csv", "header": base64, "encoding": "utf-8"}}`, in the order
    given. Sources that would make it longer than MAX_SOURCE_FORMS_BYTES are left out: their records are
    quarantined like any others, and only cannot be written back.
    """
    entries: list[str] = []
    byte_count = 0
    for source_key, form in forms.items():
        header = base64.b64encode(form.header).decode()
        value = {"format": form.format, "header": header, "encoding": form.encoding}
        entry = f"{json.dumps(source_key)}: {json.dumps(value)}"
        byte_count += len(entry) + 2
        if byte_count < MAX_SOURCE_FORMS_BYTES:
            entries.append(entry)
    return ("{" + ", ".join(entries) + "}").encode()


def read_source_forms(metadata: Mapping[bytes, bytes] | None) -> dict[str, SourceForm]:
    """Return the form of each source object from a quarantine file's metadata; empty where it has none.

    Raises:
        ValueError: The metadata is not what `source_forms_text` wrote.
    """
    try:
        document: dict[str, dict[str, Any]] = json.loads((metadata or {}).get(SOURCE_FORMS_KEY, b"{}"))
        return {
            source_key: SourceForm(
                format=entry["format"],
                header=base64.b64decode(entry["header"], validate=True),
                encoding=codecs.lookup(entry.get("encoding", "utf-8")).name,
            )
            for source_key, entry in document.items()
        }
    except (KeyError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"{SOURCE_FORMS_KEY.decode()} is damaged: {error!r}") from error
