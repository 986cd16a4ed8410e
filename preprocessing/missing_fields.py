"""Say which fields that a run needs a source object does not have: most likely it is the wrong source object.

The header of CSV, the schema of Parquet and the keys of JSON objects are all looked at in this way.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.dataset import DatasetContract, Field
from contracts.errors import CallerError, bounded, near_matches

MAX_NAMES_COMPARED = 1000
"""Names of a source object among which one that is like a missing one is looked for."""

MAX_NAMES_CHARS = 400
"""Of the names found, in a message."""


def needed_fields(contract: DatasetContract) -> list[Field]:
    """Return the fields that every source must have: the id, the features, `exclude`, and what is `required`.

    The label is left out: what is to be scored need not have an outcome yet.
    """
    needed = {contract.id_field, *contract.sent_names}
    return [
        field
        for field in contract.fields
        if field.name in needed or (field.constraints.required and field.name != contract.label)
    ]


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
        faults = [f"{what} lacks the field {name!r}{near_clause(name, names)}" for name in missing]
        if any(f"{name}=" in source_key for name in missing):
            faults.append("values in the names of folders are not read: write the field into the file")
        faults.append(f"{listed} " + bounded(", ".join(names) or "none", MAX_NAMES_CHARS))
        raise CallerError(f"{source_key}: " + "; ".join(faults))


def near_clause(name: str, names: Sequence[str]) -> str:
    """Return `; did you mean …?` if a name of the source comes near, else nothing."""
    near = near_matches(name, names) if len(names) <= MAX_NAMES_COMPARED else ""
    return f"; {near}" if near.startswith("did you mean") else ""
