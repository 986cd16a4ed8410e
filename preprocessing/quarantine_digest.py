"""What people want to know of a quarantine: counts by reason, field and source object, and a few examples.

Goes in: every quarantined record, one at a time, in order. Comes out: counts, and the digest as CSV. Memory
grows with the number of reasons, fields and source objects, never with the number of records.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass

from contracts.quarantine import SourceForm
from contracts.spreadsheet_text import harmless_text
from contracts.visible_text import visible_text
from preprocessing.records import QuarantinedRecord

EXAMPLES_PER_REASON = 5
DIGEST_HEADER = (
    "reason_code",
    "field",
    "record_count",
    "first_source_key",
    "first_line_number",
    "first_message",
)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One quarantined record, as people see it.

    Attributes:
        source_key: Source object that it came from.
        line_number: 1-based line or row in it.
        field: Name of the field that breaks the rule; empty for a structural fault.
        message: What is wrong with it.
        raw: Its first characters, see `contracts.visible_text`.
        raw_byte_count: How long the whole record is.
    """

    source_key: str
    line_number: int
    field: str
    message: str
    raw: str
    raw_byte_count: int


@dataclass(kw_only=True)
class KindCount:
    """How many records break one rule in one field, and the first of them."""

    record_count: int = 0
    first: tuple[str, int, str]


class QuarantineDigest:
    """Counts and examples, in the order in which the records were added.

    Attributes:
        reason_counts: Records by reason code.
        source_counts: Records by source key.
        kinds: By reason code and field name, which is empty for structural faults.
        examples: The first EXAMPLES_PER_REASON records by reason code.
    """

    def __init__(self) -> None:
        self.reason_counts: Counter[str] = Counter()
        self.source_counts: Counter[str] = Counter()
        self.kinds: dict[tuple[str, str], KindCount] = {}
        self.examples: dict[str, list[Example]] = {}

    @property
    def record_count(self) -> int:
        """How many records were added."""
        return self.reason_counts.total()

    def add(self, source_key: str, form: SourceForm | None, record: QuarantinedRecord) -> None:
        """Count one record, and keep it as an example if there are few of its reason."""
        reason, place = record.reason.value, record.place
        self.reason_counts[reason] += 1
        self.source_counts[source_key] += 1
        first = (source_key, place.line_number, record.told)
        self.kinds.setdefault((reason, record.field or ""), KindCount(first=first)).record_count += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES_PER_REASON:
            encoding = form.record_encoding if form is not None else "utf-8"
            examples.append(
                Example(
                    source_key=source_key,
                    line_number=place.line_number,
                    field=record.field or "",
                    message=record.told,
                    raw=visible_text(place.raw, encoding=encoding),
                    raw_byte_count=place.raw_byte_count,
                )
            )

    def csv_text(self) -> str:
        """Return the digest as CSV, one line for each reason and field, harmless in a spreadsheet."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(DIGEST_HEADER)
        for (reason, field), kind in sorted(self.kinds.items()):
            source_key, line_number, message = kind.first
            texts = [harmless_text(one) for one in (field, source_key, message)]
            lines.writerow([reason, texts[0], kind.record_count, texts[1], line_number, texts[2]])
        return text.getvalue()
