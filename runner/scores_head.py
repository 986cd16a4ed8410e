"""Read the first scored records of a run, to show them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as pa_dataset

from contracts.errors import CallerError
from contracts.wire import SCORE_COLUMN
from runner.results import RunResults


def head(results: RunResults, record_count: int) -> pa.Table:
    """Return the first scored records of a run, in the order of its shards.

    Raises:
        CallerError: The run published none.
    """
    if results.scores is None:
        gone = "its scores are no longer where it published them" if results.facts else "published no scores"
        raise CallerError(f"run {results.record.run_id} is {results.record.status}; {gone}")
    files = sorted(path for path in results.scores.iterdir() if path.suffix in (".parquet", ".csv"))
    file_format = _csv_as_text(files[0]) if files[0].suffix == ".csv" else "parquet"
    return pa_dataset.dataset([str(path) for path in files], format=file_format).head(record_count)


def _csv_as_text(path: Path) -> pa_dataset.CsvFileFormat:
    """Return the format in which ids stay as they are written: 007 is not 7."""
    with pa_csv.open_csv(path) as reader:
        names = reader.schema.names
    types = {name: pa.float64() if name == SCORE_COLUMN else pa.string() for name in names}
    return pa_dataset.CsvFileFormat(convert_options=pa_csv.ConvertOptions(column_types=types))
