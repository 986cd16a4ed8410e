"""One SageMaker `Record` message, read with care: what it holds, and where in its bytes that stands.

    Record   features = 1, label = 2 (maps from text to Value), uid = 3, metadata = 4, configuration = 5
    Value    one of float32_tensor = 2, float64_tensor = 3, int32_tensor = 7, bytes = 9
    tensors  values = 1, keys = 2 (given: sparse), shape = 3; packed or not
    Bytes    value = 1 (repeated), content_type = 2

The numbers are those of the SageMaker documentation and of the descriptor in version 2 of its Python SDK
(`sagemaker.amazon.record_pb2`). As protobuf has it, unknown fields are skipped, of fields given twice the
last counts, and tensors given twice are joined.

Values are not read here. A message comes out as a layout, the positions of its values, so that thousands of
messages that differ in nothing else are read at once (`recordio_groups`). Whatever the bytes, the only error
raised is DamagedMessageError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from contracts.errors import CallerError, bounded
from contracts.quarantine import ReasonCode

FEATURES, LABEL, UID = 1, 2, 3
_TEXTS = (4, 5)
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_TENSOR_KINDS = {2: "float32", 3: "float64", 7: "int32"}
_BYTES = 9
_VALUES, _KEYS = 1, 2

_VARINT, _FIXED64, _LENGTH_DELIMITED, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_FIXED_WIDTHS = {_FIXED32: 4, _FIXED64: 8}
_MAX_VARINT_BYTES = 10
_MAX_GROUP_DEPTH = 100
_MAX_FIELD_NUMBER = 2**29 - 1
_WIRE_TYPES = {"float32": _FIXED32, "float64": _FIXED64, "int32": _VARINT}
WIDTHS = {"float32": 4, "float64": 8}
"""Bytes of one number; an int32 is a varint of 1 to 10 bytes."""


VALUES_NAME = "values"
"""Name of the entry that holds a whole feature vector, or the label [doc: "Common Data Formats"]."""


class DamagedMessageError(CallerError):
    """A message is no `Record`, or not one that can be read as a record of the contract.

    Attributes:
        reason: Why a record like that is held back.
    """

    def __init__(self, message: str, reason: ReasonCode = ReasonCode.MALFORMED_RECORD) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Span:
    """Where some values stand.

    Attributes:
        start: Position in the message.
        end: Position after them.
        count: How many values.
    """

    start: int
    end: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One value of a map.

    Attributes:
        kind: `float32`, `float64`, `int32`, `bytes`, or `nothing` where no value is set.
        spans: Of its values, in their order.
        is_sparse: Whether a tensor has keys.
    """

    kind: str = "nothing"
    spans: tuple[Span, ...] = ()
    is_sparse: bool = False

    @property
    def count(self) -> int:
        """How many values it has."""
        return sum(span.count for span in self.spans)


@dataclass(frozen=True, kw_only=True)
class MessageLayout:
    """Where everything stands in one message, and in all that differ from it in values only.

    Attributes:
        features: Slots by name.
        label: The same for the label.
        uid: Where the record's id stands, or None.
        ignored: Bytes without meaning here.
    """

    features: dict[str, Slot]
    label: dict[str, Slot]
    uid: Span | None
    ignored: tuple[Span, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All slots."""
        return (*self.features.values(), *self.label.values())


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One field as it stands: its number, its wire type, and where its content is."""

    number: int
    wire_type: int
    start: int
    end: int

    @property
    def whole(self) -> Span:
        """Its content as one value."""
        return Span(start=self.start, end=self.end, count=1)


def read_layout(message: bytes) -> MessageLayout:
    """Find the values of one message.

    Raises:
        DamagedMessageError: It is no `Record` message.
    """
    features: dict[str, Slot] = {}
    label: dict[str, Slot] = {}
    uid: Span | None = None
    ignored = []
    for part in _parts(message, 0, len(message)):
        if part.wire_type != _LENGTH_DELIMITED:
            continue
        if part.number in (FEATURES, LABEL):
            name, slot = _entry(message, part)
            entries = features if part.number == FEATURES else label
            entries.pop(name, None)
            entries[name] = slot
        elif part.number == UID:
            uid = part.whole
        elif part.number in _TEXTS:
            ignored.append(part.whole)
    return MessageLayout(features=features, label=label, uid=uid, ignored=tuple(ignored))


def vector_slot(layout: MessageLayout, feature_count: int) -> Slot:
    """Return the slot of the feature vector.

    Raises:
        DamagedMessageError: There is none, or it is no dense tensor of `feature_count` numbers.
    """
    slot = layout.features.get(VALUES_NAME)
    if slot is None:
        found = bounded(", ".join(layout.features), 200) or "none"
        raise DamagedMessageError(f"has no feature {VALUES_NAME!r}; its features are: {found}")
    if slot.kind == "bytes":
        raise DamagedMessageError(f"the feature {VALUES_NAME!r} holds bytes; expected a tensor of numbers")
    check_dense(slot, VALUES_NAME)
    if slot.count != feature_count:
        raise DamagedMessageError(
            f"the feature {VALUES_NAME!r} has {slot.count} numbers, the contract {feature_count} features",
            ReasonCode.WRONG_FIELD_COUNT,
        )
    return slot


def check_dense(slot: Slot, name: str) -> None:
    """Raise a DamagedMessageError if a slot holds a sparse tensor."""
    if slot.is_sparse:
        raise DamagedMessageError(
            f"{name!r} is a sparse tensor (it has keys); only dense ones are read: write every value"
        )


def _entry(message: bytes, entry: _Part) -> tuple[str, Slot]:
    name, slot = "", Slot()
    for part in _parts(message, entry.start, entry.end):
        if part.wire_type != _LENGTH_DELIMITED:
            continue
        if part.number == _ENTRY_KEY:
            try:
                name = message[part.start : part.end].decode()
            except UnicodeDecodeError as error:
                raise _damaged(part.start, f"a name is not UTF-8 ({error.reason})") from error
        elif part.number == _ENTRY_VALUE:
            slot = _value(message, part, slot)
    return name, slot


def _value(message: bytes, value: _Part, slot: Slot) -> Slot:
    """Return a slot with what a Value adds to it: more of the same kind, or another kind instead."""
    for part in _parts(message, value.start, value.end):
        kind = "bytes" if part.number == _BYTES else _TENSOR_KINDS.get(part.number)
        if kind is None or part.wire_type != _LENGTH_DELIMITED:
            continue
        if kind != slot.kind:
            slot = Slot(kind=kind)
        slot = _bytes(message, part, slot) if kind == "bytes" else _tensor(message, part, slot)
    return slot


def _bytes(message: bytes, value: _Part, slot: Slot) -> Slot:
    spans = [
        part.whole
        for part in _parts(message, value.start, value.end)
        if part.number == _VALUES and part.wire_type == _LENGTH_DELIMITED
    ]
    return replace(slot, spans=(*slot.spans, *spans))


def _tensor(message: bytes, tensor: _Part, slot: Slot) -> Slot:
    spans, is_sparse = list(slot.spans), slot.is_sparse
    for part in _parts(message, tensor.start, tensor.end):
        if part.number == _KEYS:
            is_packed = part.wire_type == _LENGTH_DELIMITED and part.end > part.start
            is_sparse = is_sparse or is_packed or part.wire_type == _VARINT
        elif part.number == _VALUES and part.wire_type == _LENGTH_DELIMITED:
            spans += _packed(message, part, slot.kind)
        elif part.number == _VALUES and part.wire_type == _WIRE_TYPES[slot.kind]:
            spans.append(part.whole)
    return replace(slot, spans=tuple(spans), is_sparse=is_sparse)


def _packed(message: bytes, part: _Part, kind: str) -> list[Span]:
    """Return the span of packed values; none if there are none."""
    byte_count = part.end - part.start
    if kind in WIDTHS:
        if byte_count % WIDTHS[kind]:
            raise _damaged(part.start, f"{byte_count} bytes are no whole number of {kind} values")
        count = byte_count // WIDTHS[kind]
    else:
        position, count = part.start, 0
        while position < part.end:
            _, position = _varint(message, position, part.end)
            count += 1
    return [Span(start=part.start, end=part.end, count=count)] if count else []


def _parts(message: bytes, position: int, end: int) -> Iterator[_Part]:
    """Yield the fields between two positions, groups and what is in them left out."""
    depth = 0
    while position < end:
        at = position
        tag, position = _varint(message, position, end)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number <= _MAX_FIELD_NUMBER:
            raise _damaged(at, f"there is no field number {number}")
        if wire_type == _GROUP_START:
            depth += 1
        elif wire_type == _GROUP_END:
            depth -= 1
        else:
            start, position = _content(message, wire_type, position, end)
            if not depth:
                yield _Part(number=number, wire_type=wire_type, start=start, end=position)
        if not 0 <= depth <= _MAX_GROUP_DEPTH:
            raise _damaged(at, "groups do not begin and end in pairs, or are nested too deep")
    if depth:
        raise _damaged(position, "a group does not end")


def _content(message: bytes, wire_type: int, position: int, end: int) -> tuple[int, int]:
    """Return where the content of a field begins and ends."""
    if wire_type == _VARINT:
        return position, _varint(message, position, end)[1]
    if wire_type == _LENGTH_DELIMITED:
        length, start = _varint(message, position, end)
    elif wire_type in _FIXED_WIDTHS:
        length, start = _FIXED_WIDTHS[wire_type], position
    else:
        raise _damaged(position, f"there is no wire type {wire_type}")
    if length > end - start:
        raise _damaged(start, f"a field of {length} bytes is beyond the end of what it stands in")
    return start, start + length


def _varint(message: bytes, position: int, end: int) -> tuple[int, int]:
    """Return the number at a position and the position after it."""
    value = 0
    for offset, byte in enumerate(message[position : min(end, position + _MAX_VARINT_BYTES)]):
        value |= (byte & 0x7F) << (7 * offset)
        if byte < 0x80:
            return value, position + offset + 1
    raise _damaged(position, "a number is longer than ten bytes, or does not end")


def _damaged(position: int, what: str) -> DamagedMessageError:
    return DamagedMessageError(f"is no RecordIO-protobuf record: {what}, at byte {position} of the message")
