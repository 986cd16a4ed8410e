"""Parse one block of JSON objects into typed columns.

Every record of the block comes out once: as a row of the columns, or as a structural fault with its place.
Most records are read many at a time (`json_fast`); where that is refused, the records in question are found
by dividing, and read one by one (`json_careful`). The outcome is the same either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.quarantine import MAX_RAW_BYTES, SourceForm
from preprocessing.json_careful import CarefulRecord, read_json_record
from preprocessing.json_fast import COLUMN_TYPES, ReadPlan, plan_reading, read_many, suspicious_positions
from preprocessing.missing_fields import check_needed_fields, needed_fields
from preprocessing.records import ParsedBlock, RecordPlace, StructureFault
from preprocessing.typed_columns import mixed_column

SAMPLE_RECORDS = 12
"""Looked at before a block is read, to know as what its numbers are written."""

CAREFUL_RECORDS = 64
"""So few records are read one by one, where reading them together was refused."""

DIVISOR = 8
"""Into so many parts are records divided that could not be read together."""

OPENING, CLOSING = b"{}"


@dataclass(frozen=True, kw_only=True)
class JsonLayout:
    """Of which source object the records are, and what is read of them.

    Attributes:
        source_key: Of the source object.
        source_form: Its format.
        contract: Names the fields.
    """

    source_key: str
    source_form: SourceForm
    contract: DatasetContract


@dataclass(frozen=True, kw_only=True)
class JsonBlock:
    """Unparsed records of one source object.

    Attributes:
        content: The bytes; between records stands nothing but white space.
        starts: Position of each record's first byte in `content`.
        ends: Position after each record's last byte, its line end not included.
        line_feeds: Positions of all line feeds in `content`.
        faults: Structural faults already found, by index of the record.
        byte_offset: Of `content` in the source object.
        line_number: Of the first line of `content`.
        layout: How to read it.
        raw_byte_count: Length of the block's only record, where `content` holds no more than its first bytes.
        source_bytes_done: As in RecordBlock.
        is_first: It is the first block of its source object.
    """

    content: bytes
    starts: np.ndarray
    ends: np.ndarray
    line_feeds: np.ndarray
    faults: dict[int, StructureFault]
    byte_offset: int
    line_number: int
    layout: JsonLayout
    raw_byte_count: int | None = None
    source_bytes_done: int
    is_first: bool

    @property
    def source_form(self) -> SourceForm:
        """As in RecordBlock."""
        return self.layout.source_form

    def parse(self) -> ParsedBlock:
        """Parse the block into columns and structural faults.

        Raises:
            CallerError: It is the first block, and none of its objects has any field that the run needs.
        """
        parsing = _Parsing(self)
        columns = parsing.columns()
        if self.is_first:
            parsing.check_is_right_source()
        return ParsedBlock(block=self, rows=parsing.rows, columns=columns, faults=parsing.faults)

    def record(self, index: int) -> bytes:
        """Return the bytes of the record of that index."""
        return self.content[int(self.starts[index]) : int(self.ends[index])]

    @property
    def record_count(self) -> int:
        """As in RecordBlock."""
        return len(self.starts)

    def line_numbers(self, indices: np.ndarray) -> np.ndarray:
        """As in RecordBlock."""
        numbers: np.ndarray = self.line_number + np.searchsorted(self.line_feeds, self.starts[indices])
        return numbers

    def place(self, index: int) -> RecordPlace:
        """Return where the record of that index stands."""
        start = int(self.starts[index])
        raw = self.record(index)
        return RecordPlace(
            line_number=self.line_number + int(np.searchsorted(self.line_feeds, start)),
            byte_offset=self.byte_offset + start,
            raw=raw[:MAX_RAW_BYTES],
            raw_byte_count=len(raw) if self.raw_byte_count is None else self.raw_byte_count,
        )


class _Parsing:
    """One block on its way into columns.

    Attributes:
        faults: By index of the record.
        rows: Index of each row's record.
    """

    def __init__(self, block: JsonBlock) -> None:
        self._block = block
        self._contract = block.layout.contract
        self.faults = dict(block.faults)
        self._pieces: list[tuple[np.ndarray, dict[str, pa.Array]]] = []
        self._misfits: dict[str, dict[int, str]] = {}
        self.rows = np.array([], dtype=np.int64)

    def columns(self) -> dict[str, pa.Array]:
        """Read all records; return the columns of those that are JSON objects, in order."""
        sound = np.delete(np.arange(len(self._block.starts)), list(self.faults))
        plan = self._plan(sound)
        is_plain = ~np.isin(sound, _suspicious(self._block))
        pending = [sound[is_plain]]
        apart = [sound[~is_plain]]
        while pending:
            indices = pending.pop()
            columns = self._together(indices, plan)
            if columns is not None:
                self._pieces.append((indices, columns))
            elif len(indices) <= CAREFUL_RECORDS:
                apart.append(indices)
            else:
                pending += np.array_split(indices, DIVISOR)
        self._one_by_one(np.sort(np.concatenate(apart)))
        return self._assembled()

    def check_is_right_source(self) -> None:
        """Raise a CallerError if there are objects and none has any field that the run needs."""
        needed = {field.name for field in needed_fields(self._contract)}
        names: tuple[str, ...] | None = None
        for index in self.rows.tolist():
            record = self._read(index)
            found = record.names if isinstance(record, CarefulRecord) else ()
            if not needed.isdisjoint(found):
                return
            names = found if names is None else names
        if names is not None:
            layout = self._block.layout
            what, listed = "the first record", "its keys are"
            check_needed_fields(layout.source_key, names, self._contract, what=what, listed=listed)

    def _read(self, index: int) -> CarefulRecord | StructureFault:
        return read_json_record(
            self._block.record(index), self._contract.fields, self._contract.missing_values
        )

    def _plan(self, sound: np.ndarray) -> ReadPlan:
        chosen = np.linspace(0, len(sound) - 1, min(SAMPLE_RECORDS, len(sound))).astype(np.int64)
        samples = [self._read(index) for index in sound[chosen].tolist()]
        read = [record for record in samples if isinstance(record, CarefulRecord)]
        block = self._block
        lines = np.searchsorted(block.line_feeds, block.starts), np.searchsorted(block.line_feeds, block.ends)
        return plan_reading(self._contract, read, has_line_feeds=not np.array_equal(*lines))

    def _together(self, indices: np.ndarray, plan: ReadPlan) -> dict[str, pa.Array] | None:
        if not len(indices):
            return {field.name: pa.array([], COLUMN_TYPES[field.type]) for field in self._contract.fields}
        return read_many(_joined(self._block, indices), len(indices), plan)

    def _one_by_one(self, indices: np.ndarray) -> None:
        rows: list[int] = []
        values: dict[str, list[Any]] = {field.name: [] for field in self._contract.fields}
        for index in indices.tolist():
            record = self._read(index)
            if isinstance(record, StructureFault):
                self.faults[index] = record
                continue
            rows.append(index)
            for name, value in record.values.items():
                values[name].append(value)
            for name, shown in record.misfits.items():
                self._misfits.setdefault(name, {})[index] = shown
        columns = {
            field.name: pa.array(values[field.name], type=COLUMN_TYPES[field.type])
            for field in self._contract.fields
        }
        self._pieces.append((np.array(rows, dtype=np.int64), columns))

    def _assembled(self) -> dict[str, pa.Array]:
        pieces = [piece for piece in self._pieces if len(piece[0])] or self._pieces[:1]
        unordered = np.concatenate([indices for indices, _ in pieces])
        order = np.argsort(unordered)
        self.rows = unordered[order]
        columns = {}
        for field in self._contract.fields:
            column = pieces[0][1][field.name]
            if len(pieces) > 1:
                column = pa.concat_arrays([columns_of[field.name] for _, columns_of in pieces])
                column = column.take(pa.array(order))
            misfits = self._misfits.get(field.name)
            if misfits:
                shown = [misfits.get(index) for index in self.rows.tolist()]
                column = mixed_column(column, pa.array(shown, type=pa.string()))
            columns[field.name] = column
        return columns


def _suspicious(block: JsonBlock) -> np.ndarray:
    """Return the indices of the records that have to be read one by one, some of them twice."""
    if not len(block.starts):
        return block.starts
    values = np.frombuffer(block.content, dtype=np.uint8)
    has_bytes = block.ends > block.starts
    firsts = values[np.where(has_bytes, block.starts, 0)]
    lasts = values[np.where(has_bytes, block.ends - 1, 0)]
    no_braces = np.flatnonzero(~has_bytes | (firsts != OPENING) | (lasts != CLOSING))
    no_numbers = np.searchsorted(block.ends, suspicious_positions(block.content), side="right")
    return np.concatenate([no_braces, no_numbers, _not_utf8(block, values)])


def _not_utf8(block: JsonBlock, values: np.ndarray) -> np.ndarray:
    if block.content.isascii() or _is_utf8(block.content):
        return block.starts[:0]
    beyond_ascii = np.flatnonzero(values >= 0x80)
    indices = np.unique(np.searchsorted(block.ends, beyond_ascii, side="right"))
    is_wrong = [index < len(block.ends) and not _is_utf8(block.record(index)) for index in indices.tolist()]
    return np.asarray(indices[np.array(is_wrong, dtype=bool)])


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _joined(block: JsonBlock, indices: np.ndarray) -> memoryview | bytes:
    """Return the bytes of those records one after the other, without a copy where they already are."""
    starts, ends = block.starts[indices], block.ends[indices]
    content = memoryview(block.content)
    gaps = np.flatnonzero(np.diff(indices) != 1)
    if not len(gaps):
        return content[int(starts[0]) : int(ends[-1])]
    run_starts = starts[np.concatenate(([0], gaps + 1))]
    run_ends = ends[np.concatenate((gaps, [len(ends) - 1]))]
    runs = zip(run_starts.tolist(), run_ends.tolist(), strict=True)
    return b"\n".join([content[start:end] for start, end in runs])
