"""Find out how a CSV source separates its fields, and which of them are read.

Goes in: the first bytes of a source, as they are scanned. Comes out: its delimiter, and the `CsvLayout` by
which its blocks are parsed. Each source object is looked at for itself, so files written in different ways
may stand side by side.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass

from contracts.dataset import AUTO_DELIMITER, DELIMITERS, DatasetContract
from contracts.errors import CallerError, bounded
from contracts.quarantine import SourceForm
from preprocessing.csv_parse import CsvLayout, without_line_end
from preprocessing.csv_scan import scan_records
from preprocessing.csv_text import TextEncoding
from preprocessing.missing_fields import near_clause

MAX_HEADER_CHARS = 400
"""Of a header quoted in a message."""

MAX_MISSING_NAMED = 10
_FIRST_WINDOW_BYTES = 4096
_DELIMITER_NAMES = {",": "`,`", ";": "`;`", "\t": "TAB", "|": "`|`"}


@dataclass(frozen=True, kw_only=True)
class FirstRecord:
    """The first record of a source.

    Attributes:
        content: Its bytes as scanned, with the line end.
        fault: What is wrong with its structure, or None.
    """

    content: bytes
    fault: str | None


@dataclass(frozen=True, kw_only=True)
class HeaderRules:
    """What a source is expected to begin with.

    Attributes:
        source_key: Of the source object, for messages.
        contract: What its records look like.
        needed: Names of the fields that it must have.
        encoding: Of its text.
        max_record_bytes: A longer record is faulty.
    """

    source_key: str
    contract: DatasetContract
    needed: tuple[str, ...]
    encoding: TextEncoding
    max_record_bytes: int


def choose_delimiter(content: bytes, rules: HeaderRules, *, is_last: bool, is_all: bool) -> str | None:
    """Return the delimiter of a source for which none is declared, or None while more bytes are needed.

    With a header it is the first of DELIMITERS with which that names every needed field, or if none does, the
    one with which it comes nearest. Without, it is the first with which the first record has as many fields
    as the contract, or the comma.

    Args:
        content: The first bytes of the source, without byte order mark; with the comma as delimiter, its
            first record is among them.
        rules: What it should begin with.
        is_last: The source ends with `content`.
        is_all: More bytes tell nothing more about a first record that is not too large.
    """
    nearest, nearest_rank = DELIMITERS[0], (-len(rules.needed) - 1, 0)
    for delimiter in DELIMITERS:
        record = _first_record(content, rules, delimiter, is_last)
        if record is None:
            if is_all:
                continue
            return None
        names, is_readable = _likely_names(record, delimiter, rules.encoding)
        if is_readable and _suits(names, rules):
            return delimiter
        rank = (-len(set(rules.needed) - set(names)), len(names))
        if rank > nearest_rank:
            nearest, nearest_rank = delimiter, rank
    return nearest if rules.contract.dialect.has_header else DELIMITERS[0]


def headerless_layout(rules: HeaderRules, delimiter: str) -> CsvLayout:
    """Return the layout of a source without header: the contract's fields, in its order."""
    names = [field.name for field in rules.contract.fields]
    return _layout(names, b"", rules, delimiter)


def header_layout(record: FirstRecord, rules: HeaderRules, delimiter: str) -> CsvLayout:
    """Read the header and find the contract's fields in it.

    Raises:
        CallerError: The header is unreadable, names a field twice, or lacks one that is needed.
    """
    encoding = rules.encoding
    if record.fault is not None:
        raise CallerError(f"{rules.source_key}: the header is unreadable: {record.fault}")
    try:
        header = _read_names(record.content, delimiter, encoding)
    except csv.Error as error:
        raise CallerError(
            f"{rules.source_key}: the header is unreadable: {error}; expected "
            f"{encoding.name.removesuffix('-sig').upper()} CSV"
            f"{_encoding_hint(record.content, encoding)}"
        ) from error
    faults = _header_faults(header, rules)
    if faults:
        raise CallerError(
            f"{rules.source_key}: " + "; ".join(faults) + _encoding_hint(record.content, encoding)
        )
    return _layout(header, encoding.raw(without_line_end(record.content)), rules, delimiter)


def _layout(names: list[str], header: bytes, rules: HeaderRules, delimiter: str) -> CsvLayout:
    positions = {name: position for position, name in enumerate(names)}
    fields = tuple(field for field in rules.contract.fields if field.name in positions)
    return CsvLayout(
        source_key=rules.source_key,
        source_form=SourceForm(format="csv", header=header, encoding=rules.encoding.name),
        column_names=[f"f{position}" for position in range(len(names))],
        columns_origin="header" if rules.contract.dialect.has_header else "contract",
        fields=fields,
        positions=tuple(positions[field.name] for field in fields),
        missing_values=rules.contract.missing_values,
        delimiter=delimiter,
        encoding=rules.encoding,
        max_record_bytes=rules.max_record_bytes,
    )


def _first_record(content: bytes, rules: HeaderRules, delimiter: str, is_last: bool) -> FirstRecord | None:
    """Return the first record, looking at no more of `content` than it takes."""
    window_bytes = _FIRST_WINDOW_BYTES
    while True:
        window = content[:window_bytes]
        is_whole = len(window) == len(content)
        scan = scan_records(
            window,
            is_last=is_last and is_whole,
            max_record_bytes=rules.max_record_bytes,
            delimiter=delimiter.encode(),
        )
        if len(scan.starts):
            fault = scan.faults.get(0)
            return FirstRecord(
                content=window[int(scan.starts[0]) : int(scan.ends[0])],
                fault=fault.message if fault else None,
            )
        if is_whole:
            return None
        window_bytes *= 8


def _likely_names(record: FirstRecord, delimiter: str, encoding: TextEncoding) -> tuple[list[str], bool]:
    """Return the fields of a first record, and True if it is sound; else what looks like fields."""
    try:
        if record.fault is None:
            return _read_names(record.content, delimiter, encoding), True
    except csv.Error:
        pass  # it is read as well as it goes below, and refused with its fault if no other delimiter suits
    text = record.content.decode(errors="replace")
    return [name.strip('"\r\n') for name in text.split(delimiter)], False


def _read_names(content: bytes, delimiter: str, encoding: TextEncoding) -> list[str]:
    fault = encoding.fault(content)
    if fault is not None:
        raise csv.Error(fault)
    text = str(encoding.utf8(content), "utf-8").rstrip("\r\n")
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def _suits(names: list[str], rules: HeaderRules) -> bool:
    if not rules.contract.dialect.has_header:
        return len(names) == len(rules.contract.fields)
    return set(rules.needed) <= set(names)


def _header_faults(header: list[str], rules: HeaderRules) -> list[str]:
    counts = Counter(header)
    faults = [f"the header names {name!r} twice" for name, count in counts.items() if name and count > 1]
    missing = [name for name in rules.needed if name not in counts]
    if not missing:
        return faults
    shown = missing[:MAX_MISSING_NAMED]
    faults += [f"the header lacks the field {name!r}{near_clause(name, header)}" for name in shown]
    if len(missing) > len(shown):
        faults.append(f"and {len(missing) - len(shown)} more")
    faults += _hints(header, rules)
    faults.append("the header is " + bounded(", ".join(header), MAX_HEADER_CHARS))
    return faults


def _hints(header: list[str], rules: HeaderRules) -> list[str]:
    """Say what may be the reason that a header lacks fields."""
    hints = []
    if rules.contract.image is not None:
        hints.append("the contract is for images, and this is read as a table: give InputFormat=images")
    declared = rules.contract.dialect.delimiter
    if declared == AUTO_DELIMITER:
        hints.append("tried " + ", ".join(_DELIMITER_NAMES.values()) + " as delimiter")
    elif len(header) == 1:
        hints.append(f"{_DELIMITER_NAMES[declared]}, the declared delimiter, does not occur in it")
    if len(header) == len(rules.contract.fields):
        hints.append("if the source has no header, declare `dialect: {header: false}` in the contract")
    return hints


def _encoding_hint(content: bytes, encoding: TextEncoding) -> str:
    """Say what to declare if a header looks as if it were written in another encoding."""
    if b"\0" in content:
        return (
            "; it has NUL bytes, as UTF-16 has: if so, declare `dialect: {encoding: utf-16}` in the contract"
        )
    if encoding.fault(content) is not None:
        return "; declare how it is written, such as `dialect: {encoding: cp1252}`, in the contract"
    return ""
