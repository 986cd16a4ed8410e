"""Parse one block of CSV into columns of text.

The source's encoding ends here: columns are UTF-8. Every record of the block comes out once: as a row of the
columns, or as a structural fault with its place. Parsing is pyarrow's; that its rows are the records that the
scan found is checked, and where they differ, the records in question are found by halving and quarantined.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from contracts.dataset import Field
from contracts.quarantine import MAX_RAW_BYTES, ReasonCode, SourceForm
from preprocessing.csv_text import UTF8_MARK, TextEncoding
from preprocessing.records import ParsedBlock, RecordPlace, StructureFault, malformed, too_large


@dataclass(frozen=True, kw_only=True)
class CsvLayout:
    """Which columns of a CSV source object are read, and as what.

    Attributes:
        source_key: Of the source object.
        source_form: With the header as it stands in the source.
        column_names: One for each field of a record, by position: `f0`, `f1`, …
        columns_origin: What says how many fields there are: `header` or `contract`.
        fields: The contract's fields that the source has, in the contract's order.
        positions: Of those fields in a record, from 0.
        missing_values: Texts that mean "no value".
        delimiter: Between fields.
        encoding: Of the source's text.
        max_record_bytes: More bytes of UTF-8 no payload can hold.
    """

    source_key: str
    source_form: SourceForm
    column_names: list[str]
    columns_origin: str
    fields: tuple[Field, ...]
    positions: tuple[int, ...]
    missing_values: tuple[str, ...]
    delimiter: str
    encoding: TextEncoding
    max_record_bytes: int


@dataclass(frozen=True, kw_only=True)
class CsvBlock:
    """Scanned, unparsed records of one source object.

    Attributes:
        content: The bytes; blank lines and the header may stand between and before records.
        starts: Position of each record's first byte in `content`.
        ends: Position after each record.
        line_feeds: Positions of all line feeds in `content`.
        faults: Structural faults already found, by index of the record.
        byte_offset: Of `content` in what was scanned of the source object.
        line_number: Of the first line of `content`.
        layout: How to read it.
        raw_byte_count: Length of the block's only record, without its line end, where `content` holds no
            more than its first bytes.
        source_bytes_done: As in RecordBlock.
    """

    content: bytes
    starts: np.ndarray
    ends: np.ndarray
    line_feeds: np.ndarray
    faults: dict[int, StructureFault]
    byte_offset: int
    line_number: int
    layout: CsvLayout
    raw_byte_count: int | None
    source_bytes_done: int

    @property
    def source_form(self) -> SourceForm:
        """As in RecordBlock."""
        return self.layout.source_form

    def parse(self) -> ParsedBlock:
        """Parse the block into columns and structural faults."""
        faults = dict(self.faults)
        _find_encoding_faults(self, faults)
        _find_grown_records(self, faults)
        rows, table = _parse_rows(self, faults)
        columns = {
            entry.name: _one_array(table.column(f"f{position}"))
            for entry, position in zip(self.layout.fields, self.layout.positions, strict=True)
        }
        return ParsedBlock(block=self, rows=rows, columns=columns, faults=faults)

    @property
    def record_count(self) -> int:
        """As in RecordBlock."""
        return len(self.starts)

    def part(self, indices: np.ndarray) -> CsvBlock:
        """Return a block of the records of those indices, ascending, and no others."""
        numbers = {int(index): number for number, index in enumerate(indices)} if self.faults else {}
        faults = {numbers[index]: fault for index, fault in self.faults.items() if index in numbers}
        return dataclasses.replace(self, starts=self.starts[indices], ends=self.ends[indices], faults=faults)

    def line_numbers(self, indices: np.ndarray) -> np.ndarray:
        """As in RecordBlock."""
        numbers: np.ndarray = self.line_number + np.searchsorted(self.line_feeds, self.starts[indices])
        return numbers

    def place(self, index: int) -> RecordPlace:
        """Return where the record of that index stands."""
        start, end = int(self.starts[index]), int(self.ends[index])
        raw = self.content[start:end]
        encoding = self.layout.encoding
        if self.raw_byte_count is None:
            raw = without_line_end(raw)
        raw = encoding.raw(raw)
        return RecordPlace(
            line_number=self.line_number + int(np.searchsorted(self.line_feeds, start)),
            byte_offset=self.byte_offset + start if encoding.has_byte_offsets else None,
            raw=raw[:MAX_RAW_BYTES],
            raw_byte_count=len(raw) if self.raw_byte_count is None else self.raw_byte_count,
        )


def without_line_end(raw: bytes) -> bytes:
    """Return a record's bytes without the LF or CR LF that ends it, or the CR that ends the source."""
    return raw.removesuffix(b"\n").removesuffix(b"\r")


def _find_encoding_faults(block: CsvBlock, faults: dict[int, StructureFault]) -> None:
    """Note each record that is wrongly encoded, looking at them one by one only where the whole is."""
    if block.raw_byte_count is not None:
        return  # its only record is held back already, and cut anywhere
    content, encoding = _joined(block, np.arange(len(block.starts))), block.layout.encoding
    if encoding.fault(content) is None:
        return
    beyond_ascii = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) >= 0x80)
    joined_ends = np.cumsum(block.ends - block.starts)
    for index in np.unique(np.searchsorted(joined_ends, beyond_ascii, side="right")).tolist():
        found = encoding.fault(block.content[int(block.starts[index]) : int(block.ends[index])])
        if found is not None:
            faults.setdefault(index, StructureFault(reason=ReasonCode.INVALID_ENCODING, message=found))


def _find_grown_records(block: CsvBlock, faults: dict[int, StructureFault]) -> None:
    """Note each record that is too large as UTF-8, though not as it stands in the source."""
    layout = block.layout
    for index in np.flatnonzero(
        (block.ends - block.starts) * layout.encoding.growth > layout.max_record_bytes
    ):
        content = block.content[int(block.starts[index]) : int(block.ends[index])]
        if int(index) not in faults and len(layout.encoding.utf8(content)) > layout.max_record_bytes:
            byte_count = len(layout.encoding.utf8(content))
            faults[int(index)] = too_large(byte_count, layout.max_record_bytes)


def _parse_rows(block: CsvBlock, faults: dict[int, StructureFault]) -> tuple[np.ndarray, pa.Table]:
    """Return the parsed rows with the index of each one's record, adding to `faults` what has none."""
    sound = np.arange(len(block.starts))
    if faults:
        sound = np.delete(sound, list(faults))
    parsed: list[tuple[np.ndarray, pa.Table]] = []
    pending = [sound]
    while pending:
        indices = pending.pop()
        table, wrong_counts = _read(block, indices)
        is_agreed = table.num_rows + len(wrong_counts) == len(indices)
        if is_agreed:
            for number, message in wrong_counts.items():
                faults[int(indices[number])] = StructureFault(
                    reason=ReasonCode.WRONG_FIELD_COUNT, message=message
                )
            parsed.append((np.delete(indices, list(wrong_counts)), table))
        elif len(indices) == 1:
            message = "the record cannot be parsed as one record"
            faults[int(indices[0])] = malformed(message)
        else:
            middle = len(indices) // 2
            pending += [indices[middle:], indices[:middle]]
    if not parsed:
        return sound[:0], _read(block, sound[:0])[0]
    return np.concatenate([rows for rows, _ in parsed]), pa.concat_tables([table for _, table in parsed])


def _read(block: CsvBlock, indices: np.ndarray) -> tuple[pa.Table, dict[int, str]]:
    """Parse some records; return the rows, and messages by position in `indices` of the ragged ones."""
    types = {f"f{position}": pa.string() for position in block.layout.positions}
    if not len(indices):
        return pa.table({name: pa.array([], type=kind) for name, kind in types.items()}), {}
    content = block.layout.encoding.utf8(_joined(block, indices))
    if content[: len(UTF8_MARK)] == UTF8_MARK:
        content = UTF8_MARK + bytes(content)  # pyarrow drops one, wherever in the source these bytes stand
    wrong_counts: dict[int, str] = {}

    def note_wrong_count(row: Any) -> str:
        origin = block.layout.columns_origin
        message = f"has {row.actual_columns} fields, the {origin} has {row.expected_columns}"
        wrong_counts[row.number - 1] = message
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(content)),
        read_options=pyarrow.csv.ReadOptions(
            column_names=block.layout.column_names,
            block_size=len(content) + 1,
            use_threads=False,
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=block.layout.delimiter, newlines_in_values=True, invalid_row_handler=note_wrong_count
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=list(block.layout.missing_values),
            strings_can_be_null=True,
            check_utf8=False,
        ),
    )
    return table, wrong_counts


def _joined(block: CsvBlock, indices: np.ndarray) -> memoryview | bytes:
    """Return the bytes of those records one after the other, without a copy where they already are."""
    starts, ends = block.starts[indices], block.ends[indices]
    gaps = np.flatnonzero(starts[1:] != ends[:-1])
    content = memoryview(block.content)
    if not len(gaps):
        return content[int(starts[0]) : int(ends[-1])]
    run_starts = starts[np.concatenate(([0], gaps + 1))]
    run_ends = ends[np.concatenate((gaps, [len(ends) - 1]))]
    runs = zip(run_starts.tolist(), run_ends.tolist(), strict=True)
    return b"".join([content[start:end] for start, end in runs])


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
