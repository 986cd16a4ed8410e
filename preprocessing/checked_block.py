"""Judge every record of a block: the valid ones as typed columns, the others with their reasons.

Each record of the block comes out once. Plainly valid records of CSV take a fast way where there is one
(`csv_fast`); what that leaves, and every other format, is parsed and validated column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.errors import InternalError
from preprocessing.csv_fast import PlainRecords, read_plain_records
from preprocessing.csv_parse import CsvBlock
from preprocessing.records import QuarantinedRecord, RecordBlock
from preprocessing.validation import needed_columns, validate


@dataclass(frozen=True, kw_only=True)
class CheckedBlock:
    """What became of the records of one block.

    Attributes:
        valid: Id, features, label and kept columns of the valid records, typed, in order.
        valid_indices: Their indices in the block, ascending.
        quarantined: The other records, in the order of the source.
    """

    valid: pa.Table
    valid_indices: np.ndarray
    quarantined: list[QuarantinedRecord]


def check_block(
    block: RecordBlock, contract: DatasetContract, wire_name: str, kept_names: Sequence[str] = ()
) -> CheckedBlock:
    """Judge every record of `block`.

    Args:
        block: Not parsed yet.
        contract: The rules.
        wire_name: The wire format of the shards.
        kept_names: Fields that the valid records shall have beside id, features and label.

    Raises:
        InternalError: A record is neither valid nor quarantined: that must not happen.
    """
    checked = None
    if isinstance(block, CsvBlock):
        plain = read_plain_records(block, contract, wire_name, kept_names)
        if plain is not None:
            checked = _with_plain(plain, block, contract, wire_name, kept_names)
    checked = checked or _check_all(block, contract, wire_name, kept_names)
    found_count = len(checked.valid_indices) + len(checked.quarantined)
    if found_count != block.record_count or checked.valid.num_rows != len(checked.valid_indices):
        raise InternalError(
            f"a block of {block.record_count} records came to {checked.valid.num_rows} valid and "
            f"{len(checked.quarantined)} quarantined ones"
        )
    return checked


def _check_all(
    block: RecordBlock, contract: DatasetContract, wire_name: str, kept_names: Sequence[str]
) -> CheckedBlock:
    parsed = block.parse()
    validation = validate(parsed.columns, contract, wire_name, kept_names)
    quarantined = parsed.structure_faults + [
        QuarantinedRecord(
            place=parsed.place(fault.row), reason=fault.reason, field=fault.field, message=fault.message
        )
        for fault in validation.faults
    ]
    return CheckedBlock(
        valid=validation.valid,
        valid_indices=parsed.rows[validation.valid_rows],
        quarantined=sorted(quarantined, key=_order),
    )


def _with_plain(
    plain: PlainRecords, block: CsvBlock, contract: DatasetContract, wire_name: str, kept_names: Sequence[str]
) -> CheckedBlock:
    """Add what the careful way makes of the other records."""
    valid, indices = needed_columns(plain.columns, contract, wire_name, kept_names), plain.indices
    if not len(plain.others):
        return CheckedBlock(valid=valid, valid_indices=indices, quarantined=[])
    careful = _check_all(block.part(plain.others), contract, wire_name, kept_names)
    if careful.valid.num_rows:
        indices = np.concatenate((indices, plain.others[careful.valid_indices]))
        order = np.argsort(indices)
        valid, indices = pa.concat_tables((valid, careful.valid)).take(pa.array(order)), indices[order]
    return CheckedBlock(valid=valid, valid_indices=indices, quarantined=careful.quarantined)


def _order(record: QuarantinedRecord) -> tuple[int, int]:
    return record.place.line_number, record.place.byte_offset or 0
