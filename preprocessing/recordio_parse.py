"""Parse one block of RecordIO-protobuf records into columns.

Every record of the block comes out once: as a row of the columns, or as a structural fault with its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.quarantine import MAX_RAW_BYTES, ReasonCode, SourceForm
from contracts.recordio import whole_messages
from contracts.recordio_groups import group_messages
from contracts.recordio_message import DamagedMessageError
from preprocessing.recordio_fields import read_fields
from preprocessing.recordio_numbers import joined
from preprocessing.records import ParsedBlock, RecordPlace, StructureFault, malformed


@dataclass(frozen=True, kw_only=True)
class RecordioBlock:
    """Whole, unparsed records of one source object.

    Attributes:
        content: The bytes, beginning with the first record.
        starts: Position of each record's first byte in `content`.
        ends: Position after each record, padding included.
        faults: Structural faults already found, by index of the record.
        parted: Indices of the records that have more than one frame.
        byte_offset: Of `content` in the source object.
        record_number: 1-based number of the first record.
        contract: Whose fields are read.
        raw_byte_count: Length of the block's only record, where `content` holds no more than its first bytes.
        source_bytes_done: As in RecordBlock.
    """

    content: bytes
    starts: np.ndarray
    ends: np.ndarray
    faults: dict[int, StructureFault]
    parted: tuple[int, ...]
    byte_offset: int
    record_number: int
    contract: DatasetContract
    raw_byte_count: int | None
    source_bytes_done: int

    @property
    def source_form(self) -> SourceForm:
        """As in RecordBlock."""
        return SourceForm(format="recordio")

    def parse(self) -> ParsedBlock:
        """Parse the block into columns and structural faults."""
        faults = dict(self.faults)
        rows, columns = _parse_rows(self, faults)
        return ParsedBlock(block=self, rows=rows, columns=columns, faults=faults)

    @property
    def record_count(self) -> int:
        """As in RecordBlock."""
        return len(self.starts)

    def line_numbers(self, indices: np.ndarray) -> np.ndarray:
        """As in RecordBlock."""
        numbers: np.ndarray = self.record_number + indices
        return numbers

    def place(self, index: int) -> RecordPlace:
        """Return where the record of that index stands; its line is its number."""
        start, end = int(self.starts[index]), int(self.ends[index])
        return RecordPlace(
            line_number=self.record_number + index,
            byte_offset=self.byte_offset + start,
            raw=self.content[start : min(end, start + MAX_RAW_BYTES)],
            raw_byte_count=end - start if self.raw_byte_count is None else self.raw_byte_count,
        )


def _parse_rows(
    block: RecordioBlock, faults: dict[int, StructureFault]
) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """Return the index of each row's record and the columns, adding to `faults` the records with neither."""
    sound = np.delete(np.arange(len(block.starts)), list(faults))
    content, starts, lengths = whole_messages(
        block.content,
        block.starts[sound],
        block.ends[sound],
        np.searchsorted(sound, block.parted).tolist(),
    )
    groups, message_faults = group_messages(content, starts, lengths)
    for position, message in message_faults.items():
        faults[int(sound[position])] = malformed(message)
    parsed: list[tuple[np.ndarray, dict[str, pa.Array]]] = []
    for group in groups:
        indices = sound[group.rows]
        try:
            columns, undecodable = read_fields(group, block.contract)
        except DamagedMessageError as error:
            fault = StructureFault(reason=error.reason, message=str(error))
            faults.update(dict.fromkeys(indices.tolist(), fault))
            continue
        parsed.append(_without(indices, columns, undecodable))
        for index in indices[undecodable].tolist():
            faults[index] = StructureFault(
                reason=ReasonCode.INVALID_ENCODING, message="has an id or text that is not UTF-8"
            )
    return _in_order(parsed, block.contract)


def _without(
    indices: np.ndarray, columns: dict[str, pa.Array], left_out: list[int]
) -> tuple[np.ndarray, dict[str, pa.Array]]:
    if not left_out:
        return indices, columns
    is_kept = np.ones(len(indices), dtype=bool)
    is_kept[left_out] = False
    kept = pa.array(is_kept)
    return indices[is_kept], {name: column.filter(kept) for name, column in columns.items()}


def _in_order(
    parsed: list[tuple[np.ndarray, dict[str, pa.Array]]], contract: DatasetContract
) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """Put the groups' records back into the order of the source."""
    rows = np.concatenate([np.empty(0, dtype=np.int64), *(indices for indices, _ in parsed)])
    order = np.argsort(rows, kind="stable")  # which is quick where there are a few runs in order
    taken = None if len(parsed) < 2 else pa.array(order)
    counts = [len(indices) for indices, _ in parsed]
    columns = {}
    for field in contract.fields:
        column = joined([found.get(field.name) for _, found in parsed], counts, field.type)
        columns[field.name] = column if taken is None else column.take(taken)
    return rows[order], columns
