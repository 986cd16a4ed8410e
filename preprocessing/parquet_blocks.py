"""Read one Parquet source object as a stream of blocks of rows.

Goes in: a Parquet file, compressed as a whole (`.gz`) or not, whose columns have the contract's names and
types that can hold its values (`typed_columns`). Comes out: blocks in order, across row groups. Only the
columns of the contract are read, batch by batch: memory is bounded by the block size, however large a row
group is. A file that is compressed as a whole is first decompressed to a temporary file.

A row that is held back is kept as one JSON object of all its columns; its line number is its row number.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from contracts.dataset import BINARY_TYPE, LIST_TYPE, DatasetContract, Field
from contracts.errors import CallerError, PlatformError, bounded
from contracts.quarantine import MAX_RAW_BYTES, ReasonCode, SourceForm
from preprocessing.missing_fields import check_needed_fields
from preprocessing.parquet_rows import BatchPlace, ParquetRows, open_parquet
from preprocessing.records import BLOCK_BYTES, ParsedBlock, RecordPlace, StructureFault, too_large
from preprocessing.source_objects import SourceFile, is_compressed, unchanged
from preprocessing.typed_columns import bytes_column, can_hold, is_bytes, plain_column, value_type

MAX_BATCH_ROWS = 65_536
MAX_REPEATED_BYTES, FEWEST_BATCH_ROWS = 32 * 1024 * 1024, 32
"""Of binary fields, in a batch whose rows all have the same value; and rows in a batch however large that
value may be: of ordinary images, hardly more are read at once anyway."""

FORM = SourceForm(format="parquet")
MAX_TYPE_CHARS = 200


def read_parquet_blocks(
    file: SourceFile, contract: DatasetContract, *, max_record_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[ParquetBlock]:
    """Yield the blocks of one source object; none if it has no row.

    Raises:
        CallerError: It is no Parquet file or is damaged; or lacks a column that the run needs, or has one
            that cannot hold its field's type.
        PlatformError: There is no disk space to decompress it, or it was changed while it was read.
    """
    with unchanged(file):
        source = _ParquetSource(file, contract, max_record_bytes)
        if not source.is_empty:
            with source.refusing_damage(), open_parquet(str(source.path)) as parquet:
                yield from _blocks(source, parquet, block_bytes)


def _blocks(
    source: _ParquetSource, parquet: pyarrow.parquet.ParquetFile, block_bytes: int
) -> Iterator[ParquetBlock]:
    fields = _found_fields(source, parquet.schema_arrow)
    names = [field.name for field in fields]
    row_count = 0
    for row_group in range(parquet.num_row_groups):
        group = parquet.metadata.row_group(row_group)
        row_bytes = max(group.total_byte_size // max(group.num_rows, 1), 1)
        most_rows = min(MAX_BATCH_ROWS, _most_rows(group, fields))
        batch_rows = min(max(block_bytes // row_bytes, 1), most_rows)
        first_row = 0
        for batch in parquet.iter_batches(batch_size=batch_rows, row_groups=[row_group], columns=names):
            yield ParquetBlock(
                source=source,
                fields=fields,
                batch=batch,
                place_of_batch=BatchPlace(row_group=row_group, first_row=first_row),
                batch_rows=batch_rows,
                first_row_number=row_count + 1,
                source_bytes_done=source.file.byte_count * row_count // max(parquet.metadata.num_rows, 1),
            )
            first_row += batch.num_rows
            row_count += batch.num_rows


def _most_rows(group: pyarrow.parquet.RowGroupMetaData, fields: tuple[Field, ...]) -> int:
    """Return how many rows are read at once for the bytes that they may have, at least FEWEST_BATCH_ROWS.

    One value, which a dictionary has once, may be all that a column takes, and stand in every row.
    """
    names = {field.name for field in fields if field.type == BINARY_TYPE}
    columns = [group.column(number) for number in range(group.num_columns)]
    largest = sum(int(column.total_uncompressed_size) for column in columns if column.path_in_schema in names)
    return max(MAX_REPEATED_BYTES // max(largest, 1), FEWEST_BATCH_ROWS)


def _found_fields(source: _ParquetSource, schema: pa.Schema) -> tuple[Field, ...]:
    """Return the contract's fields that the file has."""
    key, names = source.file.source_key, schema.names
    check_needed_fields(key, names, source.contract, what="the schema", listed="its columns are")
    fields = tuple(field for field in source.contract.fields if field.name in names)
    faults = [f"there are two columns {field.name!r}" for field in fields if names.count(field.name) > 1]
    for field in fields:
        found = schema.field(names.index(field.name)).type
        if not can_hold(found, field.type):
            shown = bounded(str(found), MAX_TYPE_CHARS)
            faults.append(f"the column {field.name!r} is {shown}; expected {field.type}, or text of it")
    if faults:
        raise CallerError(f"{key}: " + "; ".join(faults) + "; mend the file or the contract")
    return fields


class _ParquetSource:
    """One Parquet source object on disk, for as long as one of its blocks is in use.

    Attributes:
        file: The source object.
        contract: Names the fields.
        max_record_bytes: Texts and bytes of a row may be so long together.
        path: The file, decompressed.
        is_empty: It has no byte.
        rows: All its columns.
    """

    def __init__(self, file: SourceFile, contract: DatasetContract, max_record_bytes: int) -> None:
        self.file = file
        self.contract = contract
        self.max_record_bytes = max_record_bytes
        self.path = file.path
        if is_compressed(file):
            folder = _temporary_folder(file)
            weakref.finalize(self, shutil.rmtree, folder)
            self.path = folder / "source.parquet"
            _decompress(file, self.path)
        with self.refusing_damage():
            self.is_empty = not self.path.stat().st_size
        self.rows = ParquetRows(str(self.path), {field.name: field.type for field in contract.fields})

    @contextmanager
    def refusing_damage(self) -> Iterator[None]:
        """Turn what pyarrow says of a damaged file into a CallerError."""
        try:
            yield
        except (PermissionError, FileNotFoundError) as error:
            raise CallerError(f"{self.file.source_key}: cannot be read: {error.strerror}") from error
        except (pa.ArrowException, OSError) as error:
            raise CallerError(
                f"{self.file.source_key}: cannot be read as Parquet: {bounded(str(error), 400)}; it is "
                "cut off, damaged or something else: deliver it again, or set InputFormat"
            ) from error


def _temporary_folder(file: SourceFile) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="parquet-"))
    except OSError as error:
        raise _no_place(file, tempfile.gettempdir(), error) from error


def _no_place(file: SourceFile, folder: str, error: OSError) -> PlatformError:
    return PlatformError(
        f"{file.source_key}: cannot be decompressed to {folder}: {error.strerror}; make room there, "
        "or deliver it uncompressed: Parquet has a compression of its own"
    )


def _decompress(file: SourceFile, path: Path) -> None:
    try:
        with gzip.open(file.path, "rb") as compressed, path.open("wb") as plain:
            shutil.copyfileobj(compressed, plain, BLOCK_BYTES)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise CallerError(
            f"{file.source_key}: the gzip data is damaged: {error}; deliver it again"
        ) from error
    except (PermissionError, FileNotFoundError) as error:
        raise CallerError(f"{file.source_key}: cannot be read: {error.strerror}") from error
    except OSError as error:
        raise _no_place(file, str(path.parent), error) from error


@dataclass(frozen=True, kw_only=True)
class ParquetBlock:
    """Some consecutive rows, not checked yet.

    Attributes:
        source: Where they come from.
        fields: The contract's fields that it has, in the contract's order.
        batch: Their columns.
        place_of_batch: Of the rows in the source.
        batch_rows: Rows of each batch of the row group, but its last.
        first_row_number: 1-based, in the source object.
        source_bytes_done: As in RecordBlock.
    """

    source: _ParquetSource
    fields: tuple[Field, ...]
    batch: pa.RecordBatch
    place_of_batch: BatchPlace
    batch_rows: int
    first_row_number: int
    source_bytes_done: int

    @property
    def source_form(self) -> SourceForm:
        """As in RecordBlock."""
        return FORM

    def parse(self) -> ParsedBlock:
        """Bring the columns into the form that validation reads.

        Rows that are too large, or have text that is not UTF-8, are structural faults.
        """
        faults: dict[int, StructureFault] = {}
        columns = {field.name: self._column(field, faults) for field in self.fields}
        self._find_large_rows(columns, faults)
        rows = np.delete(np.arange(self.batch.num_rows), list(faults))
        if faults:
            columns = {name: column.take(pa.array(rows)) for name, column in columns.items()}
        return ParsedBlock(block=self, rows=rows, columns=columns, faults=faults)

    @property
    def record_count(self) -> int:
        """As in RecordBlock."""
        return int(self.batch.num_rows)

    def line_numbers(self, indices: np.ndarray) -> np.ndarray:
        """As in RecordBlock."""
        numbers: np.ndarray = self.first_row_number + indices
        return numbers

    def place(self, index: int) -> RecordPlace:
        """Return where that row of the batch stands; as bytes count those of its JSON."""
        with self.source.refusing_damage():
            raw = self.source.rows.raw(self.place_of_batch, index, self.batch_rows)
        return RecordPlace(
            line_number=self.first_row_number + index,
            byte_offset=None,
            raw=raw[:MAX_RAW_BYTES],
            raw_byte_count=len(raw),
        )

    def _column(self, field: Field, faults: dict[int, StructureFault]) -> pa.Array:
        column = self.batch.column(field.name)
        missing_values = self.source.contract.missing_values
        if field.type == BINARY_TYPE and is_bytes(value_type(column.type)):
            return bytes_column(column)
        try:
            return plain_column(column, missing_values)
        except pa.ArrowInvalid:
            sound = _sound_lists if field.type == LIST_TYPE else _sound_texts
            texts, is_wrong = sound(column)
            for row in np.flatnonzero(is_wrong).tolist():
                message = f"{field.name}: is not UTF-8"
                faults.setdefault(row, StructureFault(reason=ReasonCode.INVALID_ENCODING, message=message))
            return plain_column(texts, missing_values)

    def _find_large_rows(self, columns: dict[str, pa.Array], faults: dict[int, StructureFault]) -> None:
        byte_counts = np.zeros(self.batch.num_rows, dtype=np.int64)
        for column in columns.values():
            byte_counts += _byte_counts(column)
        for row in np.flatnonzero(byte_counts > self.source.max_record_bytes).tolist():
            faults.setdefault(row, too_large(int(byte_counts[row]), self.source.max_record_bytes))


def _byte_counts(column: pa.Array) -> np.ndarray:
    """Return the bytes that each value's text or bytes take, of a list with one between its items; else 0."""
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        return np.asarray(pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False))
    if not pa.types.is_list(column.type):
        return np.zeros(len(column), dtype=np.int64)
    items = column.flatten()
    ends = np.concatenate(([0], np.cumsum(pc.fill_null(pc.binary_length(items), 0), dtype=np.int64)))
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    bounds = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
    return np.asarray(np.diff(ends[bounds]) + counts)


def _sound_lists(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return the lists whose texts are UTF-8, null for the others, and which those are."""
    texts, is_wrong_text = _sound_texts(column.flatten())
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    is_wrong = np.zeros(len(column), dtype=bool)
    is_wrong[np.repeat(np.arange(len(column)), counts)[is_wrong_text]] = True
    lists = pa.ListArray.from_arrays(
        pa.array(np.concatenate(([0], np.cumsum(counts))), pa.int32()), texts, mask=column.is_null()
    )
    return pc.if_else(pa.array(is_wrong), pa.scalar(None, lists.type), lists), is_wrong


def _sound_texts(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return the texts that are UTF-8, null for the others, and which those are."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    texts: list[str | None] = []
    is_wrong = np.zeros(len(column), dtype=bool)
    for row, value in enumerate(pc.cast(column, pa.binary()).to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            is_wrong[row] = True
    return pa.array(texts, type=pa.string()), is_wrong
