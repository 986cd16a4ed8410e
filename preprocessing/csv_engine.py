"""The native extension that reads CSV, if it was built when this was installed.

It is built from `native/` by `setup.py` and is optional: without it numpy and pyarrow do the same work (see
`csv_scan` and `csv_parse`), more slowly. Both ways give the same records and the same faults.
"""

from __future__ import annotations

__all__ = ["MISSING_NOTE", "is_native", "native_csv"]

try:
    from preprocessing import native_csv
except ImportError:  # there was no compiler, or the extension is of another Python
    native_csv = None  # type: ignore[assignment]

MISSING_NOTE = (
    "the native CSV reader was not built: CSV is read by pyarrow, more slowly; "
    "install a C++ compiler and install batchscore again"
)


def is_native() -> bool:
    """Whether the extension is there."""
    return native_csv is not None
