"""Find the records with repeated ids in their source objects again, with place, bytes and message.

Places and bytes of valid records are not kept while shards are cut, since nearly all of them are never asked
for. So the source objects that hold such records are read a second time, and only the blocks in question are
parsed. A block's valid records are the same each time; if they are not, the source object was changed
meanwhile.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.arrow_files import arrow_bytes
from contracts.atomic_files import write_bytes
from contracts.dataset import DatasetContract
from contracts.duplicate_ids import duplicate_message
from contracts.id_digests import IdDigester
from contracts.quarantine import ReasonCode, SourceForm
from preprocessing.checked_block import check_block
from preprocessing.duplicates import Duplicates
from preprocessing.id_watch import IdWatch, WatchedBlock
from preprocessing.ordered_work import ordered_map
from preprocessing.readers import read_blocks
from preprocessing.record_places import with_places
from preprocessing.records import QuarantinedRecord, RecordBlock, RecordPlace
from preprocessing.source_objects import SourceFile, source_changed


@dataclass(frozen=True, kw_only=True)
class SecondReading:
    """How the source objects were read the first time.

    Attributes:
        files: All source objects.
        input_format: A reader's name, or `auto`.
        contract: The rules.
        wire_name: Name of the wire format.
        max_record_bytes: A longer record is faulty.
        window: Blocks in work at once.
    """

    files: list[SourceFile]
    input_format: str
    contract: DatasetContract
    wire_name: str
    max_record_bytes: int
    window: int


@dataclass(frozen=True, kw_only=True)
class DuplicateRecord:
    """One record that goes.

    Attributes:
        source_index: Position of its source object among all.
        source_form: How that is written.
        record: As it goes to quarantine.
    """

    source_index: int
    source_form: SourceForm
    record: QuarantinedRecord


@dataclass(frozen=True, kw_only=True)
class _WantedBlock:
    """A block to be parsed again, and which of the duplicates it holds: first to last, exclusive."""

    watched: WatchedBlock
    block: RecordBlock
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class _FoundBlock:
    """Where the duplicates of one block stand; the places and ids are those of the leaving ones."""

    wanted: _WantedBlock
    numbers: np.ndarray
    leaving: np.ndarray
    places: list[RecordPlace]
    ids: pa.ChunkedArray


class DuplicateReader:
    """Reads duplicates again, in the order of the source."""

    def __init__(self, reading: SecondReading, watch: IdWatch, duplicates: Duplicates) -> None:
        self._reading = reading
        self._watch = watch
        self._duplicates = duplicates
        self._line_numbers = np.zeros(len(duplicates.ordinals), dtype=np.int64)
        self._source_indices = np.zeros(len(duplicates.ordinals), dtype=np.int64)
        self._told: list[pa.Table] = []

    def records(self, executor: Executor) -> Iterator[DuplicateRecord]:
        """Yield every record that goes.

        Raises:
            PlatformError: A source object is not what it was at the first reading.
        """
        parse = functools.partial(
            _found, reading=self._reading, digester=self._watch.digester, duplicates=self._duplicates
        )
        for found in ordered_map(executor, parse, self._wanted_blocks(), self._reading.window):
            yield from self._records(found)

    def write_places(self, path: Path) -> None:
        """Write id and place of every record that went, in the form of a kept file."""
        write_bytes(path, arrow_bytes(pa.concat_tables(self._told)))

    def _wanted_blocks(self) -> Iterator[_WantedBlock]:
        bounds = [
            (block.first_ordinal, block.first_ordinal + block.valid_count) for block in self._watch.blocks
        ]
        positions = np.searchsorted(self._duplicates.ordinals, np.array(bounds))
        by_source: dict[int, dict[int, tuple[WatchedBlock, int, int]]] = {}
        for watched, (first, last) in zip(self._watch.blocks, positions.tolist(), strict=True):
            if first < last:
                by_source.setdefault(watched.source_index, {})[watched.number] = (watched, first, last)
        for source_index, wanted in by_source.items():
            for number, block in enumerate(self._blocks(source_index)):
                if number in wanted:
                    watched, first, last = wanted.pop(number)
                    yield _WantedBlock(watched=watched, block=block, first=first, last=last)
                if not wanted:
                    break
            if wanted:
                raise source_changed(self._reading.files[source_index])

    def _blocks(self, source_index: int) -> Iterator[RecordBlock]:
        reading = self._reading
        return read_blocks(
            reading.files[source_index], reading.input_format, reading.contract, reading.max_record_bytes
        )

    def _records(self, found: _FoundBlock) -> Iterator[DuplicateRecord]:
        source_index, first = found.wanted.watched.source_index, found.wanted.first
        source_key = self._reading.files[source_index].source_key
        self._line_numbers[first : found.wanted.last] = found.numbers
        self._source_indices[first : found.wanted.last] = source_index
        id_field = self._reading.contract.id_field
        ids = pa.table({id_field: found.ids})
        self._told.append(with_places(ids, source_key, found.numbers[found.leaving]))
        for position, place, value in zip(
            (first + found.leaving).tolist(), found.places, found.ids.to_pylist(), strict=True
        ):
            record = QuarantinedRecord(
                place=place,
                reason=ReasonCode.DUPLICATE_ID,
                field=id_field,
                message=duplicate_message(
                    id_field, value, int(self._duplicates.sizes[position]), self._first_place(position)
                ),
            )
            yield DuplicateRecord(
                source_index=source_index, source_form=found.wanted.block.source_form, record=record
            )

    def _first_place(self, position: int) -> str:
        first = int(self._duplicates.firsts[position])
        file = self._reading.files[int(self._source_indices[first])]
        return f"{file.source_key} line {self._line_numbers[first]}"


def _found(
    wanted: _WantedBlock, reading: SecondReading, digester: IdDigester, duplicates: Duplicates
) -> _FoundBlock:
    """Parse one block again and find its duplicates in it."""
    block = wanted.block
    checked = check_block(block, reading.contract, reading.wire_name)
    of_block = slice(wanted.first, wanted.last)
    positions = duplicates.ordinals[of_block] - wanted.watched.first_ordinal
    file = reading.files[wanted.watched.source_index]
    if checked.valid.num_rows != wanted.watched.valid_count:
        raise source_changed(file)
    ids = checked.valid.column(reading.contract.id_field).take(pa.array(positions))
    if not np.array_equal(digester.exact(ids), duplicates.exact[of_block]):
        raise source_changed(file)
    indices = checked.valid_indices[positions]
    leaving = np.flatnonzero(duplicates.is_leaving[of_block])
    return _FoundBlock(
        wanted=wanted,
        numbers=block.line_numbers(indices),
        leaving=leaving,
        places=[block.place(index) for index in indices[leaving].tolist()],
        ids=ids.take(pa.array(leaving)),
    )
