"""Read what Batch Transform wrote for one shard: an id, and a score or an error, for each record.

In:  `<shard name>.out`, in one of these wire formats
     parquet   columns in this order: the id (typed as it was sent), `score` (float64), `error` (string)
     csv       no header; the id as it was sent, then a number or `error: <reason>`; quoted where needed
     jsonlines see `reporting.json_answers`
     recordio  lines with one field, a number or `error: <reason>`; blank lines mean nothing
Out: a table with the columns `id` (not from recordio, which carries none), `score` (float64) and `error`
     (string), in the order of the file. Each record has exactly one of score and error, the other is null.
     A score that is no finite number becomes an error: it is counted as unscorable, never published as a
     score.

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

from contracts.errors import InternalError
from contracts.wire import CSV_ERROR_PREFIX, ERROR_COLUMN, SCORE_COLUMN
from reporting.damage import naming_damage
from reporting.json_answers import read_json_answers

ID_COLUMN = "id"
"""Name of the first column of an answer, whatever the contract calls the field."""

NOT_FINITE_ERROR = "the model answered with a score that is not a finite number"


def read_answers(path: Path, *, wire_format: str) -> pa.Table:
    """Read one output.

    Raises:
        InternalError: It is damaged, or a record has neither a score nor an error.
        OSError: The disk cannot be read.
    """
    sentence = f"{path.name}: cannot be read as the {wire_format} answers that the model container writes"
    with naming_damage(InternalError, sentence):
        table = _READERS[wire_format](path)
        table.column(ERROR_COLUMN).validate(full=True)  # nothing else looks at the bytes of these texts
    return _settled(table, path.name)


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


def _read_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        found = file.schema_arrow.names
        if len(found) != 3 or found[1:] != [SCORE_COLUMN, ERROR_COLUMN]:
            raise pa.ArrowInvalid(
                f"found the columns {found}, expected an id, {SCORE_COLUMN!r} and {ERROR_COLUMN!r}"
            )
        table = file.read(use_threads=False)
    return pa.table(
        {
            ID_COLUMN: table.column(0),
            SCORE_COLUMN: table.column(1).cast(pa.float64()),
            ERROR_COLUMN: table.column(2).cast(pa.string()),
        }
    )


def _read_csv(path: Path) -> pa.Table:
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
    found = _scores_and_errors(table.column(SCORE_COLUMN))
    return found.add_column(0, ID_COLUMN, table.column(ID_COLUMN))


def _read_options(path: Path, names: list[str]) -> arrow_csv.ReadOptions:
    """Return options by which a line may be as long as the file: ids have no limit of their own."""
    return arrow_csv.ReadOptions(
        column_names=names, use_threads=False, block_size=path.stat().st_size + len(codecs.BOM_UTF8) + 1
    )


def _read_lines(path: Path) -> pa.Table:
    """Read answers of one field; what Batch Transform adds between payloads may leave blank lines."""
    if not path.read_bytes().strip(b"\r\n"):
        return _scores_and_errors(pa.chunked_array([], pa.string()))
    table = arrow_csv.read_csv(
        path,
        read_options=_read_options(path, [SCORE_COLUMN]),
        parse_options=arrow_csv.ParseOptions(quote_char=False, ignore_empty_lines=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={SCORE_COLUMN: pa.string()}, strings_can_be_null=False
        ),
    )
    return _scores_and_errors(table.column(SCORE_COLUMN))


def _scores_and_errors(texts: pa.ChunkedArray) -> pa.Table:
    """Tell numbers from reasons."""
    is_error = pc.starts_with(texts, CSV_ERROR_PREFIX)
    nothing = pa.scalar(None, pa.string())
    reasons = pc.utf8_slice_codeunits(pc.if_else(is_error, texts, nothing), len(CSV_ERROR_PREFIX))
    scores = pc.cast(pc.if_else(is_error, nothing, texts), pa.float64())
    return pa.table({SCORE_COLUMN: scores, ERROR_COLUMN: reasons})


def _csv_source(path: Path) -> Path | pa.BufferReader:
    """Return what pyarrow is to read: it drops a byte order mark, which here belongs to the first id."""
    with path.open("rb") as stream:
        start = stream.read(len(codecs.BOM_UTF8))
        if start != codecs.BOM_UTF8:
            return path
        return pa.BufferReader(codecs.BOM_UTF8 + start + stream.read())


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    "parquet": _read_parquet,
    "csv": _read_csv,
    "jsonlines": read_json_answers,
    "recordio": _read_lines,
}


def _settled(table: pa.Table, name: str) -> pa.Table:
    """Return the answers with exactly one of score and error for each record."""
    scores, errors = table.column(SCORE_COLUMN), table.column(ERROR_COLUMN)
    has_score, has_error = pc.is_valid(scores), pc.is_valid(errors)
    silent = pc.index(pc.or_(has_score, has_error), False).as_py()
    if silent >= 0:
        raise InternalError(f"{name}: record {silent + 1} has neither a score nor an error")
    is_infinite = pc.and_not(pc.and_not(has_score, has_error), pc.fill_null(pc.is_finite(scores), False))
    if pc.any(is_infinite).as_py():
        errors = pc.if_else(is_infinite, pa.scalar(NOT_FINITE_ERROR), errors)
        has_error = pc.is_valid(errors)
    if pc.any(has_error).as_py():
        scores = pc.if_else(has_error, pa.scalar(None, pa.float64()), scores)
    ids = {ID_COLUMN: table.column(ID_COLUMN)} if ID_COLUMN in table.column_names else {}
    return pa.table({**ids, SCORE_COLUMN: scores, ERROR_COLUMN: errors})
