"""Read what Batch Transform wrote for one shard: an id, and a score or an error, for each record.

In:  `<shard name>.out`, in one of these wire formats
     arrow     columns in this order: the id (typed as it was sent), `score` (float64), `error` (string)
     parquet   the same
     csv       no header; the id as it was sent, then a number or `error: <reason>`; quoted where needed
     jsonlines see `reporting.json_answers`
     recordio  lines with one field, a number or `error: <reason>`; blank lines mean nothing
Out: a table with the columns `id` (not from recordio, which carries none), `score` (float64) and `error`
     (string), in the order of the file. Each record has exactly one of score and error, the other is null.
     A score that is no finite number becomes an error: it is counted as unscorable, never published as a
     score.

Of a model with several outputs `score` is a list, and under topK `top` beside it, see
`reporting.output_answers`; one output that is not finite makes an error of its record.

Never decides whether the ids are the right ones: that is `reporting.reconcile`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from contracts.arrow_files import arrow_schema, read_arrow
from contracts.dataset import ModelOutputs
from contracts.errors import InternalError
from contracts.wire import CSV_ERROR_PREFIX, ERROR_COLUMN, SCORE_COLUMN, TOP_COLUMN
from reporting.damage import naming_damage
from reporting.json_answers import read_json_answers
from reporting.output_answers import are_finite, check_lists, list_types, lists_in_texts

ID_COLUMN = "id"
"""Name of the first column of an answer, whatever the contract calls the field."""

NOT_FINITE_ERROR = "the model answered with a score that is not a finite number"


MAX_BLOCK_BYTES = 2**31 - 1
"""Of CSV read at once: more, pyarrow does not take, and a column of text must stay below it."""


def read_answers(path: Path, *, wire_format: str, outputs: ModelOutputs | None = None) -> pa.Table:
    """Read one output.

    Args:
        path: Where it is.
        wire_format: Name of the wire format.
        outputs: What the contract says of the model's outputs; None for one.

    Raises:
        InternalError: It is damaged, a record has neither a score nor an error, or another number of outputs
            than the contract says.
        OSError: The disk cannot be read.
    """
    sentence = f"{path.name}: cannot be read as the {wire_format} answers that the model container writes"
    with naming_damage(InternalError, sentence):
        table = _READERS[wire_format](path, outputs)
        if wire_format != "arrow":  # which was checked as it was read
            table.column(ERROR_COLUMN).validate(full=True)  # nothing else looks at the bytes of these texts
    if outputs is not None:
        check_lists(table, path.name, outputs)
    return _settled(table, path.name, outputs)


def with_ids(answers: pa.Table, kept_ids: pa.ChunkedArray) -> pa.Table:
    """Return answers with an id each: their own, or where the wire carries none, by order those kept.

    Where there are more or fewer answers than ids, nobody knows whose they are: then each id is null.
    """
    if ID_COLUMN in answers.column_names:
        return answers
    is_complete = len(answers) == len(kept_ids)
    return answers.add_column(
        0, ID_COLUMN, kept_ids if is_complete else pa.nulls(len(answers), kept_ids.type)
    )


def answers_schema(path: Path, *, wire_format: str) -> pa.Schema:
    """Return the schema of answers in columns, with its metadata.

    Raises:
        pa.ArrowException: They are damaged.
        OSError: The disk cannot be read.
    """
    return pq.read_schema(path) if wire_format == "parquet" else arrow_schema(path.read_bytes())


def _read_parquet(path: Path, outputs: ModelOutputs | None) -> pa.Table:
    with pq.ParquetFile(path) as file:
        _check_names(file.schema_arrow.names, outputs)
        table = file.read(use_threads=False)
    return _answer_columns(table, outputs)


def _read_arrow(path: Path, outputs: ModelOutputs | None) -> pa.Table:
    table = read_arrow(path.read_bytes())
    _check_names(table.column_names, outputs)
    return _answer_columns(table, outputs)


def _check_names(found: list[str], outputs: ModelOutputs | None) -> None:
    names = list(_answer_types(outputs))
    if len(found) != 1 + len(names) or found[1:] != names:
        expected = " and ".join([", ".join(map(repr, names[:-1])), repr(ERROR_COLUMN)])
        raise pa.ArrowInvalid(f"found the columns {found}, expected an id, {expected}")


def _answer_types(outputs: ModelOutputs | None) -> dict[str, pa.DataType]:
    kinds = {SCORE_COLUMN: pa.float64()}
    if outputs is not None:
        kinds = list_types(outputs)
    return {**kinds, ERROR_COLUMN: pa.string()}


def _answer_columns(table: pa.Table, outputs: ModelOutputs | None) -> pa.Table:
    kinds = _answer_types(outputs)
    columns = [table.column(number).cast(kind) for number, kind in enumerate(kinds.values(), start=1)]
    return pa.table([table.column(0), *columns], names=[ID_COLUMN, *kinds])


def _read_csv(path: Path, outputs: ModelOutputs | None) -> pa.Table:
    names = [ID_COLUMN, SCORE_COLUMN]
    if path.stat().st_size == 0:
        table = pa.table({name: pa.array([], pa.string()) for name in names})
    else:
        table = arrow_csv.read_csv(
            _csv_source(path),
            read_options=_read_options(path, names),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    found = _scores_and_errors(table.column(SCORE_COLUMN), outputs)
    return found.add_column(0, ID_COLUMN, table.column(ID_COLUMN))


def _read_options(path: Path, names: list[str]) -> arrow_csv.ReadOptions:
    """Return options by which a line may be as long as the file: ids have no limit of their own."""
    block_bytes = min(path.stat().st_size + len(codecs.BOM_UTF8) + 1, MAX_BLOCK_BYTES)
    return arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=block_bytes)


def _read_lines(path: Path, outputs: ModelOutputs | None) -> pa.Table:
    """Read answers of one field; what Batch Transform adds between payloads may leave blank lines."""
    if not path.read_bytes().strip(b"\r\n"):
        return _scores_and_errors(pa.chunked_array([], pa.string()), outputs)
    table = arrow_csv.read_csv(
        path,
        read_options=_read_options(path, [SCORE_COLUMN]),
        parse_options=arrow_csv.ParseOptions(quote_char=False, ignore_empty_lines=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={SCORE_COLUMN: pa.string()}, strings_can_be_null=False
        ),
    )
    return _scores_and_errors(table.column(SCORE_COLUMN), outputs)


def _scores_and_errors(texts: pa.ChunkedArray, outputs: ModelOutputs | None) -> pa.Table:
    """Tell numbers from reasons."""
    is_error = pc.starts_with(texts, CSV_ERROR_PREFIX)
    nothing = pa.scalar(None, pa.string())
    reasons = pc.utf8_slice_codeunits(pc.if_else(is_error, texts, nothing), len(CSV_ERROR_PREFIX))
    numbers = pc.if_else(is_error, nothing, texts)
    if outputs is not None:
        return pa.table({**lists_in_texts(numbers, outputs), ERROR_COLUMN: reasons})
    return pa.table({SCORE_COLUMN: pc.cast(numbers, pa.float64()), ERROR_COLUMN: reasons})


def _csv_source(path: Path) -> Path | pa.BufferReader:
    """Return what pyarrow is to read: it drops a byte order mark, which here belongs to the first id."""
    with path.open("rb") as stream:
        start = stream.read(len(codecs.BOM_UTF8))
        if start != codecs.BOM_UTF8:
            return path
        return pa.BufferReader(codecs.BOM_UTF8 + start + stream.read())


_READERS: dict[str, Callable[[Path, ModelOutputs | None], pa.Table]] = {
    "arrow": _read_arrow,
    "parquet": _read_parquet,
    "csv": _read_csv,
    "jsonlines": read_json_answers,
    "recordio": _read_lines,
}


def _settled(table: pa.Table, name: str, outputs: ModelOutputs | None) -> pa.Table:
    """Return the answers with exactly one of score and error for each record."""
    scores, errors = table.column(SCORE_COLUMN), table.column(ERROR_COLUMN)
    is_finite = pc.is_finite(scores) if outputs is None else are_finite(scores)
    if not scores.null_count and errors.null_count == len(errors) and pc.all(is_finite, min_count=0).as_py():
        return table
    has_score, has_error = pc.is_valid(scores), pc.is_valid(errors)
    silent = pc.index(pc.or_(has_score, has_error), False).as_py()
    if silent >= 0:
        raise InternalError(f"{name}: record {silent + 1} has neither a score nor an error")
    is_infinite = pc.and_not(pc.and_not(has_score, has_error), pc.fill_null(is_finite, False))
    if pc.any(is_infinite).as_py():
        errors = pc.if_else(is_infinite, pa.scalar(NOT_FINITE_ERROR), errors)
        has_error = pc.is_valid(errors)
    settled = table.set_column(table.column_names.index(ERROR_COLUMN), ERROR_COLUMN, errors)
    if pc.any(pc.and_(has_error, has_score)).as_py():
        for column_name in {SCORE_COLUMN, TOP_COLUMN}.intersection(table.column_names):
            column = table.column(column_name)
            nothing = pa.scalar(None, column.type)
            settled = settled.set_column(
                table.column_names.index(column_name), column_name, pc.if_else(has_error, nothing, column)
            )
    return settled
