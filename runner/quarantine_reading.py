"""Read the quarantine of a run: counts by reason and field, a few examples, and every record in order.

Goes in: the Parquet files that preparation wrote, and those of records found late, which came with a score
and are held back all the same. Files are read one group of records at a time, so that memory does not grow
with the quarantine. Writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import CallerError, PlatformError, near_matches
from contracts.quarantine import QUARANTINE_SCHEMA, ReasonCode, SourceForm, read_source_forms
from runner.results import RunResults

LATE_FOLDER = "late_quarantine"
"""Beside the quarantine: records held back after preparation, without their raw bytes."""

DIGEST_PAGES = "*.digest.html"


@dataclass(frozen=True, kw_only=True)
class QuarantineFiles:
    """The files of one run's quarantine.

    Attributes:
        prepared: Written by the preparing instances.
        late: Written afterwards.
    """

    prepared: tuple[Path, ...]
    late: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them, in the order in which they are read."""
        return self.prepared + self.late


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which records are asked for; None means all.

    Attributes:
        reason: A reason code.
        source_key: Of one source object.
    """

    reason: str | None = None
    source_key: str | None = None

    def of(self, records: pa.Table) -> pa.Table:
        """Return the records that are asked for."""
        for column, wanted in (("reason_code", self.reason), ("source_key", self.source_key)):
            if wanted is not None:
                records = records.filter(pc.equal(records.column(column), wanted))
        return records


@dataclass(frozen=True, kw_only=True)
class QuarantineScan:
    """What is in a run's quarantine.

    Attributes:
        total: All of its records.
        late_count: Of these, the ones found after preparation.
        kinds: Selected records by reason code and field (None for a structural fault), most frequent first.
        source_counts: Selected records by source key, most frequent first.
        examples: The first selected records of each reason, as rows of the quarantine file.
        forms: How the sources are written, by source key, as far as it is known.
    """

    total: int
    late_count: int
    kinds: dict[tuple[str, str | None], int]
    source_counts: dict[str, int]
    examples: list[dict[str, Any]]
    forms: dict[str, SourceForm]

    @property
    def selected_count(self) -> int:
        """How many records are selected."""
        return sum(self.kinds.values())


def quarantine_files(results: RunResults) -> QuarantineFiles:
    """Return the quarantine files of a run; none if it did not get so far."""
    if results.quarantine is None:
        return QuarantineFiles(prepared=(), late=())
    late = results.quarantine.parent / LATE_FOLDER
    return QuarantineFiles(
        prepared=tuple(sorted(results.quarantine.glob("*.parquet"))),
        late=tuple(sorted(late.glob("*.parquet"))),
    )


def scan_quarantine(files: QuarantineFiles, selection: Selection, example_count: int) -> QuarantineScan:
    """Count the records and keep the first `example_count` of each reason.

    Raises:
        CallerError: There is no such reason code, or no quarantined record of such a source object.
        PlatformError: A file cannot be read.
    """
    scan = _Scan(selection, example_count)
    forms: dict[str, SourceForm] = {}
    late_count = 0
    for path in files.paths:
        forms = {**_forms(path), **forms}
        before = scan.total
        scan.read(path)
        late_count += scan.total - before if path in files.late else 0
    _check_selection(selection, scan)
    ranks = list(dict.fromkeys(reason for (reason, _), _ in _ranked(scan.kinds)))
    return QuarantineScan(
        total=scan.total,
        late_count=late_count,
        kinds=dict(_ranked(scan.kinds)),
        source_counts=dict(sorted(scan.source_counts.items(), key=lambda entry: (-entry[1], entry[0]))),
        examples=sorted(scan.examples, key=lambda record: ranks.index(record["reason_code"])),
        forms=forms,
    )


def selected_records(files: QuarantineFiles, selection: Selection) -> Iterator[list[dict[str, Any]]]:
    """Yield the selected records as rows of the quarantine file, a group at a time, in order.

    Raises:
        PlatformError: A file cannot be read.
    """
    for path in files.paths:
        with _naming(path), pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield selection.of(file.read_row_group(group)).to_pylist()


class _Scan:
    """Counts so far."""

    def __init__(self, selection: Selection, example_count: int) -> None:
        self._selection, self._example_count = selection, example_count
        self.total = 0
        self.reasons: set[str] = set()
        self.source_keys: set[str] = set()
        self.kinds: Counter[tuple[str, str | None]] = Counter()
        self.source_counts: Counter[str] = Counter()
        self.examples: list[dict[str, Any]] = []
        self._example_counts: Counter[str] = Counter()

    def read(self, path: Path) -> None:
        with _naming(path), pq.ParquetFile(path) as file:
            absent = [name for name in QUARANTINE_SCHEMA.names if name not in file.schema_arrow.names]
            if absent:
                raise ValueError(f"it lacks the columns {', '.join(absent)}")
            for group in range(file.num_row_groups):
                records = file.read_row_group(group, columns=["source_key", "reason_code", "field"])
                self._count(records)
                if self._wants(self._selection.of(records)):
                    self._keep_examples(self._selection.of(file.read_row_group(group)))

    def _count(self, records: pa.Table) -> None:
        self.total += records.num_rows
        self.reasons.update(pc.unique(records.column("reason_code")).to_pylist())
        self.source_keys.update(pc.unique(records.column("source_key")).to_pylist())
        selected = self._selection.of(records)
        kinds = selected.group_by(["reason_code", "field"]).aggregate([([], "count_all")])
        for kind in kinds.to_pylist():
            self.kinds[kind["reason_code"], kind["field"]] += kind["count_all"]
        for entry in pc.value_counts(selected.column("source_key")).to_pylist():
            self.source_counts[entry["values"]] += entry["counts"]

    def _wants(self, records: pa.Table) -> bool:
        reasons = pc.unique(records.column("reason_code")).to_pylist()
        return any(self._example_counts[reason] < self._example_count for reason in reasons)

    def _keep_examples(self, records: pa.Table) -> None:
        for reason in pc.unique(records.column("reason_code")).to_pylist():
            wanted = self._example_count - self._example_counts[reason]
            first = records.filter(pc.equal(records.column("reason_code"), reason)).slice(0, wanted)
            self._example_counts[reason] += first.num_rows
            self.examples += first.to_pylist()


def _check_selection(selection: Selection, scan: _Scan) -> None:
    reasons = {code.value for code in ReasonCode} | scan.reasons
    if selection.reason is not None and selection.reason not in reasons:
        raise CallerError(
            f"--reason {selection.reason!r}: no such code; {near_matches(selection.reason, reasons)}"
        )
    if selection.source_key is not None and selection.source_key not in scan.source_keys:
        near = (
            near_matches(selection.source_key, sorted(scan.source_keys))
            if scan.source_keys
            else "none is held back"
        )
        raise CallerError(f"--source {selection.source_key!r}: no record of it is held back; {near}")


def _ranked(kinds: Counter[tuple[str, str | None]]) -> Sequence[tuple[tuple[str, str | None], int]]:
    return sorted(kinds.items(), key=lambda entry: (-entry[1], entry[0][0], entry[0][1] or ""))


def _forms(path: Path) -> dict[str, SourceForm]:
    with _naming(path), pq.ParquetFile(path) as file:
        return read_source_forms(file.metadata.metadata)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file it was that could not be read."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PlatformError(f"{path}: cannot be read as a quarantine file: {reason}") from error
