"""Write quarantined records out as source files, to be mended and scored again.

    <folder>/quarantine-<run id>-1.csv             the records, as their source is written
    <folder>/quarantine-<run id>-1.reasons.csv     what is wrong with which line of it
    <folder>/quarantine-<run id>-unwritten.reasons.csv    what could not be written, if anything

There is one file for each way in which sources are written: CSV of one header and encoding, JSON Lines (also
for elements of JSON arrays and rows of Parquet), RecordIO. CSV and RecordIO records that could not be parsed
have a file of their own, `…-unparsed…`: an unclosed quote in one would take the records below it for its own.

All files appear or none, and none is ever overwritten. A record of which not every byte was kept is not
written, but listed with the cause, and so is an image file. Memory is bounded by a group of the quarantine
file.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES, ReasonCode, SourceForm
from contracts.spreadsheet_text import harmless_text

_SUFFIXES = {
    "csv": ".csv",
    "jsonlines": ".jsonl",
    "json": ".jsonl",
    "parquet": ".jsonl",
    "recordio": ".recordio",
}
_REASONS_SUFFIX = ".reasons.csv"
_UNPARSED = tuple(
    code.value
    for code in (ReasonCode.MALFORMED_RECORD, ReasonCode.INVALID_ENCODING, ReasonCode.RECORD_TOO_LARGE)
)
_PLACE_HEADER = ("source_key", "source_line_number", "reason_code", "field", "message")
_SPILLED = {"csv", "recordio"}
"""Formats in which a record that cannot be parsed may spoil the ones after it."""

CUT_OFF = f"longer than the {MAX_RAW_BYTES:,} bytes that are kept of a record"
NO_BYTES = "none of its bytes are kept"
NO_TEXT = "its bytes are no text, which JSON cannot hold"
OWN_FILE = "it is a file of its own, or a member of an archive: mend it where it lies"
NO_FORM = "it is not known how its source is written"


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """One source file that was written.

    Attributes:
        path: The file.
        reasons_path: What is wrong with which line of it.
        record_count: Records in it.
        is_unparsed: Whether its records could not be parsed.
    """

    path: Path
    reasons_path: Path
    record_count: int
    is_unparsed: bool


@dataclass(frozen=True, kw_only=True)
class WrittenBack:
    """What was written, and what could not be.

    Attributes:
        files: The source files, in the order of their first records.
        unwritten_counts: Records that could not be written, by cause.
        unwritten_path: The list of these, or None if there are none.
    """

    files: tuple[WrittenFile, ...]
    unwritten_counts: dict[str, int]
    unwritten_path: Path | None

    @property
    def record_count(self) -> int:
        """Records written and not written."""
        return sum(file.record_count for file in self.files) + sum(self.unwritten_counts.values())


def write_back(
    groups: Iterable[list[dict[str, Any]]], forms: Mapping[str, SourceForm], folder: Path, run_id: str
) -> WrittenBack:
    """Write records to new files in `folder`.

    Args:
        groups: Rows of the quarantine files.
        forms: How sources are written, by source key.
        folder: Made if it is not there.
        run_id: For the names of the files.

    Raises:
        CallerError: The folder has such files already, or is none.
    """
    prefix = f"quarantine-{run_id}"
    _check_folder(folder, prefix)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{prefix}-", dir=folder))
    try:
        writing = _Writing(unfinished, prefix, forms)
        for records in groups:
            writing.add(records)
        _check_folder(folder, prefix)
        _move_all(unfinished, folder)
    finally:
        shutil.rmtree(unfinished)
    return writing.result(folder)


def _check_folder(folder: Path, prefix: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise CallerError(f"--write {folder}: is no folder")
    there = sorted(path.name for path in folder.glob(f"{prefix}-*")) if folder.exists() else []
    if there:
        raise CallerError(f"--write {folder}: {there[0]} is there already; name another folder, or remove it")


def _move_all(unfinished: Path, folder: Path) -> None:
    """Move every file; if one cannot be, take back those that were."""
    moved: list[Path] = []
    try:
        for path in sorted(unfinished.iterdir()):
            moved.append(path.rename(folder / path.name))
    except OSError:
        for target in moved:
            target.unlink()
        raise


@dataclass(kw_only=True)
class _Target:
    """One file in the making; `content` and `reasons` have what is not in it yet."""

    path: Path
    form: SourceForm
    is_unparsed: bool
    next_number: int = 1
    record_count: int = 0
    content: bytearray = field(default_factory=bytearray)
    reasons: io.StringIO = field(default_factory=io.StringIO)

    @property
    def reasons_path(self) -> Path:
        return self.path.with_name(self.path.stem + _REASONS_SUFFIX)

    def begin(self) -> None:
        """Write what stands before the first record."""
        csv.writer(self.reasons, lineterminator="\n").writerow(("file_line_number", *_PLACE_HEADER))
        if self.form.format == "csv":
            mark, header = self.form.byte_order_mark, self.form.header
            self.content += b"" if header.startswith(mark) else mark
            if header:
                self._add_lines(header)

    def add(self, record: Mapping[str, Any]) -> None:
        """Add one record and the reason why it was held back."""
        lines = csv.writer(self.reasons, lineterminator="\n")
        lines.writerow((self.next_number, *_place(record)))
        self.record_count += 1
        if self.form.format == "csv":
            self._add_lines(record["raw"])
        elif self.form.format == "recordio":
            raw = record["raw"]
            self.content += raw + bytes(-len(raw) % 4)  # the last frame of a source may lack its padding
            self.next_number += 1
        else:  # between the tokens of JSON a line break is a space like any other
            self.content += record["raw"].replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
            self.next_number += 1

    def flush(self) -> None:
        """Append to the files what is not in them yet."""
        with self.path.open("ab") as stream:
            stream.write(self.content)
        with self.reasons_path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(self.reasons.getvalue())
        self.content, self.reasons = bytearray(), io.StringIO()

    def _add_lines(self, raw: bytes) -> None:
        line_feed = self.form.line_feed
        self.content += raw + line_feed
        is_wide = len(line_feed) > 1
        line_feeds = (
            raw.decode(self.form.record_encoding, "replace").count("\n") if is_wide else raw.count(line_feed)
        )
        self.next_number += 1 + line_feeds


class _Writing:
    """Sort records into files below one folder, appending after each group."""

    def __init__(self, folder: Path, prefix: str, forms: Mapping[str, SourceForm]) -> None:
        self._folder, self._prefix, self._forms = folder, prefix, forms
        self._targets: dict[tuple[SourceForm, bool], _Target] = {}
        self._unwritten: Counter[str] = Counter()
        self._unwritten_path = folder / f"{prefix}-unwritten{_REASONS_SUFFIX}"

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write some records."""
        unwritten: list[tuple[object, ...]] = []
        for record in records:
            form = self._forms.get(record["source_key"])
            cause = _obstacle(record, form)
            if form is not None and not cause:
                self._target(form, record["reason_code"]).add(record)
            else:
                self._unwritten[cause] += 1
                unwritten.append((*_place(record), cause))
        for target in self._targets.values():
            if target.reasons.tell():
                target.flush()
        if unwritten:
            self._list_unwritten(unwritten)

    def result(self, folder: Path) -> WrittenBack:
        """Say what is written, as it stands after everything was moved to `folder`."""
        return WrittenBack(
            files=tuple(
                WrittenFile(
                    path=folder / target.path.name,
                    reasons_path=folder / target.reasons_path.name,
                    record_count=target.record_count,
                    is_unparsed=target.is_unparsed,
                )
                for target in self._targets.values()
            ),
            unwritten_counts=dict(self._unwritten),
            unwritten_path=folder / self._unwritten_path.name if self._unwritten else None,
        )

    def _target(self, form: SourceForm, reason: str) -> _Target:
        is_unparsed = reason in _UNPARSED and form.format in _SPILLED
        if (form, is_unparsed) not in self._targets:
            name = f"{self._prefix}-{len(self._targets) + 1}" + ("-unparsed" if is_unparsed else "")
            path = self._folder / f"{name}{_SUFFIXES[form.format]}"
            target = self._targets[form, is_unparsed] = _Target(path=path, form=form, is_unparsed=is_unparsed)
            target.begin()
        return self._targets[form, is_unparsed]

    def _list_unwritten(self, rows: Iterable[tuple[object, ...]]) -> None:
        is_new = not self._unwritten_path.exists()
        with self._unwritten_path.open("a", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream, lineterminator="\n")
            if is_new:
                lines.writerow((*_PLACE_HEADER, "why_not_written"))
            lines.writerows(rows)


def _obstacle(record: Mapping[str, Any], form: SourceForm | None) -> str:
    """Return why a record cannot be written back; empty if it can."""
    if form is not None and form.format == "images":
        return OWN_FILE
    if not record["raw"]:
        return NO_BYTES
    if record["raw_byte_count"] > len(record["raw"]):
        return CUT_OFF
    if form is None or form.format not in _SUFFIXES:
        return NO_FORM
    is_text = form.format != "parquet" or record["reason_code"] != ReasonCode.INVALID_ENCODING.value
    return "" if is_text else NO_TEXT


def _place(record: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what the columns of _PLACE_HEADER say of a record, harmless in a spreadsheet."""
    return (
        harmless_text(record["source_key"]),
        record["line_number"],
        record["reason_code"],
        harmless_text(record["field"] or ""),
        harmless_text(record["message"]),
    )
