"""Check columns of text against the dataset contract and type them.

Goes in: the columns of one block. Comes out: typed columns of the records that keep every rule, and for each
other record the first rule it breaks and a message that names all of them. Opens no file, drops nothing.

A missing value (null) breaks `required` and no other rule; in the label it breaks none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.errors import bounded
from contracts.quarantine import ReasonCode
from preprocessing.field_rules import Breach, check_field, missing_column

MAX_VALUE_CHARS = 60
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
        valid: Id, features and label (null where the source has none), typed, of the valid records, in order.
        faults: The other records, in order.
        valid_rows: Rows of the records of `valid` in the columns that were checked, int64.
    """

    valid: pa.Table
    faults: list[RecordFault]
    valid_rows: np.ndarray


def validate(columns: dict[str, pa.Array], contract: DatasetContract, wire_name: str) -> Validation:
    """Check every field that the contract describes and the columns have.

    Args:
        columns: Text by field name, all of one length; strings or dictionaries of strings.
        contract: The rules.
        wire_name: The wire format of the shards: `csv` lines cannot carry an id with a line break.
    """
    typed: dict[str, pa.Array] = {}
    breaches: list[Breach] = []
    for field in contract.fields:
        if field.name in columns:
            values, broken = check_field(columns[field.name], field, contract, wire_name)
            typed[field.name] = values
            breaches += broken
    valid = _kept_columns(typed, contract, wire_name)
    if not breaches:
        return Validation(valid=valid, faults=[], valid_rows=np.arange(valid.num_rows))
    bad_rows = np.unique(np.concatenate([breach.rows for breach in breaches]))
    is_valid = np.ones(valid.num_rows, dtype=bool)
    is_valid[bad_rows] = False
    return Validation(
        valid=valid.filter(pa.array(is_valid)),
        faults=_faults(breaches, columns),
        valid_rows=np.flatnonzero(is_valid),
    )


def _kept_columns(typed: dict[str, pa.Array], contract: DatasetContract, wire_name: str) -> pa.Table:
    names = [contract.id_field, *contract.features]
    kept = {name: typed[name] for name in names}
    if contract.label is not None:
        label = contract.field(contract.label)
        row_count = len(typed[contract.id_field])
        nothing = missing_column(label, contract, wire_name, row_count)
        kept[label.name] = typed.get(label.name, nothing)
    return pa.table(kept)


def _faults(breaches: list[Breach], columns: dict[str, pa.Array]) -> list[RecordFault]:
    by_row: dict[int, list[tuple[Breach, str]]] = {}
    for breach in breaches:
        values = columns[breach.field].take(pa.array(breach.rows)).to_pylist()
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
    shown = repr(value[:MAX_VALUE_CHARS]) + ("…" if len(value) > MAX_VALUE_CHARS else "")
    return f"{breach.field}: {shown} {breach.rule}"
