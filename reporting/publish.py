"""Write what downstream readers see: the scored records, `_SUCCESS`, and the pointer to the newest run.

Scores   one file a shard below `run_date=<date>/<run id>/`: the id under the contract's name, `score`
         (float64; for several outputs the columns of `reporting.output_columns`), `error` (string), the kept
         columns in the order asked, `model_package_arn` and `run_id`.
         One of score and error is null, or a list of nulls. In Parquet the last two are dictionary-encoded
         columns of strings, and they and the id are declared to be never null; in CSV there is a header, a
         text has quotes and a null is an empty field; JSON Lines have one object a line, with null for what
         is missing. A kept list is a list, in CSV its items with the field's delimiter between them. Of
         several formats, each has a folder below the run's, with its name.
_SUCCESS JSON that names every file with bytes, SHA-256 and records. The service does not document in which
         order it uploads the files of one output: a reader that wants to be sure compares what it sees.
Pointer  `latest.json`; its output comes last in the definition.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.atomic_files import write_json
from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.keep_columns import PACKAGE_COLUMN, PUBLISHED_COLUMNS, RUN_COLUMN
from contracts.ledger import POINTER_FILE, SUCCESS_FILE
from contracts.wire import ERROR_COLUMN, SCORE_COLUMN
from reporting.answers import ID_COLUMN
from reporting.output_columns import published_outputs
from reporting.published_part import PublishedFile
from reporting.request import ReportRequest

_SUFFIXES = {"parquet": "parquet", "csv": "csv", "jsonlines": "jsonl"}
"""Ending of a file's name for each output format."""


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
    scores = {SCORE_COLUMN: answers.column(SCORE_COLUMN)}
    if contract.outputs is not None:
        scores = published_outputs(answers, contract.outputs, output_format=output_format)
    ids, errors = answers.column(ID_COLUMN), answers.column(ERROR_COLUMN)
    columns = {contract.id_field: ids, **scores, ERROR_COLUMN: errors}
    for name in kept.column_names:
        column = kept.column(name)
        if output_format == "csv" and pa.types.is_list(column.type):
            column = pc.binary_join(column, contract.field(name).delimiter)
        columns[name] = column
    columns |= {PACKAGE_COLUMN: _repeated(request.model_package_arn, len(answers))}
    columns |= {RUN_COLUMN: _repeated(request.run_id, len(answers))}
    never_null = {contract.id_field, PACKAGE_COLUMN, RUN_COLUMN}
    kinds = [pa.field(name, column.type, nullable=name not in never_null) for name, column in columns.items()]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(kinds))


@functools.lru_cache(maxsize=8)
def _repeated(value: str, count: int) -> pa.Array:
    """Return a text as often as asked: most shards have the same number of records, and the same text.

    Made for each shard, it takes most of a millisecond: wherever it converts a list, pyarrow looks for pandas.
    """
    positions = np.zeros(count, dtype=np.int32)
    return pa.DictionaryArray.from_arrays(positions, pa.array([value], pa.string()), safe=False)


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
