"""The part of a contract below `dialect`: how CSV sources are written.

The keys are those of a Table Dialect (https://datapackage.org/standard/table-dialect/), and `encoding`, which
the same standard has beside it.
"""

from __future__ import annotations

import codecs
from typing import Any

from contracts.contract_fields import check_keys
from contracts.dataset import AUTO_DELIMITER, DELIMITERS, CsvDialect

_KEYS = {"delimiter", "header", "encoding"}


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


def _encoding(name: Any, faults: list[str]) -> str:
    if name is None:
        return CsvDialect().encoding
    try:
        return codecs.lookup(name).name
    except (LookupError, TypeError):
        faults.append(f"`dialect.encoding` is {name!r}, which is no known text encoding, such as 'cp1252'")
        return CsvDialect().encoding
