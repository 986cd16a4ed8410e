"""Check columns of text or typed values against the dataset contract and type them.

Goes in: the columns of one block. Comes out: typed columns of the records that keep every rule, and for each
other record the first rule it breaks and a message that names all of them. Opens no file, drops nothing.

A missing value (null) breaks `required` and no other rule; in the label it breaks none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.errors import bounded
from contracts.quarantine import ReasonCode
from preprocessing.field_rules import Breach, check_field, is_required, missing_column
from preprocessing.typed_columns import shown_values

MAX_RECORD_MESSAGE_CHARS = 600


@dataclass(frozen=True, kw_only=True)
class RecordFault:
    """Why the record of one row is held back.

    Attributes:
        row: Its row in the columns that were checked.
        reason: The first rule it breaks, fields in the contract's order.
        field: Name of the field that breaks that rule.
        message: Every rule it breaks, shortened to MAX_RECORD_MESSAGE_CHARS.
    """

    row: int
    reason: ReasonCode
    field: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What a block's records come to.

    Attributes:
        valid: Id, features, excluded list, label and kept columns (null where the source has none), each
            once, typed, of the valid records, in order.
        valid_rows: Their rows in the columns that were checked, ascending.
        faults: The other records, in order.
    """

    valid: pa.Table
    valid_rows: np.ndarray
    faults: list[RecordFault]


def validate(
    columns: dict[str, pa.Array],
    contract: DatasetContract,
    wire_name: str,
    kept_names: Sequence[str] = (),
) -> Validation:
    """Check every field that the contract describes and the columns have.

    Args:
        columns: Text or typed values by field name (`typed_columns`), all of one length, null where missing.
        contract: The rules.
        wire_name: The wire format of the shards: `csv` lines cannot carry an id with a line break.
        kept_names: Further fields that the valid records shall have.
    """
    typed: dict[str, pa.Array] = {}
    breaches: list[Breach] = []
    for field in contract.fields:
        if field.name in columns:
            values, broken = check_field(columns[field.name], field, contract, wire_name)
            typed[field.name] = values
            breaches += broken
    valid = needed_columns(typed, contract, wire_name, kept_names)
    if not breaches:
        return Validation(valid=valid, valid_rows=np.arange(valid.num_rows), faults=[])
    bad_rows = np.unique(np.concatenate([breach.rows for breach in breaches]))
    is_valid = np.ones(valid.num_rows, dtype=bool)
    is_valid[bad_rows] = False
    return Validation(
        valid=valid.filter(pa.array(is_valid)),
        valid_rows=np.flatnonzero(is_valid),
        faults=_faults(breaches, columns),
    )


def needed_columns(
    typed: dict[str, pa.Array], contract: DatasetContract, wire_name: str, kept_names: Sequence[str]
) -> pa.Table:
    """Return id, features, excluded list, label and kept columns, each once.

    One that `typed` does not have is null. Those that are required of a valid record are not nullable, which
    spares shards their null levels.
    """
    needed = {name: typed[name] for name in (contract.id_field, *contract.sent_names)}
    row_count = len(typed[contract.id_field])
    for name in (*([contract.label] if contract.label else []), *kept_names):
        if name not in needed:
            needed[name] = (
                typed[name]
                if name in typed
                else missing_column(contract.field(name), contract, wire_name, row_count)
            )
    schema = [
        pa.field(name, values.type, nullable=not is_required(contract.field(name), contract))
        for name, values in needed.items()
    ]
    return pa.table(needed, schema=pa.schema(schema))


def _faults(breaches: list[Breach], columns: dict[str, pa.Array]) -> list[RecordFault]:
    by_row: dict[int, list[tuple[Breach, str]]] = {}
    for breach in breaches:
        values = shown_values(columns[breach.field].take(pa.array(breach.rows)))
        for row, value in zip(breach.rows.tolist(), values, strict=True):
            by_row.setdefault(row, []).append((breach, _phrase(breach, value)))
    return [
        RecordFault(
            row=row,
            reason=broken[0][0].reason,
            field=broken[0][0].field,
            message=bounded("; ".join(phrase for _, phrase in broken), MAX_RECORD_MESSAGE_CHARS),
        )
        for row, broken in sorted(by_row.items())
    ]


def _phrase(breach: Breach, value: str | None) -> str:
    if value is None:
        return f"{breach.field} {breach.rule}"
    return f"{breach.field}: {value} {breach.rule}"
