"""The Arrow IPC files in which typed columns travel on the `arrow` wire: written and read without a copy.

A file has one record batch, or none where it has no record, and is not compressed: what is in memory is what
is in the file. A column with a dictionary has the narrowest positions that its dictionary allows, so that a
category takes one byte a record. What is read is checked before anybody looks into it: Arrow follows whatever
positions and lengths a damaged file states.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

_POSITION_TYPES = (pa.int8(), pa.int16(), pa.int32())

_MAGIC_BYTES = 8
"""Before the first message of a file: `ARROW1` and two zeros [doc: Arrow's "IPC File Format"]."""

_HEADER_TYPE, _HEADER = 1, 2
"""Members of a message [doc: Arrow's Message.fbs], by position."""

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
"""Types of header, counted from 1 as FlatBuffers counts the members of a union; a schema is the first."""

_DICTIONARY_RECORDS, _COMPRESSION = 1, 3
"""The record batch of a dictionary batch, and the compression of a record batch, by position."""


def arrow_bytes(columns: pa.Table, facts: dict[bytes, bytes] | None = None) -> bytes:
    """Return columns and schema metadata as the bytes of an Arrow IPC file."""
    return bytes(arrow_content(columns, facts))


def arrow_content(columns: pa.Table, facts: dict[bytes, bytes] | None = None) -> memoryview:
    """As `arrow_bytes`, where they were put together: they are measured first, so that none is moved."""
    columns = columns.unify_dictionaries().combine_chunks()
    arrays = [_narrow(column.chunk(0) if column.num_chunks else _empty(column.type)) for column in columns]
    fields = [
        pa.field(entry.name, array.type, nullable=entry.nullable)
        for entry, array in zip(columns.schema, arrays, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=facts))
    measured = pa.MockOutputStream()
    _write(batch, measured)
    content = pa.allocate_buffer(measured.size())
    _write(batch, pa.FixedSizeBufferWriter(content))
    return memoryview(content).toreadonly()


def _write(batch: pa.RecordBatch, sink: Any) -> None:
    with pa.ipc.new_file(sink, batch.schema) as writer:
        if batch.num_rows:
            writer.write_batch(batch)


def arrow_schema(content: bytes) -> pa.Schema:
    """Return the schema of an Arrow IPC file, with its metadata.

    Raises:
        pa.ArrowException: It is none.
    """
    with _naming_damage():
        schema = pa.ipc.open_file(pa.BufferReader(content)).schema
        schema.names  # noqa: B018 - decodes them
        return schema


def arrow_record_count(content: bytes) -> int:
    """Return how many records an Arrow IPC file has, in a file that takes no more memory than its bytes.

    Raises:
        pa.ArrowException: It is none, or what is in it is compressed.
    """
    with _naming_damage():
        if any(_is_compressed(metadata) for metadata in _message_metadata(content)):
            raise pa.ArrowInvalid("it is compressed; write its record batches as they are")
        file = pa.ipc.open_file(pa.BufferReader(content))
        return sum(file.get_batch(number).num_rows for number in range(file.num_record_batches))


def arrow_item_count(content: bytes, name: str) -> int:
    """Return how many items the lists of a column have at most, in a file that is not compressed.

    As many as the file states: items without a value of their own take no byte of it, and one of a dictionary
    no more than one.

    Raises:
        pa.ArrowException: It is none.
    """
    with _naming_damage():
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        columns = (table.column(at) for at in table.schema.get_all_field_indices(name))
        lists = (column for column in columns if pt.is_list(column.type) or pt.is_large_list(column.type))
        return sum(len(chunk.values) for column in lists for chunk in column.chunks)


def read_arrow(content: bytes) -> pa.Table:
    """Return the columns of an Arrow IPC file, which stay where they are in `content`.

    Raises:
        pa.ArrowException: It is none, or it is damaged.
    """
    with _naming_damage():
        table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        table.column_names  # noqa: B018 - decodes them
        for column in table.columns:
            for chunk in column.chunks:
                _check(chunk)
        return table


@contextlib.contextmanager
def _naming_damage() -> Iterator[None]:
    """Raise what pyarrow raises of damaged names and metadata as what it raises of everything else."""
    try:
        yield
    except (UnicodeDecodeError, KeyError, IndexError, struct.error) as error:
        raise pa.ArrowInvalid(f"its metadata are damaged: {error}") from error


def _empty(kind: pa.DataType) -> pa.Array:
    return pa.array([], kind)


def position_type(value_count: int) -> pa.DataType:
    """Return the narrowest type for positions in a dictionary of so many values."""
    return next(kind for kind in _POSITION_TYPES if value_count <= 2 ** (kind.bit_width - 1))


def _narrow(array: pa.Array) -> pa.Array:
    if not pt.is_dictionary(array.type):
        return array
    kind = position_type(len(array.dictionary))
    if array.type.index_type == kind:
        return array
    return pa.DictionaryArray.from_arrays(array.indices.cast(kind, safe=False), array.dictionary, safe=False)


def _check(array: pa.Array) -> None:
    array.validate()
    if pt.is_dictionary(array.type):
        array.dictionary.validate(full=True)
        bounds = pc.min_max(array.indices)
        lowest, highest = bounds["min"].as_py(), bounds["max"].as_py()
        if lowest is not None and not 0 <= lowest <= highest < len(array.dictionary):
            raise pa.ArrowInvalid(f"positions from {lowest} to {highest} in {len(array.dictionary)} values")
    elif not pt.is_primitive(array.type):
        array.validate(full=True)


def _message_metadata(content: bytes) -> Iterator[pa.Buffer]:
    """Yield the metadata of schema, dictionaries and record batches, which pyarrow has checked."""
    stream = pa.BufferReader(content)
    stream.seek(_MAGIC_BYTES)
    messages = pa.ipc.MessageReader.open_stream(stream)
    while True:
        try:
            yield messages.read_next_message().metadata
        except StopIteration:
            return


def _is_compressed(metadata: pa.Buffer) -> bool:
    """Return whether a message has compressed columns, which pyarrow does not tell before it unpacks them."""
    message = struct.unpack_from("<I", metadata, 0)[0]
    kind = metadata[_member(metadata, message, _HEADER_TYPE)]
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return False
    batch = _table(metadata, message, _HEADER)
    if kind == _DICTIONARY_BATCH:
        batch = _table(metadata, batch, _DICTIONARY_RECORDS)
    return bool(_member(metadata, batch, _COMPRESSION))


def _member(metadata: pa.Buffer, table: int, position: int) -> int:
    """Return where a member of a table is, or 0 [doc: FlatBuffers, "Internals"]."""
    members = table - struct.unpack_from("<i", metadata, table)[0]
    slot = 4 + 2 * position
    if slot >= struct.unpack_from("<H", metadata, members)[0]:
        return 0
    offset = struct.unpack_from("<H", metadata, members + slot)[0]
    return table + offset if offset else 0


def _table(metadata: pa.Buffer, table: int, position: int) -> int:
    """Return where a table is that is a member of a table."""
    at = _member(metadata, table, position)
    found: int = at + struct.unpack_from("<I", metadata, at)[0]
    return found
