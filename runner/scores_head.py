"""Read the first scored records of a run, to show them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as pa_dataset

from contracts.errors import CallerError
from contracts.wire import SCORE_COLUMN
from runner.results import RunResults

_SUFFIXES = (".parquet", ".csv", ".jsonl")


def head(results: RunResults, record_count: int) -> pa.Table:
    """Return the first scored records of a run, in the order of its shards.

    Raises:
        CallerError: The run published none.
    """
    if results.scores is None:
        gone = "its scores are no longer where it published them" if results.facts else "published no scores"
        raise CallerError(f"run {results.record.run_id} is {results.record.status}; {gone}")
    files = _files(results.scores)
    if not files:
        raise CallerError(f"run {results.record.run_id}: there is no file of scores below {results.scores}")
    if files[0].suffix == ".jsonl":
        return _json_head(files, record_count)
    file_format = _csv_as_text(files[0]) if files[0].suffix == ".csv" else "parquet"
    return pa_dataset.dataset([str(path) for path in files], format=file_format).head(record_count)


def _files(folder: Path) -> list[Path]:
    """Return the files of one format; where there are several, each in a folder, of the first of them."""
    by_suffix = {suffix: sorted(folder.rglob(f"*{suffix}")) for suffix in _SUFFIXES}
    return next((files for files in by_suffix.values() if files), [])


def _json_head(files: list[Path], record_count: int) -> pa.Table:
    """Read as many lines as are asked for; pyarrow would turn texts that look like moments into moments."""
    lines = itertools.islice(_lines(files), record_count)
    return pa.Table.from_pylist([json.loads(line) for line in lines])


def _lines(files: list[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as stream:
            yield from stream


def _csv_as_text(path: Path) -> pa_dataset.CsvFileFormat:
    """Return the format in which ids stay as they are written: 007 is not 7."""
    with pa_csv.open_csv(path, parse_options=pa_csv.ParseOptions(newlines_in_values=True)) as reader:
        names = reader.schema.names
    types = {name: pa.float64() if name == SCORE_COLUMN else pa.string() for name in names}
    return pa_dataset.CsvFileFormat(
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=types),
    )
