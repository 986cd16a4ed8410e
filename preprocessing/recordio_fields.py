"""Give the values of RecordIO-protobuf messages to the fields of the contract.

| field   | where it is read, the first that is there                                             |
|---------|---------------------------------------------------------------------------------------|
| id      | `uid`; a feature, then a label, named like the field                                  |
| feature | its place in the feature `values`, a dense tensor of all features in the contract's   |
|         | order; a feature named like the field                                                 |
| label   | the label `values`; a label, then a feature, named like the field                     |
| other   | a feature, then a label, named like the field                                         |

A value is one number, or text as bytes. A number stands for itself, in a field with categories for the
category with that code (`recordio_numbers`); NaN, an empty tensor and an entry that is not there are missing
values.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract, Field
from contracts.errors import bounded
from contracts.quarantine import ReasonCode
from contracts.recordio_groups import MessageGroup
from contracts.recordio_message import (
    VALUES_NAME,
    DamagedMessageError,
    MessageLayout,
    Slot,
    Span,
    check_dense,
    vector_slot,
)
from preprocessing.recordio_numbers import handed_on


def read_fields(group: MessageGroup, contract: DatasetContract) -> tuple[dict[str, pa.Array], list[int]]:
    """Read what one group of messages has of the contract's fields.

    Returns:
        Text or typed values by field name, null where missing, one value a message; and the messages
        (positions in the group) with text that is not UTF-8.

    Raises:
        DamagedMessageError: The messages cannot be read as records of the contract.
    """
    reader = _GroupReader(group, contract)
    columns = {field.name: reader.column(field) for field in contract.fields}
    return {name: column for name, column in columns.items() if column is not None}, sorted(
        reader.undecodable
    )


class _GroupReader:
    """Reads the fields of one group.

    Attributes:
        undecodable: Positions of messages with text that is not UTF-8.
    """

    def __init__(self, group: MessageGroup, contract: DatasetContract) -> None:
        self._group = group
        self._contract = contract
        self._missing = pa.array(contract.missing_values, pa.string())
        self._vectors = _vectors(group, contract)
        self.undecodable: set[int] = set()

    def column(self, field: Field) -> pa.Array | None:
        """Return a field's values, or None if the messages have no such field."""
        if field.name == self._contract.id_field and self._group.layout.uid is not None:
            return self._texts(self._group.layout.uid)
        if self._vectors is not None and field.name in self._contract.features:
            numbers = self._vectors[self._contract.features.index(field.name)]
            return self._numbers(numbers, field)
        slot = _slot(self._group.layout, field, self._contract)
        return None if slot is None else self._one_value(slot, field)

    def _one_value(self, slot: Slot, field: Field) -> pa.Array | None:
        check_dense(slot, field.name)
        if not slot.count:
            return None
        if slot.count > 1:
            raise DamagedMessageError(
                f"{field.name!r} has {slot.count} values; expected one", ReasonCode.WRONG_FIELD_COUNT
            )
        if slot.kind == "bytes":
            return self._texts(slot.spans[0])
        return self._numbers(self._group.numbers(slot)[:, 0], field)

    def _numbers(self, numbers: np.ndarray, field: Field) -> pa.Array:
        return handed_on(numbers, field, is_id=field.name == self._contract.id_field)

    def _texts(self, span: Span) -> pa.Array:
        content = self._group.texts(span)
        count, length = content.shape
        content = np.array(content, order="C")
        beyond_ascii = np.flatnonzero((content >= 0x80).any(axis=1)) if length else ()
        for position in beyond_ascii:
            try:
                content[position].tobytes().decode()
            except UnicodeDecodeError:
                content[position] = ord("?")  # the message is held back, so nobody sees this
                self.undecodable.add(int(position))
        offsets = np.arange(count + 1, dtype=np.int32) * length
        texts = pa.Array.from_buffers(
            pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(content.tobytes())]
        )
        is_missing = pc.is_in(texts, value_set=self._missing)
        return pc.if_else(is_missing, pa.scalar(None, pa.string()), texts)


def _vectors(group: MessageGroup, contract: DatasetContract) -> np.ndarray | None:
    """Return the numbers of each feature in turn, or None if the features have entries of their own."""
    features, names = group.layout.features, contract.features
    is_field = VALUES_NAME in names and len(names) > 1  # an unlucky name for a field
    if VALUES_NAME in features and not is_field:
        return np.ascontiguousarray(group.numbers(vector_slot(group.layout, len(names))).T)
    if features.keys().isdisjoint(names):
        raise DamagedMessageError(
            f"has neither a feature {VALUES_NAME!r} nor one named like a feature of the contract; "
            "its features are: " + (bounded(", ".join(features), 200) or "none"),
            ReasonCode.WRONG_FIELD_COUNT,
        )
    return None


def _slot(layout: MessageLayout, field: Field, contract: DatasetContract) -> Slot | None:
    is_label = field.name == contract.label
    return next(_candidates(layout, field.name, is_label), None)


def _candidates(layout: MessageLayout, name: str, is_label: bool) -> Iterator[Slot]:
    wanted = [(layout.features, name), (layout.label, name)]
    if is_label:
        wanted = [(layout.label, VALUES_NAME), *reversed(wanted)]
    yield from (entries[key] for entries, key in wanted if key in entries)
