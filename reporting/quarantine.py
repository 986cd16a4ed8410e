"""Count the quarantined records by reason, and keep a few of each to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import PlatformError
from contracts.quarantine import QUARANTINE_SCHEMA, SourceForm, read_source_forms
from contracts.visible_text import visible_text
from reporting.damage import naming_damage

EXAMPLES_PER_REASON = 3
_BATCH_RECORDS = 16_384
_SHOWN_COLUMNS = ["source_key", "line_number", "reason_code", "field", "message", "raw", "raw_byte_count"]


@dataclass(frozen=True, kw_only=True)
class QuarantinedExample:
    """One quarantined record, for people.

    Attributes:
        source_key: Source object that it came from.
        line_number: 1-based line or row in it.
        reason_code: Why it is held back.
        message: Why, in words.
        raw: Its first characters, see `contracts.visible_text`.
        raw_byte_count: How long the whole record is.
    """

    source_key: str
    line_number: int
    reason_code: str
    message: str
    raw: str
    raw_byte_count: int


@dataclass(frozen=True, kw_only=True)
class QuarantineDigest:
    """What is in a run's quarantine.

    Attributes:
        reason_counts: Records by reason code, most frequent first.
        examples: At most EXAMPLES_PER_REASON records of each reason.
    """

    reason_counts: dict[str, int]
    examples: tuple[QuarantinedExample, ...]


def read_quarantine(folder: Path) -> QuarantineDigest:
    """Read every Parquet file below `folder`; a folder that is empty or missing holds no records.

    Raises:
        PlatformError: A file cannot be read, or is no quarantine file.
    """
    counts: Counter[str] = Counter()
    examples: list[QuarantinedExample] = []
    for path in sorted(folder.rglob("*.parquet")):
        with naming_damage(PlatformError, f"{path}: cannot be read as a quarantine file"):
            _read_file(path, counts, examples)
    ordered = dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
    ranks = {reason: position for position, reason in enumerate(ordered)}
    examples.sort(key=lambda example: ranks[example.reason_code])
    return QuarantineDigest(reason_counts=ordered, examples=tuple(examples))


def add_up_quarantine(first: QuarantineDigest, second: QuarantineDigest) -> QuarantineDigest:
    """Return what is in two quarantines together."""
    counts = Counter(first.reason_counts) + Counter(second.reason_counts)
    ordered = dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
    examples = (*first.examples, *second.examples)
    return QuarantineDigest(
        reason_counts=ordered,
        examples=tuple(
            example
            for reason in ordered
            for example in [one for one in examples if one.reason_code == reason][:EXAMPLES_PER_REASON]
        ),
    )


def _read_file(path: Path, counts: Counter[str], examples: list[QuarantinedExample]) -> None:
    with pq.ParquetFile(path) as file:
        absent = [name for name in QUARANTINE_SCHEMA.names if name not in file.schema_arrow.names]
        if absent:
            raise pa.ArrowInvalid(f"it lacks the columns {absent}")
        forms = read_source_forms(file.metadata.metadata)
        for batch in _batches(file):
            for entry in pc.value_counts(batch.column("reason_code")).to_pylist():
                reason = entry["values"]
                wanted = max(0, EXAMPLES_PER_REASON - counts[reason])
                counts[reason] += entry["counts"]
                if wanted:
                    chosen = batch.filter(pc.equal(batch.column("reason_code"), reason)).slice(0, wanted)
                    examples.extend(_example(record, forms) for record in chosen.to_pylist())


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Yield the records group by group: a batch across groups would hold the raw bytes of all of them."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(batch_size=_BATCH_RECORDS, columns=_SHOWN_COLUMNS, row_groups=[group])


def _example(record: dict[str, Any], forms: Mapping[str, SourceForm]) -> QuarantinedExample:
    form = forms.get(record["source_key"])
    encoding = "utf-8" if form is None else form.record_encoding
    return QuarantinedExample(
        source_key=record["source_key"],
        line_number=record["line_number"],
        reason_code=record["reason_code"],
        message=record["message"],
        raw=visible_text(record["raw"], encoding=encoding),
        raw_byte_count=record["raw_byte_count"],
    )
