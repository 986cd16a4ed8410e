"""Read the first scored records of a run, to show them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as pa_dataset

from contracts.errors import CallerError
from runner.results import RunResults


def head(results: RunResults, record_count: int) -> pa.Table:
    """Return the first scored records of a run, in the order of its shards.

    Raises:
        CallerError: The run published none.
    """
    if results.scores is None:
        raise CallerError(f"run {results.record.run_id} is {results.record.status} and published no scores")
    files = sorted(path for path in results.scores.iterdir() if path.suffix in (".parquet", ".csv"))
    file_format = files[0].suffix.lstrip(".")
    return pa_dataset.dataset([str(path) for path in files], format=file_format).head(record_count)
