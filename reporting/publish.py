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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

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

_HASHED_BLOCK_BYTES = 1024 * 1024


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
    ids, errors = answers.column(ID_COLUMN), answers.column(ERROR_COLUMN)
    table = pa.table({contract.id_field: ids, **scores, ERROR_COLUMN: errors})
    for name in kept.column_names:
        column = kept.column(name)
        if is_csv and pa.types.is_list(column.type):
            column = pc.binary_join(column, contract.field(name).delimiter)
        table = table.append_column(name, column)
    for name, value in ((PACKAGE_COLUMN, request.model_package_arn), (RUN_COLUMN, request.run_id)):
        table = table.append_column(name, _repeated(value, len(table)))
    return table


def write_part(path: Path, table: pa.Table, name: str) -> PublishedFile:
    """Write the scores of one shard, whole or not at all.

    Args:
        path: Where to; its suffix says the format.
        table: From `published_table`.
        name: What `part_name` calls the file.
    """
    with whole_file(path) as stream:
        if path.suffix == ".csv":
            arrow_csv.write_csv(_as_csv_has_it(table), stream)
        elif path.suffix == ".jsonl":
            stream.writelines(json_lines(table))
        else:
            pq.write_table(
                table,
                stream,
                compression="snappy",
                use_dictionary=_REPEATED_COLUMNS,
                write_batch_size=WRITE_BATCH_ROWS,
            )
    with path.open("rb") as stream:
        digest = _digest(stream)
    return PublishedFile(name=name, byte_count=path.stat().st_size, sha256=digest, record_count=len(table))


def _as_csv_has_it(table: pa.Table) -> pa.Table:
    """Return dictionaries as text, and moments in the form that contracts read."""
    for position, entry in enumerate(table.schema):
        column = table.column(position)
        if pa.types.is_dictionary(entry.type):
            table = table.set_column(position, entry.name, column.cast(pa.string()))
        elif pa.types.is_timestamp(entry.type):
            table = table.set_column(position, entry.name, iso_moments(column))
    return table


def _repeated(value: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int32), [value])


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := stream.read(_HASHED_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


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
