"""Read the several outputs of each record from what came back, as lists of a length that the contract says.

Only with `outputs` in the contract. Where one output answers a number, several answer a list; under topK each
list of outputs has one of positions beside it, as `contracts.wire` describes. In memory they are columns
`score` (list of float64, or float32 if the contract says so) and `top` (list of int32), null where a record
has an error.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.contract_outputs import list_columns
from contracts.dataset import ModelOutputs
from contracts.errors import InternalError
from contracts.list_arrays import relisted
from contracts.wire import CSV_OUTPUT_SEPARATOR, SCORE_COLUMN, TOP_COLUMN

NUMBERS_AT_ONCE = 4_000_000
"""Looked at in one go: bounds the memory for it."""

_RANKED = r"^(?P<position>[0-9]{1,9}):(?P<number>[^:]+)$"


def list_types(outputs: ModelOutputs) -> dict[str, pa.DataType]:
    """Return the types of the columns of lists, by name."""
    numbers = pa.float32() if outputs.number_type == "float32" else pa.float64()
    kinds = {SCORE_COLUMN: pa.list_(numbers), TOP_COLUMN: pa.list_(pa.int32())}
    return {name: kinds[name] for name in list_columns(outputs)}


def lists_in_texts(texts: pa.ChunkedArray, outputs: ModelOutputs) -> dict[str, pa.ChunkedArray]:
    """Return the columns of lists that answers of one field stand for, null where a text is.

    Raises:
        pa.ArrowInvalid: A text is no such answer.
    """
    parts = [_lists_in_chunk(chunk, outputs) for chunk in texts.chunks]
    return {
        name: pa.chunked_array([part[name] for part in parts], kind)
        for name, kind in list_types(outputs).items()
    }


def check_lists(table: pa.Table, name: str, outputs: ModelOutputs) -> None:
    """Check that every list is as long as the contract says, and positions are those of different outputs.

    Raises:
        InternalError: One is not; `name` stands first in the message.
    """
    for column_name in list_columns(outputs):
        lengths = pc.list_value_length(table.column(column_name))
        at = pc.index(pc.not_equal(lengths, outputs.kept_count), True).as_py()
        if at >= 0:
            raise InternalError(
                f"{name}: record {at + 1} has {lengths[at]} numbers under {column_name!r}; expected "
                f"{outputs.kept_count}, as the contract says of the model's outputs"
            )
    if outputs.top_k is None:
        return
    scores, top = table.column(SCORE_COLUMN), table.column(TOP_COLUMN)
    if pc.any(pc.and_(pc.is_valid(scores), pc.is_null(top))).as_py():
        raise InternalError(f"{name}: a record has outputs without their positions under {TOP_COLUMN!r}")
    for block in matrices(top, outputs.kept_count):
        ordered = np.sort(block, axis=1)
        is_wrong = (ordered[:, 0] < 0) | (ordered[:, -1] >= outputs.count)
        if (is_wrong | (np.diff(ordered, axis=1) == 0).any(axis=1)).any():
            raise InternalError(
                f"{name}: a record has positions under {TOP_COLUMN!r} that are not those of different "
                f"outputs; the model has {outputs.count}, counted from 0"
            )


def are_finite(lists: pa.ChunkedArray, length: int) -> pa.Array:
    """Return for each record whether all numbers of its list are finite; false where there is no list."""
    is_finite = np.array(pc.is_valid(lists))
    blocks = [np.isfinite(block).all(axis=1) for block in matrices(lists, length)]
    is_finite[is_finite] = np.concatenate(blocks) if blocks else np.empty(0, dtype=bool)
    return pa.array(is_finite)


def matrices(lists: pa.ChunkedArray, length: int) -> Iterator[np.ndarray]:
    """Yield the lists that are there as matrices of shape (some records, length), in order; NaN for nulls."""
    rows_at_once = max(1, NUMBERS_AT_ONCE // length)
    for chunk in lists.chunks:
        for start in range(0, len(chunk), rows_at_once):
            numbers = chunk.slice(start, rows_at_once).flatten()  # leaves out what is null
            if numbers.null_count:
                numbers = pc.fill_null(numbers.cast(pa.float64()), float("nan"))
            yield numbers.to_numpy().reshape(-1, length)


def _lists_in_chunk(texts: pa.Array, outputs: ModelOutputs) -> dict[str, pa.Array]:
    words, kinds = pc.split_pattern(texts, CSV_OUTPUT_SEPARATOR), list_types(outputs)
    if outputs.top_k is None:
        return {SCORE_COLUMN: words.cast(kinds[SCORE_COLUMN])}
    found = pc.extract_regex(words.flatten(), _RANKED)
    if found.null_count:
        at = pc.index(pc.is_null(found), True).as_py()
        raise pa.ArrowInvalid(f"found {words.flatten()[at].as_py()!r}; expected `position:number`")
    fields = {SCORE_COLUMN: found.field("number"), TOP_COLUMN: found.field("position")}
    return {name: relisted(words, field.cast(kinds[name].value_type)) for name, field in fields.items()}
