"""Write quarantined records: a Parquet file for machines; a short CSV digest and an HTML page for people.

    <host>.parquet        every record, whole up to MAX_RAW_BYTES, and how its source is written
    <host>.digest.csv     one line for each reason and field
    <host>.digest.html    counts and a few examples, for a browser

Each appears whole or not at all, also when nothing was quarantined: a later job that reads their prefix would
fail if it held no object. Memory is bounded: records are written in groups. Nothing is left out: the file is
as large as the quarantine.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from contracts.atomic_files import write_bytes
from contracts.quarantine import QUARANTINE_SCHEMA, SOURCE_FORMS_KEY, SourceForm, source_forms_text
from preprocessing.quarantine_digest import QuarantineDigest
from preprocessing.records import QuarantinedRecord

GROUP_RECORDS = 10_000
GROUP_RAW_BYTES = 32 * 1024 * 1024


def load_page() -> None:
    """Import the template engine and compile the page, on a thread, so that the end need not wait for it."""
    from preprocessing.quarantine_page import page_template  # noqa: PLC0415 - slow to load

    page_template()


class QuarantineFile:
    """The quarantine of one instance, filled in the order of the source; use as a context manager.

    Attributes:
        digest: Counts and examples of what was added.
    """

    def __init__(self, folder: Path, host: str) -> None:
        self._folder, self._host = folder, host
        self._unfinished_path = folder / f".{host}.parquet.unfinished"
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._rows: list[dict[str, object]] = []
        self._raw_bytes = 0
        self._forms: dict[str, SourceForm] = {}
        self.digest = QuarantineDigest()

    def __enter__(self) -> QuarantineFile:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        try:
            if error_type is None:
                self._finish()
            elif self._writer is not None:
                self._writer.close()
        finally:
            self._unfinished_path.unlink(missing_ok=True)

    @property
    def reason_counts(self) -> dict[str, int]:
        """Records added so far, by reason code."""
        return dict(self.digest.reason_counts)

    def add(self, source_key: str, source_form: SourceForm | None, record: QuarantinedRecord) -> None:
        """Keep one record.

        Args:
            source_key: Of its source object.
            source_form: How that is written (`RecordBlock.source_form`), or None where nobody knows: then
                the records of the object can be written back only if another one of it came with the form.
            record: The record.
        """
        self.digest.add(source_key, source_form, record)
        if source_form is not None and source_key not in self._forms:
            self._forms[source_key] = source_form
        self._rows.append(
            {
                "source_key": source_key,
                "line_number": record.place.line_number,
                "byte_offset": record.place.byte_offset,
                "reason_code": record.reason.value,
                "field": record.field,
                "message": record.told,
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
        from preprocessing.quarantine_page import render_page  # noqa: PLC0415 - slow to load

        writer = self._write_group() if self._rows or self._writer is None else self._writer
        writer.add_key_value_metadata({SOURCE_FORMS_KEY: source_forms_text(self._forms)})
        writer.close()
        self._unfinished_path.replace(self._folder / f"{self._host}.parquet")
        write_bytes(self._folder / f"{self._host}.digest.csv", self.digest.csv_text().encode())
        write_bytes(self._folder / f"{self._host}.digest.html", render_page(self.digest, self._host))
