"""Write quarantined records: one Parquet file for machines, one short CSV digest for people.

Both appear whole or not at all, also when nothing was quarantined: a later job that reads their prefix would
fail if it held no object. Memory is bounded: records are
written in groups, and the digest has one line for each reason and field.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from contracts.atomic_files import write_bytes
from contracts.quarantine import QUARANTINE_SCHEMA
from contracts.spreadsheet_text import harmless_text
from preprocessing.records import QuarantinedRecord

GROUP_RECORDS = 10_000
GROUP_RAW_BYTES = 32 * 1024 * 1024
DIGEST_HEADER = (
    "reason_code",
    "field",
    "record_count",
    "first_source_key",
    "first_line_number",
    "first_message",
)


class QuarantineFile:
    """The quarantine of one instance, filled in the order of the source; use as a context manager."""

    def __init__(self, folder: Path, host: str) -> None:
        self._path = folder / f"{host}.parquet"
        self._unfinished_path = folder / f".{host}.parquet.unfinished"
        self._digest_path = folder / f"{host}.digest.csv"
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._rows: list[dict[str, object]] = []
        self._raw_bytes = 0
        self._digest: dict[tuple[str, str], list[object]] = {}
        self.reason_counts: dict[str, int] = {}

    def __enter__(self) -> QuarantineFile:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is None:
            self._finish()
        elif self._writer is not None:
            self._writer.close()
            self._unfinished_path.unlink(missing_ok=True)

    def add(self, source_key: str, record: QuarantinedRecord) -> None:
        """Keep one record."""
        reason = record.reason.value
        self.reason_counts[reason] = self.reason_counts.get(reason, 0) + 1
        first = [0, source_key, record.place.line_number, record.message]
        entry = self._digest.setdefault((reason, record.field or ""), first)
        entry[0] = int(str(entry[0])) + 1
        self._rows.append(
            {
                "source_key": source_key,
                "line_number": record.place.line_number,
                "byte_offset": record.place.byte_offset,
                "reason_code": reason,
                "field": record.field,
                "message": record.message,
                "raw": record.place.raw,
                "raw_byte_count": record.place.raw_byte_count,
            }
        )
        self._raw_bytes += len(record.place.raw)
        if len(self._rows) >= GROUP_RECORDS or self._raw_bytes >= GROUP_RAW_BYTES:
            self._write_group()

    def _write_group(self) -> pyarrow.parquet.ParquetWriter:
        if self._writer is None:
            self._unfinished_path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pyarrow.parquet.ParquetWriter(
                self._unfinished_path, QUARANTINE_SCHEMA, compression="snappy"
            )
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=QUARANTINE_SCHEMA))
        self._rows, self._raw_bytes = [], 0
        return self._writer

    def _finish(self) -> None:
        if self._rows or self._writer is None:
            self._write_group().close()
        else:
            self._writer.close()
        self._unfinished_path.replace(self._path)
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(DIGEST_HEADER)
        for (reason, field), entry in sorted(self._digest.items()):
            count, source_key, line_number, message = entry
            texts = [harmless_text(str(text)) for text in (field, source_key, message)]
            lines.writerow([reason, texts[0], count, texts[1], line_number, texts[2]])
        write_bytes(self._digest_path, text.getvalue().encode())
