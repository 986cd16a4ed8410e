"""Turn the lists of several outputs into the columns that are published.

Parquet, JSON Lines   `score`, a list of numbers in the model's order; under topK the largest first, and
                      beside it `top`, a list of their names (positions from 0, if the outputs have none)
                      with `exclude`, lists are shorter where less is left of a record
Parquet, of a vector  `score` is of Arrow's fixed-size kind: a record with an error has a list of nulls, as
                      readers do not read back a list that is null itself
CSV                   a column for each number, which a cell can hold: `score_<name>` or `score_0`, …; under
                      topK `top_1`, `score_1`, `top_2`, …, which are empty where less is left
"""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.contract_outputs import list_columns, score_columns, top_columns
from contracts.dataset import ModelOutputs
from contracts.list_arrays import relisted
from contracts.wire import SCORE_COLUMN, TOP_COLUMN
from reporting.output_answers import ABSENT, matrices


def published_outputs(
    answers: pa.Table, outputs: ModelOutputs, *, output_format: str
) -> dict[str, pa.ChunkedArray]:
    """Return the published columns of the outputs, by name, in their order; null where there is an error.

    Args:
        answers: With the columns of `reporting.output_answers`.
        outputs: What the contract says of them.
        output_format: Of the published files.
    """
    if output_format == "csv":
        return _in_cells(answers, outputs)
    if output_format == "parquet" and outputs.is_vector:
        return {SCORE_COLUMN: _of_fixed_size(answers.column(SCORE_COLUMN), outputs.count)}
    columns = {name: answers.column(name) for name in list_columns(outputs)}
    if outputs.top_k is not None and outputs.names:
        columns[TOP_COLUMN] = _named(columns[TOP_COLUMN], outputs)
    return columns


def _named(top: pa.ChunkedArray, outputs: ModelOutputs) -> pa.ChunkedArray:
    names = pa.array(outputs.names)
    chunks = [relisted(chunk, names.take(chunk.flatten())) for chunk in top.chunks]
    return pa.chunked_array(chunks, pa.list_(pa.string()))


def _of_fixed_size(lists: pa.ChunkedArray, length: int) -> pa.ChunkedArray:
    kind = pa.list_(lists.type.value_type, length)
    chunks = [pa.FixedSizeListArray.from_arrays(_numbers(chunk, length), type=kind) for chunk in lists.chunks]
    return pa.chunked_array(chunks, kind)


def _numbers(lists: pa.ListArray, length: int) -> pa.Array:
    """Return the numbers of all lists, and for a list that is null as many nulls."""
    is_there = np.repeat(np.array(lists.is_valid(), dtype=bool), length)
    numbers = np.zeros(len(is_there), dtype=_NUMBERS[lists.type.value_type])
    numbers[is_there] = lists.flatten().to_numpy()
    return pa.array(numbers, mask=None if is_there.all() else ~is_there)


def _in_cells(answers: pa.Table, outputs: ModelOutputs) -> dict[str, pa.ChunkedArray]:
    scores = _cells(answers.column(SCORE_COLUMN), outputs.kept_count)
    columns = dict(zip(score_columns(outputs), scores, strict=True))
    if outputs.top_k is None:
        return columns
    top = _cells(answers.column(TOP_COLUMN), outputs.kept_count)
    if outputs.names:
        top = [pa.array(outputs.names).take(positions) for positions in top]
    ranked = zip(zip(top_columns(outputs), top, strict=True), columns.items(), strict=True)
    return dict(itertools.chain.from_iterable(ranked))


_NUMBERS = {pa.float64(): np.float64, pa.float32(): np.float32, pa.int32(): np.int32}
"""What stands in lists of outputs, and in those of positions (pyarrow's own answer needs pandas)."""


def _cells(lists: pa.ChunkedArray, length: int) -> list[pa.Array]:
    """Return the first numbers of all lists, the second, and so on."""
    kind = np.dtype(_NUMBERS[lists.type.value_type])
    numbers = np.full((length, len(lists)), ABSENT[kind.kind], dtype=kind)
    start = 0
    rows = np.flatnonzero(np.array(pc.is_valid(lists)))
    for block in matrices(lists, length):
        numbers[:, rows[start : start + len(block)]] = block.T
        start += len(block)
    is_absent = np.isnan(numbers) if kind.kind == "f" else numbers < 0
    return [pa.array(column, mask=mask) for column, mask in zip(numbers, is_absent, strict=True)]
