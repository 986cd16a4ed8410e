"""Turn typed records into the bytes of a shard and of the kept file beside it.

Pure: nothing is written here. A shard of columns (Arrow or Parquet) holds the id, the features and the list
of excluded outputs, if the contract has one, as typed columns, and the contract's fingerprint in its schema
metadata. A CSV shard has no header; each line is the id, quoted where it must be, and the encoded features:
the shortest text that reads back to the same 32-bit float, empty for a missing value. JSON Lines are
described in `preprocessing.shard_json_lines`, RecordIO, which has no ids, in `preprocessing.shard_recordio`.
A kept file is Arrow, whatever the shard is. It has the id, the label and the kept columns, whether the model
reads them or not, and each record's place where the records have that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from contracts.arrow_files import arrow_content
from contracts.dataset import DatasetContract, Field
from contracts.encoding import encode
from contracts.errors import InternalError
from contracts.json_text import text_bytes
from contracts.plan import PLACE_COLUMNS
from contracts.wire import FINGERPRINT_KEY, wire_format

WRITE_BATCH_ROWS = 65_536
"""Encoded at once: pyarrow's own 1,024 cost a twentieth of the time."""

_NARROW_TYPES = (pa.int8(), pa.int16(), pa.int32())


@dataclass(frozen=True, kw_only=True)
class ShardFile:
    """A shard and its kept file, ready to be written.

    Attributes:
        content: Bytes of the shard.
        sha256: Hex digest of `content`.
        kept: Bytes of the kept file.
        kept_sha256: Hex digest of `kept`.
        record_count: Records in each of them.
    """

    content: bytes | memoryview
    sha256: str
    kept: bytes | memoryview
    kept_sha256: str
    record_count: int


def build_shard_files(
    records: pa.Table,
    contract: DatasetContract,
    wire_name: str,
    max_payload_bytes: int,
    kept_names: Sequence[str] = (),
) -> list[ShardFile]:
    """Return the shards for `records`, in order: one, or more where columns would be over the limit.

    Args:
        records: Id, features, excluded list, label and kept columns.
        contract: Under which they were checked.
        wire_name: Name of the wire format.
        max_payload_bytes: Largest shard of columns.
        kept_names: Columns that the kept file has beside id and label.

    Raises:
        InternalError: One record alone is over the limit; readers hold such records back.
    """
    content = shard_content(records, contract, wire_name)
    if wire_format(wire_name).has_columns and len(content) > max_payload_bytes:
        if records.num_rows == 1:
            raise InternalError(
                f"a shard of one record is {len(content)} bytes, over the payload limit of "
                f"{max_payload_bytes} bytes, though readers quarantine such records; raise MaxPayloadInMB"
            )
        middle = records.num_rows // 2
        halves = (records.slice(0, middle), records.slice(middle))
        return [
            file
            for half in halves
            for file in build_shard_files(half, contract, wire_name, max_payload_bytes, kept_names)
        ]
    labels = [contract.label] if contract.label else []
    places = [name for name in PLACE_COLUMNS if name in records.column_names]
    names = list(dict.fromkeys([contract.id_field, *labels, *kept_names, *places]))
    kept = arrow_content(records.select(names))
    return [
        ShardFile(
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            kept=kept,
            kept_sha256=hashlib.sha256(kept).hexdigest(),
            record_count=records.num_rows,
        )
    ]


def shard_content(records: pa.Table, contract: DatasetContract, wire_name: str) -> bytes | memoryview:
    """Return the bytes of one shard with exactly these records."""
    records = records.select([contract.id_field, *contract.sent_names])
    if wire_name == "csv":
        return _csv(records, contract)
    if wire_name == "jsonlines":
        from preprocessing.shard_json_lines import shard_lines  # noqa: PLC0415 - who has columns needs it not

        records = records.combine_chunks()
        vectors = encode(_without_dictionaries(records), contract)
        return shard_lines(records.column(contract.id_field), vectors)
    if wire_name == "recordio":
        from preprocessing.shard_recordio import recordio_content  # noqa: PLC0415 - as above

        return recordio_content(records, contract)
    facts = {FINGERPRINT_KEY: contract.fingerprint.encode()}
    if wire_name == "arrow":
        return arrow_content(_narrow_features(records, contract), facts)
    return parquet_bytes(records, facts)


def _narrow_features(records: pa.Table, contract: DatasetContract) -> pa.Table:
    """Return the records with integer features as narrow as the contract's bounds allow."""
    for field in contract.feature_fields:
        kind = narrow_type(field)
        if kind is not None and field.name != contract.id_field:
            position = records.schema.get_field_index(field.name)
            entry = records.schema.field(position).with_type(kind)
            records = records.set_column(position, entry, records.column(position).cast(kind))
    return records


def narrow_type(field: Field) -> pa.DataType | None:
    """Return the narrowest type for an integer field's values, or None if its bounds say nothing."""
    lowest, highest = field.constraints.minimum, field.constraints.maximum
    if field.type != "integer" or not isinstance(lowest, int) or not isinstance(highest, int):
        return None
    fitting = (kind for kind in _NARROW_TYPES if max(-lowest - 1, highest) < 2 ** (kind.bit_width - 1))
    return next(fitting, None)


def parquet_bytes(columns: pa.Table, facts: dict[bytes, bytes] | None = None) -> bytes:
    """Write columns and schema metadata as Parquet.

    pyarrow's own schema is left out, so that dictionaries of text read back as text, as the contract has it.
    """
    sink = pa.BufferOutputStream()
    with pyarrow.parquet.ParquetWriter(
        sink,
        columns.schema,
        compression="snappy",
        use_dictionary=[entry.name for entry in columns.schema if pa.types.is_dictionary(entry.type)],
        write_statistics=False,
        store_schema=False,
        write_batch_size=WRITE_BATCH_ROWS,
    ) as writer:
        writer.write_table(columns)
        if facts:
            writer.add_key_value_metadata(facts)
    return bytes(sink.getvalue())


def _csv(records: pa.Table, contract: DatasetContract) -> bytes:
    records = records.combine_chunks()
    vectors = encode(_without_dictionaries(records), contract)
    fields = [_csv_ids(records.column(contract.id_field))]
    for position in range(vectors.shape[1]):
        numbers = pa.array(vectors[:, position], from_pandas=True)
        fields.append(pc.fill_null(pc.cast(numbers, pa.string()), ""))
    fields[-1] = pc.binary_join_element_wise(fields[-1], "\n", "")
    lines = pc.binary_join_element_wise(*fields, ",")
    return b"".join(text_bytes(chunk) for chunk in lines.chunks)


def _without_dictionaries(records: pa.Table) -> pa.Table:
    kinds = [
        pa.field(entry.name, pa.string()) if pa.types.is_dictionary(entry.type) else entry
        for entry in records.schema
    ]
    return records.cast(pa.schema(kinds))


def _csv_ids(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids as CSV fields."""
    texts = pc.cast(ids, pa.string())
    must_quote = pc.match_substring_regex(texts, '[",]')
    escaped = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(must_quote, escaped, texts)
