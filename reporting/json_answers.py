"""Read JSON Lines answers: `{"id":"…","SageMakerOutput":<answer>}`, one line a record.

An answer is an object with `score` or `error`, as this project's container gives it, or a bare number, as
others do; other keys are ignored. Of several outputs, an array stands for the number, and under topK one of
positions beside it, under `top`. Scores are read as the nearest 64-bit float (or 32-bit, if the contract says
so), whatever their text. Files whose lines are all alike are read by pyarrow; where it refuses, or finds
another number of records than there are lines, the lines are read one by one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as arrow_json

from contracts.dataset import ModelOutputs
from contracts.errors import bounded
from contracts.wire import ERROR_COLUMN, JSON_ID_KEY, JSON_OUTPUT_KEY, SCORE_COLUMN, TOP_COLUMN
from reporting.output_answers import list_types

BLOCK_BYTES = 16 * 1024 * 1024
MAX_LINE_CHARS_TOLD = 80

_Record = dict[str, Any]
"""One value of each column."""


def read_json_answers(path: Path, outputs: ModelOutputs | None = None) -> pa.Table:
    """Return the columns `id` (text), `score`, under topK `top`, and `error`, in the order of the file.

    Raises:
        pa.ArrowInvalid: A line is no such answer.
    """
    line_count = _line_count(path)
    kinds = {SCORE_COLUMN: pa.float64()}
    if outputs is not None:
        kinds = list_types(outputs)
    kinds[ERROR_COLUMN] = pa.string()
    for kind in (pa.struct(list(kinds.items())), kinds[SCORE_COLUMN]):
        table = _read_alike(path, kind) if line_count else None
        if table is not None and len(table) == line_count:
            return _columns(table, kinds)
    with path.open("rb") as stream:
        records = [_record(line, number, outputs) for number, line in enumerate(stream, 1)]
    return pa.Table.from_pylist(records, pa.schema([(JSON_ID_KEY, pa.string()), *kinds.items()]))


def _line_count(path: Path) -> int:
    count, last = 0, b"\n"
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _read_alike(path: Path, answer_kind: pa.DataType) -> pa.Table | None:
    """Return id and answer if all answers are of one kind and pyarrow can read them."""
    schema = pa.schema([(JSON_ID_KEY, pa.string()), (JSON_OUTPUT_KEY, answer_kind)])
    try:
        table = arrow_json.read_json(
            path,
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
        table.validate(full=True)  # pyarrow has not looked whether texts are UTF-8
    except pa.ArrowInvalid:
        return None  # the caller looks closer, and names the fault
    return table


def _columns(table: pa.Table, kinds: dict[str, pa.DataType]) -> pa.Table:
    answers = table.column(JSON_OUTPUT_KEY)
    if pa.types.is_struct(answers.type):
        columns = answers.combine_chunks().flatten()
    else:
        columns = [answers, *(pa.nulls(len(table), kind) for kind in list(kinds.values())[1:])]
    return pa.table([table.column(JSON_ID_KEY), *columns], names=[JSON_ID_KEY, *kinds])


def _record(line: bytes, number: int, outputs: ModelOutputs | None) -> _Record:
    try:
        document = json.loads(line.decode())
        answer = document[JSON_OUTPUT_KEY]
        parts = answer if isinstance(answer, dict) else {SCORE_COLUMN: answer}
        error = parts.get(ERROR_COLUMN)
        read_score = _number if outputs is None else _numbers
        found = {
            JSON_ID_KEY: _text(document[JSON_ID_KEY]),
            SCORE_COLUMN: read_score(parts.get(SCORE_COLUMN)),
            ERROR_COLUMN: None if error is None else _text(error),
        }
        return found if outputs is None else found | {TOP_COLUMN: _positions(parts.get(TOP_COLUMN))}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as fault:
        told = bounded(line.decode("utf-8", "replace").rstrip("\n"), MAX_LINE_CHARS_TOLD)
        raise pa.ArrowInvalid(
            f"line {number} is {told!r}; expected an object with {JSON_ID_KEY!r}, and under "
            f"{JSON_OUTPUT_KEY!r} {'a number' if outputs is None else 'an array of numbers'} or an object "
            f"with {SCORE_COLUMN!r} or {ERROR_COLUMN!r}"
        ) from fault


def _text(value: Any) -> str:
    """Return an id or a reason; a container may turn an id that looks like a whole number into one."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value).encode().decode()  # refuses half a character
    raise TypeError(f"{type(value).__name__} is no text")


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is no number")
    return float(value)


def _numbers(value: Any) -> list[float | None] | None:
    if value is None or isinstance(value, list):
        return None if value is None else [_number(one) for one in value]
    raise TypeError(f"{type(value).__name__} is no array")


def _positions(value: Any) -> list[int] | None:
    if value is None:
        return None
    if isinstance(value, list) and all(type(one) is int and abs(one) < 2**31 for one in value):
        return value
    raise TypeError("no array of positions")
