"""SageMaker's RecordIO-protobuf, written by Google's protobuf library: a second opinion on ours.

The message is `Record` of the public `record.proto` (package `aialgs.data`), proto2; the framing is MXNet's.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MAGIC = 0xCED7230A

_TYPES = descriptor_pb2.FieldDescriptorProto
_TENSORS = {
    "Float32Tensor": _TYPES.TYPE_FLOAT,
    "Float64Tensor": _TYPES.TYPE_DOUBLE,
    "Int32Tensor": _TYPES.TYPE_INT32,
}


def _field(message: Any, name: str, number: int, kind: int, **facts: Any) -> None:
    label = _TYPES.LABEL_REPEATED if facts.get("is_repeated") else _TYPES.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, type=kind, label=label)
    if "of" in facts:
        field.type_name = f".aialgs.data.{facts['of']}"
    if facts.get("is_packed"):
        field.options.packed = True
    if "choice" in facts:
        field.oneof_index = facts["choice"]


def _record_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
    for name, kind in _TENSORS.items():
        tensor = file.message_type.add(name=name)
        _field(tensor, "values", 1, kind, is_repeated=True, is_packed=True)
        _field(tensor, "keys", 2, _TYPES.TYPE_UINT64, is_repeated=True, is_packed=True)
        _field(tensor, "shape", 3, _TYPES.TYPE_UINT64, is_repeated=True, is_packed=True)
    texts = file.message_type.add(name="Bytes")
    _field(texts, "value", 1, _TYPES.TYPE_BYTES, is_repeated=True)
    _field(texts, "content_type", 2, _TYPES.TYPE_STRING)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    numbers = {"float32_tensor": 2, "float64_tensor": 3, "int32_tensor": 7, "bytes": 9}
    for (name, number), of in zip(numbers.items(), [*_TENSORS, "Bytes"], strict=True):
        _field(value, name, number, _TYPES.TYPE_MESSAGE, of=of, choice=0)
    record = file.message_type.add(name="Record")
    for name, number in (("features", 1), ("label", 2)):
        entry = record.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _field(entry, "key", 1, _TYPES.TYPE_STRING)
        _field(entry, "value", 2, _TYPES.TYPE_MESSAGE, of="Value")
        _field(record, name, number, _TYPES.TYPE_MESSAGE, of=f"Record.{entry.name}", is_repeated=True)
    for name, number in (("uid", 3), ("metadata", 4), ("configuration", 5)):
        _field(record, name, number, _TYPES.TYPE_STRING)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


RecordMessage = _record_class()


def record_message(
    features: Mapping[str, bytes | Sequence[float]],
    *,
    label: Mapping[str, bytes | Sequence[float]] | None = None,
    uid: str | None = None,
    kind: str = "float64_tensor",
) -> bytes:
    """Return one serialised record; bytes become `bytes`, numbers a tensor of the given kind."""
    record = RecordMessage()
    for entries, given in ((record.features, features), (record.label, label or {})):
        for name, value in given.items():
            if isinstance(value, bytes):
                entries[name].bytes.value.append(value)
            else:
                getattr(entries[name], kind).values.extend(value)
    if uid is not None:
        record.uid = uid
    content: bytes = record.SerializeToString()
    return content


def framed(content: bytes, flag: int = 0) -> bytes:
    """Return a record's frame: magic number, flag and length, content, padding to four bytes."""
    return struct.pack("<II", MAGIC, flag << 29 | len(content)) + content + bytes(-len(content) % 4)
