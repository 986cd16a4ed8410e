"""SageMaker `Record` messages by Google's protobuf library: what the project's own code is compared with.

The descriptor is that of `sagemaker.amazon.record_pb2` (version 2 of the SageMaker Python SDK).
"""

from __future__ import annotations

import struct
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_KINDS = {"float": 2, "double": 1, "int32": 5, "uint64": 4, "string": 9, "bytes": 12}
_MESSAGE_KIND = 11
_OPTIONAL, _REPEATED = 1, 3
_PACKAGE = "aialgs.data"


def _field(message: Any, name: str, number: int, kind: str, *, repeated: bool = False) -> Any:
    field = message.field.add(name=name, number=number, label=_REPEATED if repeated else _OPTIONAL)
    if kind in _KINDS:
        field.type = _KINDS[kind]
    else:
        field.type, field.type_name = _MESSAGE_KIND, f".{_PACKAGE}.{kind}"
    return field


def _record_class(*, packed: bool) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package=_PACKAGE, syntax="proto2")
    for name, kind in (("Float32Tensor", "float"), ("Float64Tensor", "double"), ("Int32Tensor", "int32")):
        tensor = file.message_type.add(name=name)
        for field, number, of in (("values", 1, kind), ("keys", 2, "uint64"), ("shape", 3, "uint64")):
            _field(tensor, field, number, of, repeated=True).options.packed = packed
    content = file.message_type.add(name="Bytes")
    _field(content, "value", 1, "bytes", repeated=True)
    _field(content, "content_type", 2, "string")
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    kinds = {2: "Float32Tensor", 3: "Float64Tensor", 7: "Int32Tensor", 9: "Bytes"}
    names = {2: "float32_tensor", 3: "float64_tensor", 7: "int32_tensor", 9: "bytes"}
    for number, kind in kinds.items():
        _field(value, names[number], number, kind).oneof_index = 0
    record = file.message_type.add(name="Record")
    for name, number, entry_name in (("features", 1, "FeaturesEntry"), ("label", 2, "LabelEntry")):
        entry = record.nested_type.add(name=entry_name)
        _field(entry, "key", 1, "string")
        _field(entry, "value", 2, "Value")
        entry.options.map_entry = True
        _field(record, name, number, f"Record.{entry_name}", repeated=True)
    for name, number in (("uid", 3), ("metadata", 4), ("configuration", 5)):
        _field(record, name, number, "string")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Record"))


Record = _record_class(packed=True)
UnpackedRecord = _record_class(packed=False)


def tensor_record(
    vector: Any, *, kind: str = "float32", uid: str | None = None, label: float | None = None
) -> bytes:
    """Return a message as `write_numpy_to_dense_tensor` of the SDK fills it."""
    record = Record()
    getattr(record.features["values"], f"{kind}_tensor").values.extend(vector)
    if label is not None:
        record.label["values"].float32_tensor.values.append(label)
    if uid is not None:
        record.uid = uid
    return bytes(record.SerializeToString())


def framed(message: bytes) -> bytes:
    """Return a frame as the SDK's `_write_recordio` writes it."""
    padding = bytes((((len(message) + 3) >> 2) << 2) - len(message))
    return struct.pack("<II", 0xCED7230A, len(message)) + message + padding


def part_frames(payload: bytes) -> bytes:
    """Return a record as dmlc's RecordIOWriter writes it: cut at each aligned magic number."""
    magic = struct.pack("<I", 0xCED7230A)
    cuts = [at for at in range(0, len(payload) // 4 * 4, 4) if payload[at : at + 4] == magic]
    starts = [0, *(at + 4 for at in cuts)]
    parts = [payload[start:end] for start, end in zip(starts, [*cuts, len(payload)], strict=True)]
    flags = [0] if len(parts) == 1 else [1, *[2] * (len(parts) - 2), 3]
    return b"".join(
        magic + struct.pack("<I", flag << 29 | len(part)) + part + bytes(-len(part) % 4)
        for flag, part in zip(flags, parts, strict=True)
    )
