"""Say which fields that a run needs a source object does not have: most likely it is the wrong source object.

The header of CSV, the schema of Parquet and the keys of JSON objects are all looked at in this way.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.dataset import DatasetContract
from contracts.errors import CallerError, bounded, near_matches
from preprocessing.csv_blocks import needed_fields

MAX_NAMES_CHARS = 400
"""Of the names found, in a message."""


def check_needed_fields(
    source_key: str, names: Sequence[str], contract: DatasetContract, *, what: str, listed: str
) -> None:
    """Raise a CallerError that names every needed field which is not among `names`, with near matches.

    Args:
        source_key: For the message.
        names: What the source object has.
        contract: Says what is needed.
        what: What should have the fields, such as `the schema`.
        listed: What the names are, such as `the columns are`.
    """
    missing = [field.name for field in needed_fields(contract) if field.name not in names]
    if missing:
        faults = [f"{what} lacks the field {name!r}{_near(name, names)}" for name in missing]
        if any(f"{name}=" in source_key for name in missing):
            faults.append("values in the names of folders are not read: write the field into the file")
        faults.append(f"{listed} " + bounded(", ".join(names) or "none", MAX_NAMES_CHARS))
        raise CallerError(f"{source_key}: " + "; ".join(faults))


def _near(name: str, names: Sequence[str]) -> str:
    near = near_matches(name, names)
    return f"; {near}" if near.startswith("did you mean") else ""
