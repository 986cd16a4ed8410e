"""Read the several outputs of each record from what came back, as lists of a length that the contract says.

Where the contract excludes outputs and fewer are left of a record, its lists are shorter.

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

ABSENT = {"f": np.nan, "i": -1}
"""By kind of number: what stands in a matrix behind a list that is shorter."""

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

    Where the contract excludes outputs, a list may be shorter, but not empty.

    Raises:
        InternalError: One is not; `name` stands first in the message.
    """
    fewest = outputs.kept_count if outputs.exclude is None else 1
    for column_name in list_columns(outputs):
        lengths = pc.list_value_length(table.column(column_name))
        is_wrong = pc.or_(pc.less(lengths, fewest), pc.greater(lengths, outputs.kept_count))
        at = pc.index(is_wrong, True).as_py()
        if at >= 0:
            expected = f"{outputs.kept_count}" if outputs.exclude is None else f"1 to {outputs.kept_count}"
            raise InternalError(
                f"{name}: record {at + 1} has {lengths[at]} numbers under {column_name!r}; expected "
                f"{expected}, as the contract says of the model's outputs"
            )
    if outputs.top_k is not None:
        _check_positions(table, name, outputs)


def _check_positions(table: pa.Table, name: str, outputs: ModelOutputs) -> None:
    scores, top = table.column(SCORE_COLUMN), table.column(TOP_COLUMN)
    lengths = [pc.fill_null(pc.list_value_length(lists), 0) for lists in (scores, top)]
    if pc.any(pc.and_(pc.is_valid(scores), pc.not_equal(*lengths))).as_py():
        raise InternalError(f"{name}: a record has outputs without their positions under {TOP_COLUMN!r}")
    positions = pc.list_flatten(top)
    bounds = pc.min_max(positions).as_py()
    is_wrong = positions.null_count > 0
    is_wrong |= bounds["min"] is not None and (bounds["min"] < 0 or bounds["max"] >= outputs.count)
    for block in matrices(top, outputs.kept_count):
        ordered = np.sort(block, axis=1)
        is_wrong |= bool(((np.diff(ordered, axis=1) == 0) & (ordered[:, 1:] >= 0)).any())
    if is_wrong:
        raise InternalError(
            f"{name}: a record has positions under {TOP_COLUMN!r} that are not those of different "
            f"outputs; the model has {outputs.count}, counted from 0"
        )


def are_finite(lists: pa.ChunkedArray) -> pa.Array:
    """Return for each record whether all numbers of its list are finite; false where there is no list."""
    is_finite = np.array(pc.is_valid(lists))
    start = 0
    for chunk in lists.chunks:
        is_wrong = ~np.isfinite(pc.fill_null(chunk.flatten(), float("nan")).to_numpy(zero_copy_only=False))
        if is_wrong.any():
            rows = np.repeat(np.arange(start, start + len(chunk)), _lengths(chunk))
            is_finite[rows[is_wrong]] = False
        start += len(chunk)
    return pa.array(is_finite)


def matrices(lists: pa.ChunkedArray, length: int) -> Iterator[np.ndarray]:
    """Yield the lists that are there as matrices of shape (some records, length), in order; NaN for nulls.

    A list that is shorter, as `exclude` allows, is followed by ABSENT in its row: NaN, or -1 among positions.
    """
    rows_at_once = max(1, NUMBERS_AT_ONCE // length)
    for chunk in lists.chunks:
        for start in range(0, len(chunk), rows_at_once):
            rows = chunk.slice(start, rows_at_once)
            numbers = rows.flatten()  # leaves out what is null
            if numbers.null_count:
                numbers = pc.fill_null(numbers.cast(pa.float64()), float("nan"))
            values, count = numbers.to_numpy(), len(rows) - rows.null_count
            yield (
                values.reshape(-1, length) if len(values) == count * length else _padded(rows, values, length)
            )


def _padded(rows: pa.Array, values: np.ndarray, length: int) -> np.ndarray:
    lengths = _lengths(rows.drop_null())
    matrix = np.full((len(lengths), length), ABSENT[values.dtype.kind], dtype=values.dtype)
    matrix[np.arange(length) < lengths[:, None]] = values
    return matrix


def _lengths(lists: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False))


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
