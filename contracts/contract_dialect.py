"""The part of a contract below `dialect`: how CSV sources are written.

The keys are those of a Table Dialect (https://datapackage.org/standard/table-dialect/), and `encoding`, which
the same standard has beside it. Encodings are UTF-8, UTF-16, and every single-byte encoding that extends
ASCII; which those are is found out by trying, not read from a list.
"""

from __future__ import annotations

import codecs
from typing import Any

from contracts.contract_fields import check_keys
from contracts.dataset import AUTO_DELIMITER, DELIMITERS, CsvDialect

UTF8_NAMES = ("utf-8", "utf-8-sig")
UTF16_NAMES = ("utf-16", "utf-16-le", "utf-16-be")
SUPPORTED_ENCODINGS = (
    "utf-8, utf-16, utf-16-le, utf-16-be, and single-byte encodings that extend ASCII, "
    "such as latin-1, cp1252, iso8859-15, koi8-r and mac-roman"
)

_KEYS = {"delimiter", "header", "encoding"}
ASCII_COUNT = 128


def read_dialect(document: Any, faults: list[str]) -> CsvDialect:
    """Return the dialect, with the default for what is not declared or wrong."""
    if not isinstance(document, dict):
        faults.append("`dialect` must be a mapping with `delimiter`, `header` or `encoding`")
        return CsvDialect()
    check_keys(document, _KEYS, "`dialect`", faults)
    delimiter = document.get("delimiter", AUTO_DELIMITER)
    if delimiter not in (AUTO_DELIMITER, *DELIMITERS):
        valid = ", ".join(repr(text) for text in (AUTO_DELIMITER, *DELIMITERS))
        faults.append(f"`dialect.delimiter` is {delimiter!r}; valid: {valid}")
    has_header = document.get("header", True)
    if not isinstance(has_header, bool):
        faults.append(f"`dialect.header` is {has_header!r}; expected true or false")
    return CsvDialect(
        delimiter=delimiter, has_header=has_header, encoding=_encoding(document.get("encoding"), faults)
    )


def extends_ascii(encoding: str) -> bool:
    """Whether an encoding has one byte a character, ASCII's first, and those bytes for ASCII only.

    Then a delimiter, a quote and a line end can be found in the encoded bytes.
    """
    singles = []
    try:
        for value in range(256):
            text = bytes([value]).decode(encoding, "replace")
            is_right = text == chr(value) if value < ASCII_COUNT else not text.isascii()
            if len(text) != 1 or not is_right:
                return False
            singles.append(text)
        pairs = bytes(value for first in range(256) for second in range(256) for value in (first, second))
        text = pairs.decode(encoding, "replace")
    except (LookupError, ValueError):  # it is not one of text, or not one of single bytes
        return False
    return text == "".join(singles[value] for value in pairs)


def _encoding(name: Any, faults: list[str]) -> str:
    if name is None:
        return CsvDialect().encoding
    try:
        normal_name = codecs.lookup(name).name
    except (LookupError, TypeError, ValueError):
        faults.append(f"`dialect.encoding` is {name!r}, which is no known text encoding, such as 'cp1252'")
        return CsvDialect().encoding
    if normal_name in (*UTF8_NAMES, *UTF16_NAMES) or extends_ascii(normal_name):
        return normal_name
    faults.append(
        f"`dialect.encoding` is {name!r}, which cannot be read: convert the source to UTF-8; "
        f"supported: {SUPPORTED_ENCODINGS}"
    )
    return CsvDialect().encoding
