"""Write what downstream readers see: the scored records, `_SUCCESS`, and the pointer to the newest run.

Scores   one file a shard below `run_date=<date>/<run id>/`: the id under the contract's name, `score`
         (float64; for several outputs the columns of `reporting.output_columns`), `error` (string), the kept
         columns in the order asked, `model_package_arn` and `run_id`.
         One of score and error is null, or a list of nulls. In Parquet the last two are dictionary-encoded
         columns of strings; in CSV there is a header, a text has quotes and a null is an empty field; JSON
         Lines have one object a line, with null for what is missing. A kept list is a list, in CSV its items
         with the field's delimiter between them. Of several formats, each has a folder below the run's, with
         its name.
_SUCCESS JSON that names every file with bytes, SHA-256 and records. The service does not document in which
         order it uploads the files of one output: a reader that wants to be sure compares what it sees.
Pointer  `latest.json`; its output comes last in the definition.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from contracts.atomic_files import whole_file, write_json
from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.json_text import iso_moments, json_lines
from contracts.keep_columns import PACKAGE_COLUMN, PUBLISHED_COLUMNS, RUN_COLUMN
from contracts.ledger import POINTER_FILE, SUCCESS_FILE
from contracts.wire import ERROR_COLUMN, SCORE_COLUMN, TOP_COLUMN
from reporting.answers import ID_COLUMN
from reporting.output_columns import published_outputs
from reporting.request import ReportRequest

_SUFFIXES = {"parquet": "parquet", "csv": "csv", "jsonlines": "jsonl"}
"""Ending of a file's name for each output format."""

_REPEATED_COLUMNS = [PACKAGE_COLUMN, RUN_COLUMN, f"{TOP_COLUMN}.list.element"]
"""Few different values: Parquet files have each of them once."""

WRITE_BATCH_ROWS = 65_536
"""Encoded at once: pyarrow's own 1,024 cost a seventh of the time."""


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """One file of scores.

    Attributes:
        name: Path below the run's folder.
        byte_count: Its size.
        sha256: Hex digest of its bytes.
        record_count: Records in it, scored and unscorable.
    """

    name: str
    byte_count: int
    sha256: str
    record_count: int


def check_publishable(contract: DatasetContract) -> None:
    """Refuse an id field that would stand in the published file twice.

    Raises:
        CallerError: It has the name of a column that is added.
    """
    if contract.id_field in PUBLISHED_COLUMNS:
        raise CallerError(
            f"the contract's primary key is called {contract.id_field!r}, which is also a published column; "
            f"rename the field (taken: {', '.join(PUBLISHED_COLUMNS)})"
        )


def part_name(shard_name: str, output_format: str, request: ReportRequest) -> str:
    """Return the name of the file with the scores of one shard, below the run's folder."""
    folder = f"{output_format}/" if len(request.output_formats) > 1 else ""
    return f"{folder}part-{shard_name.rsplit('.', 1)[0]}.{_SUFFIXES[output_format]}"


def published_table(
    answers: pa.Table,
    kept: pa.Table,
    *,
    contract: DatasetContract,
    request: ReportRequest,
    output_format: str,
) -> pa.Table:
    """Put the columns together that are published of one shard.

    Args:
        answers: Columns `id`, `score`, `error`, reconciled; for several outputs under topK also `top`.
        kept: The kept columns of the same records, in the order asked.
        contract: Says what the id is called, and the outputs.
        request: Says the run and the model package.
        output_format: What the table is for.
    """
    is_csv = output_format == "csv"
    scores = {SCORE_COLUMN: answers.column(SCORE_COLUMN)}
    if contract.outputs is not None:
        scores = published_outputs(answers, contract.outputs, output_format=output_format)
    columns = {
        contract.id_field: answers.column(ID_COLUMN),
        **scores,
        ERROR_COLUMN: answers.column(ERROR_COLUMN),
    }
    for name in kept.column_names:
        column = kept.column(name)
        if is_csv and pa.types.is_list(column.type):
            column = pc.binary_join(column, contract.field(name).delimiter)
        columns[name] = column
    positions = pa.array(np.zeros(len(answers), dtype=np.int32))
    for name, value in ((PACKAGE_COLUMN, request.model_package_arn), (RUN_COLUMN, request.run_id)):
        columns[name] = pa.DictionaryArray.from_arrays(positions, pa.array([value]), safe=False)
    is_missing_never = {contract.id_field, PACKAGE_COLUMN, RUN_COLUMN}
    kinds = [
        pa.field(name, column.type, nullable=name not in is_missing_never) for name, column in columns.items()
    ]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(kinds))


def write_part(path: Path, table: pa.Table, name: str) -> PublishedFile:
    """Write the scores of one shard, whole or not at all.

    Args:
        path: Where to; its suffix says the format.
        table: From `published_table`.
        name: What `part_name` calls the file.
    """
    with whole_file(path) as stream:
        hashing = _HashingStream(stream)
        if path.suffix == ".csv":
            arrow_csv.write_csv(_as_csv_has_it(table), hashing)
        elif path.suffix == ".jsonl":
            hashing.writelines(json_lines(table))
        else:
            hashing.write(parquet_bytes(table))
    return PublishedFile(
        name=name,
        byte_count=hashing.byte_count,
        sha256=hashing.hexdigest,
        record_count=len(table),
    )


def parquet_bytes(table: pa.Table) -> pa.Buffer:
    """Return a table from `published_table` as the bytes of a Parquet file.

    Scores stay as they are: two of their eight bytes would go, for half of the processor time of the others.
    Bounds are what readers pass files over by; those of ids would take half as long as the ids themselves.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression=_codecs(table.schema),
        use_dictionary=_REPEATED_COLUMNS,
        write_statistics=[entry.name for entry in table.schema if entry.nullable],
        write_batch_size=WRITE_BATCH_ROWS,
    )
    return sink.getvalue()


def _codecs(schema: pa.Schema) -> dict[str, str]:
    """Return how each column is compressed; the items of a list are a column of their own."""
    codecs = {path: "snappy" for name in schema.names for path in (name, f"{name}.list.element")}
    if SCORE_COLUMN in schema.names and pa.types.is_floating(schema.field(SCORE_COLUMN).type):
        codecs[SCORE_COLUMN] = "none"
    return codecs


def _as_csv_has_it(table: pa.Table) -> pa.Table:
    """Return dictionaries as text, and moments in the form that contracts read."""
    for position, entry in enumerate(table.schema):
        column = table.column(position)
        if pa.types.is_dictionary(entry.type):
            table = table.set_column(position, entry.name, column.cast(pa.string()))
        elif pa.types.is_timestamp(entry.type):
            table = table.set_column(position, entry.name, iso_moments(column))
    return table


class _HashingStream(io.RawIOBase):
    """Writes to another stream, and knows size and SHA-256 of what was written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.byte_count = 0

    @property
    def hexdigest(self) -> str:
        """SHA-256 of what was written so far."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: Any) -> int:
        """Take bytes, or what has the form of them."""
        self._digest.update(content)
        self.byte_count += len(content)
        return self._stream.write(content)


def write_success(folder: Path, request: ReportRequest, files: Sequence[PublishedFile]) -> None:
    """Write `_SUCCESS` beside the files that it names."""
    document = {
        "run_id": request.run_id,
        "run_date": request.run_date,
        "format": ",".join(request.output_formats),
        "record_count": sum(file.record_count for file in files) // len(request.output_formats),
        "files": [dataclasses.asdict(file) for file in files],
    }
    write_json(folder / SUCCESS_FILE, document)


def write_pointer(folder: Path, request: ReportRequest, *, finished_at: str) -> None:
    """Write the pointer that names this run as the newest."""
    document = {
        "run_id": request.run_id,
        "run_date": request.run_date,
        **request.uris,
        "finished_at": finished_at,
    }
    write_json(folder / POINTER_FILE, document)
