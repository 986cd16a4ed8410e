"""Filters and joins around one CSV payload: InputFilter, inference, join, OutputFilter, in this order.

A row is an array; a filter names columns by index: `$` (all), `$[0]`, `$[0,2]`, `$[-1]`, `$[1:3]`, `$[1:]`,
and at most one range; the prediction is appended to its row; an index out of range is an error
[doc: "Associate Prediction Results with Input Records"].

Rows are parsed and written with pyarrow. A value is written as it was read, with quotes only where it needs
them; how the service quotes is not documented.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv as pa_csv

from contracts.data_filters import filter_problems
from contracts.errors import CallerError
from contracts.wire import CSV_CONTENT_TYPE
from emulator.transform_request import TransformRequest

Infer = Callable[[bytes], bytes]


class DataProcessingError(CallerError):
    """A payload or an answer does not fit the filters or the join: its object fails."""


def selected_columns(json_path: str, column_count: int) -> list[int]:
    """Return the column numbers that a filter selects from rows of `column_count` columns, in its order.

    Raises:
        DataProcessingError: It is no filter for CSV, or an index is out of range.
    """
    problems = filter_problems(json_path, content_type=CSV_CONTENT_TYPE)
    if problems:
        raise DataProcessingError(f"filter {json_path!r} {'; '.join(problems)}")
    if json_path == "$":
        return list(range(column_count))
    columns: list[int] = []
    for part in json_path.removeprefix("$[").removesuffix("]").split(","):
        columns += _columns_of(part, json_path, column_count)
    return columns


def _columns_of(part: str, json_path: str, column_count: int) -> list[int]:
    if ":" in part:
        start, stop = (int(text) if text else None for text in part.split(":"))
        return list(range(column_count))[start:stop]
    index = int(part)
    if not -column_count <= index < column_count:
        raise DataProcessingError(
            f"{json_path!r}: index {index} is out of range, a row has {column_count} values"
        )
    return [index % column_count]


def parse_rows(text: bytes, *, name: str) -> pa.Table:
    """Parse header-less CSV into a table of texts, every row with the same number of values.

    Raises:
        DataProcessingError: It cannot be parsed.
    """
    if not text:
        return pa.table({})
    try:
        if text.startswith(codecs.BOM_UTF8):
            text = (
                codecs.BOM_UTF8 + text
            )  # pyarrow takes one mark away, which here belongs to the first value
        ended = text if text.endswith(b"\n") else text + b"\n"  # pyarrow finds no row in one unended line
        parsed = pa_csv.read_csv(
            pa.BufferReader(ended),
            read_options=pa_csv.ReadOptions(autogenerate_column_names=True, block_size=len(ended)),
            parse_options=pa_csv.ParseOptions(newlines_in_values=False, ignore_empty_lines=False),
            convert_options=_as_text(_column_count(text)),
        )
    except (pa.ArrowInvalid, csv.Error, UnicodeDecodeError) as error:
        raise DataProcessingError(f"{name} is not CSV with equally many values a row: {error}") from error
    line_count = text.count(b"\n") + (not text.endswith(b"\n"))
    if parsed.num_rows != line_count:
        raise DataProcessingError(
            f"{name} has a line break inside quotes; records that are split by Line may have none"
        )
    return parsed


def _column_count(text: bytes) -> int:
    first = text[: text.find(b"\n") + 1] or text
    return len(next(csv.reader([first.decode("utf-8").rstrip("\r\n")]), []))


def _as_text(column_count: int) -> pa_csv.ConvertOptions:
    names = [f"f{number}" for number in range(column_count)]
    return pa_csv.ConvertOptions(
        column_types={name: pa.string() for name in names}, strings_can_be_null=False, null_values=[]
    )


def format_rows(rows: pa.Table) -> bytes:
    """Write a table of texts as header-less CSV, one line a row."""
    sink = pa.BufferOutputStream()
    try:
        options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
        pa_csv.write_csv(rows, sink, write_options=options)
        return bytes(sink.getvalue().to_pybytes())
    except pa.ArrowInvalid:  # some value needs quotes, which pyarrow would then give to all values
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(zip(*rows.to_pydict().values(), strict=True))
        return text.getvalue().encode()


def filter_rows(rows: pa.Table, json_path: str) -> pa.Table:
    """Return the columns of `rows` that a filter selects."""
    columns = selected_columns(json_path, rows.num_columns)
    if rows.num_columns and not columns:
        raise DataProcessingError(
            f"{json_path!r} selects nothing of rows with {rows.num_columns} values; name some that are there"
        )
    return pa.table([rows.column(index) for index in columns], names=[str(n) for n in range(len(columns))])


def join(rows: pa.Table, predictions: pa.Table) -> pa.Table:
    """Append each prediction to its row.

    Raises:
        DataProcessingError: There are more or fewer predictions than rows.
    """
    if rows.num_rows != predictions.num_rows:
        raise DataProcessingError(
            f"the container answered {predictions.num_rows} predictions for {rows.num_rows} records; "
            "expected one for each, in order"
        )
    columns = [*rows.columns, *predictions.columns]
    return pa.table(columns, names=[str(number) for number in range(len(columns))])


def process_csv(payload: bytes, facts: TransformRequest, infer: Infer, *, name: str) -> bytes:
    """Return the output for one payload; arguments as for `emulator.json_processing.process_json`.

    Raises:
        CallerError: A payload or an answer is not CSV, a filter does not fit, or the counts differ.
    """
    rows = parse_rows(payload, name=name)
    body = payload if facts.input_filter == "$" else format_rows(filter_rows(rows, facts.input_filter))
    predictions = parse_rows(infer(body), name=f"the answer to {name}")
    joined = join(rows, predictions) if facts.joins_input else predictions
    return format_rows(filter_rows(joined, facts.output_filter))
