"""The part of a contract about the model's outputs: `scoring.outputs`, `topK` and `exclude`.

Also says what the columns of several outputs are called where they are published:

    score, top                        Parquet and JSON Lines: lists; `top` only with topK
    score_<name>, …                   CSV: a column for each output, by its name, else its position from 0
    top_1, score_1, top_2, …          CSV with topK: the largest output and its name, the second, …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contracts.contract_fields import check_keys, read_texts
from contracts.dataset import LIST_TYPE, NUMBER_TYPES, DatasetContract, Field, ModelOutputs
from contracts.errors import CallerError, near_matches
from contracts.wire import SCORE_COLUMN, TOP_COLUMN, WIRE_FORMATS, check_carries, wire_format

_EXPECTED = (
    "expected at least two names in the model's order, or how many outputs there are, as a whole number or "
    "as {count: 384, type: float32}"
)
MAX_OUTPUTS = 1_000_000
_EXCLUDE = "`scoring.exclude`"
_ONE_OUTPUT = "a model with one output needs no `outputs`"


def read_outputs(
    scoring: Mapping[str, Any], fields: Iterable[Field], faults: list[str]
) -> ModelOutputs | None:
    """Return what `scoring` says of the model's outputs; None if nothing, or something wrong."""
    document, top_k = scoring.get("outputs"), scoring.get("topK")
    number_type = NUMBER_TYPES[0]
    exclude = _exclude(scoring, fields, faults)
    if document is None:
        if top_k is not None:
            faults.append("`scoring.topK` is given without `scoring.outputs`")
        return None
    before = len(faults)
    if isinstance(document, dict):
        number_type = _number_type(document, top_k, faults)
        document = document.get("count")
    names = _names(document, faults) if isinstance(document, list) else ()
    count = len(names) if isinstance(document, list) else _count(document, faults)
    if len(faults) == before and top_k is not None:
        _check_top_k(top_k, count, faults)
    if len(faults) > before:
        return None
    return ModelOutputs(count=count, names=names, top_k=top_k, number_type=number_type, exclude=exclude)


def list_columns(outputs: ModelOutputs) -> list[str]:
    """Return the names of the columns of lists, which answers, Parquet and JSON Lines have."""
    return [SCORE_COLUMN] if outputs.top_k is None else [SCORE_COLUMN, TOP_COLUMN]


def score_columns(outputs: ModelOutputs) -> list[str]:
    """Return the names of the CSV columns that hold numbers, in their order."""
    labels = outputs.labels if outputs.top_k is None else range(1, outputs.top_k + 1)
    return [f"{SCORE_COLUMN}_{label}" for label in labels]


def top_columns(outputs: ModelOutputs) -> list[str]:
    """Return the names of the CSV columns that say which outputs the largest are; none without topK."""
    return [f"{TOP_COLUMN}_{rank}" for rank in range(1, (outputs.top_k or 0) + 1)]


def check_wire(contract: DatasetContract, wire_name: str) -> None:
    """Refuse a wire that cannot carry what the model reads, or the list under `scoring.exclude` beside it.

    Raises:
        CallerError: The wire has no columns.
    """
    has_columns = wire_format(wire_name).has_columns
    check_carries(wire_name, contract.model_input)
    if contract.exclude is not None and not has_columns:
        valid = " or ".join(name for name, wire in WIRE_FORMATS.items() if wire.has_columns)
        raise CallerError(
            f"the wire format is {wire_name!r}, on which only features travel; `scoring.exclude` names the "
            f"list {contract.exclude!r}, which the model server must see: take the wire {valid}"
        )


def published_names(contract: DatasetContract) -> Iterator[str]:
    """Yield the names of the columns, in any format, that stand for several outputs beside `score`."""
    if contract.outputs is not None:
        yield from _names_taken(contract.outputs)


def check_published_names(outputs: ModelOutputs | None, id_field: str, faults: list[str]) -> None:
    """Refuse an id that would be published under the same name as an output."""
    if outputs is not None and id_field in _names_taken(outputs):
        faults.append(
            f"the primary key is called {id_field!r}, as is a published column of the `outputs`; rename the "
            "field or the output"
        )


def _names_taken(outputs: ModelOutputs) -> Iterator[str]:
    if outputs.top_k is not None:
        yield TOP_COLUMN
    yield from top_columns(outputs)
    yield from score_columns(outputs)


def _names(document: list[Any], faults: list[str]) -> tuple[str, ...]:
    names = read_texts(document, "`scoring.outputs`", faults)
    if "" in names:
        faults.append("`scoring.outputs` has an empty name")
    if len(document) < 2:
        faults.append(f"`scoring.outputs` has {len(document)} names; {_EXPECTED}; {_ONE_OUTPUT}")
    return names


def _count(document: Any, faults: list[str]) -> int:
    if isinstance(document, bool) or not isinstance(document, int):
        faults.append(f"`scoring.outputs` is {document!r} ({type(document).__name__}); {_EXPECTED}")
        return 0
    if document < 2:
        faults.append(f"`scoring.outputs` is {document}; {_EXPECTED}; {_ONE_OUTPUT}")
    if document > MAX_OUTPUTS:
        faults.append(f"`scoring.outputs` is {document}; at most {MAX_OUTPUTS} are supported")
    return document


def _number_type(document: dict[Any, Any], top_k: Any, faults: list[str]) -> str:
    check_keys(document, {"count", "type"}, "`scoring.outputs`", faults)
    number_type = document.get("type", NUMBER_TYPES[0])
    if number_type not in NUMBER_TYPES:
        faults.append(f"`scoring.outputs.type` is {number_type!r}; valid: {', '.join(NUMBER_TYPES)}")
    if isinstance(document.get("count"), list):
        faults.append("`scoring.outputs.count` is a list; names have no `type`: write them below `outputs`")
    if top_k is not None and number_type != NUMBER_TYPES[0]:
        faults.append(f"`scoring.topK` keeps {NUMBER_TYPES[0]}; leave the `type` of the `outputs` out")
    return str(number_type)


def _exclude(scoring: Mapping[str, Any], fields: Iterable[Field], faults: list[str]) -> str | None:
    """Return the name of the list under `scoring.exclude`; None if there is none, or it cannot be one."""
    name, outputs = scoring.get("exclude"), scoring.get("outputs")
    if name is None:
        return None
    by_name = {entry.name: entry for entry in fields}
    if not isinstance(name, str):
        faults.append(f"{_EXCLUDE} is {name!r}; expected the name of one field, which is a list")
        return None
    if name not in by_name:
        lists = [entry.name for entry in by_name.values() if entry.type == LIST_TYPE]
        faults.append(f"{_EXCLUDE} names {name!r}, which is no field; {near_matches(name, lists)}")
        return None
    if by_name[name].type != LIST_TYPE:
        faults.append(f"{_EXCLUDE} names {name!r}, which is a {by_name[name].type}; expected a list")
    if scoring.get("topK") is None:
        faults.append(f"{_EXCLUDE} needs `scoring.topK`: what is excluded is left out of the largest outputs")
    if isinstance(outputs, list):
        _check_items(outputs, by_name[name].delimiter, faults)
    else:
        faults.append(f"{_EXCLUDE} needs names under `scoring.outputs`: items are looked up among them")
    return name


def _check_items(outputs: list[Any], delimiter: str, faults: list[str]) -> None:
    """Refuse an output whose name no item of a delimited text can be."""
    for output in outputs:
        if isinstance(output, str) and delimiter in output:
            faults.append(
                f"the output {output!r} has the delimiter {delimiter!r} of the list under {_EXCLUDE} in it; "
                "give the list's field another `delimiter`"
            )
            return


def _check_top_k(top_k: Any, count: int, faults: list[str]) -> None:
    is_whole = isinstance(top_k, int) and not isinstance(top_k, bool)
    if not is_whole or not 1 <= top_k <= count:
        faults.append(
            f"`scoring.topK` is {top_k!r}; expected a whole number from 1 to {count}, the number of `outputs`"
        )
