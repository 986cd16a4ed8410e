"""Read the KeepColumns parameter: which fields of the contract are published beside id and score.

In:  one text: names with commas between them (`plan, tenure`); `*` for every field of the contract but binary
     ones, which cannot be kept; a JSON array where a name has a comma itself (`["a,b", "c"]`); nothing for no
     field.
Out: names of fields, each once, in the order asked, without the id, which is always published.

Never decides what a value looks like when it is published: a kept column keeps the type that it was given by
validation.
"""

from __future__ import annotations

import json

from contracts.contract_outputs import published_names
from contracts.dataset import BINARY_TYPE, DatasetContract
from contracts.errors import CallerError, near_matches
from contracts.wire import ERROR_COLUMN, SCORE_COLUMN

EVERY_FIELD = "*"

PACKAGE_COLUMN = "model_package_arn"
RUN_COLUMN = "run_id"
PUBLISHED_COLUMNS = (SCORE_COLUMN, ERROR_COLUMN, PACKAGE_COLUMN, RUN_COLUMN)
"""What is published beside the id in any case."""


def kept_names(text: str, contract: DatasetContract) -> tuple[str, ...]:
    """Return the names of the kept columns.

    Raises:
        CallerError: A name is no field of the contract, or also a published column; every fault is named.
    """
    known = [field.name for field in contract.fields]
    binary = {field.name for field in contract.fields if field.type == BINARY_TYPE}
    asked = [name for name in known if name not in binary] if text.strip() == EVERY_FIELD else _names_in(text)
    names = tuple(dict.fromkeys(name for name in asked if name != contract.id_field))
    taken = {*PUBLISHED_COLUMNS, *published_names(contract)}
    faults = [fault for name in names if (fault := _fault_of(name, known, taken))]
    faults += [f"{name!r} is binary, and its bytes stay in the source" for name in names if name in binary]
    if faults:
        raise CallerError(
            f"KeepColumns: {'; '.join(faults)}; only fields that the contract describes can be kept"
        )
    return names


def kept_file_names(text: str, contract: DatasetContract) -> tuple[str, ...]:
    """Return the names of the columns that a kept file has beside id and label: what the report reads too.

    Raises:
        CallerError: As for `kept_names`.
    """
    return tuple(dict.fromkeys((*kept_names(text, contract), *contract.report.fields)))


def _names_in(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        return _listed_names(text)
    if text.startswith("-"):
        raise CallerError(
            f"KeepColumns is {text!r}, which containers would take for an option; "
            "write the names as a JSON array"
        )
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    if "" in names:
        raise CallerError(
            f"KeepColumns is {text!r}: a name between two commas is empty; expected `a, b` or `*`"
        )
    return names


def _listed_names(text: str) -> list[str]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CallerError(f"KeepColumns begins with `[` but is no JSON array: {error}") from error
    if not all(isinstance(name, str) for name in names):
        raise CallerError(f'KeepColumns is {text}; expected a JSON array of names, such as ["a,b", "c"]')
    return list(names)


def _fault_of(name: str, known: list[str], taken: set[str]) -> str:
    if name not in known:
        return f"{name!r} is no field of the contract, {near_matches(name, known)}"
    if name in PUBLISHED_COLUMNS:
        return (
            f"{name!r} is also a published column (taken: {', '.join(PUBLISHED_COLUMNS)}); rename the field"
        )
    if name in taken:
        return f"{name!r} is also a published column of the contract's `outputs`; rename the field"
    return ""
