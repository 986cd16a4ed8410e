"""The `csv` wire: in go encoded feature vectors without header or id, out comes one line for each line.

A field is a number, or empty where the value is missing. An answer line is the shortest text of the float64
score, or `error: ` and a reason without commas, quotes or line breaks, so that it stays one field when it is
joined to the record. Several outputs stand in that one field with spaces between them, under topK as
`position:number`.

A payload without quotes is parsed as a whole by pyarrow. Only when that finds damage, or where there are
quotes, are the lines looked at one by one, and those without a fault parsed together again. What pyarrow
still refuses is cut in halves until the damaged lines stand alone, so that each line gets the verdict that it
would get by itself.
"""

from __future__ import annotations

import codecs
import csv
import functools
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from contracts.dataset import DatasetContract
from contracts.errors import bounded
from contracts.wire import CSV_CONTENT_TYPE, CSV_ERROR_PREFIX, CSV_OUTPUT_SEPARATOR
from serving.codecs import DecodedPayload
from serving.output_lines import joined_rows, number_texts, output_lines
from serving.scorer import Scores

MAX_REASON_CHARS = 200
_UNSAFE = {ord(","): ";", ord('"'): "'", **dict.fromkeys(range(32), " ")}
_PLAIN_NUMBER = re.compile(r"(-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)?")
"""What an encoder writes, or nothing; anything else is put to pyarrow."""

_BLANK_STARTS = (b"\n", b"\r\n")
_BLANK_LATER = (b"\n\n", b"\n\r\n")


class CsvCodec:
    """Reads and writes the `csv` wire for one contract."""

    content_type = CSV_CONTENT_TYPE
    answer_type = CSV_CONTENT_TYPE

    def __init__(self, contract: DatasetContract) -> None:
        """Take the contract of the model."""
        self._features = contract.features
        self._convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(self._features, pa.float32()), null_values=[""]
        )

    def decode(self, body: bytes) -> DecodedPayload:
        """Read lines of numbers; see `Codec.decode`. Damaged lines become faults."""
        body = body.removeprefix(codecs.BOM_UTF8)
        record_count = body.count(b"\n") + (not body.endswith(b"\n"))
        vectors = None if _needs_care(body) else self._parse(body, record_count)
        if vectors is not None:
            return DecodedPayload(features=vectors)
        lines = body.split(b"\n")[:record_count]
        reasons = [self._reason(line) for line in lines]
        faults = {at: reason for at, reason in enumerate(reasons) if reason}
        sound = [at for at, reason in enumerate(reasons) if not reason]
        vectors = np.full((record_count, len(self._features)), np.nan, dtype=np.float32)
        self._salvage(lines, sound, vectors, faults)
        return DecodedPayload(features=vectors, faults=faults)

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:  # noqa: ARG002 - the wire has no ids
        """Write one line for each record."""
        return score_lines(scores)

    def _parse(self, body: bytes, record_count: int) -> np.ndarray | None:
        """Return the vectors of lines that are all sound, or None if any is not."""
        if len(self._features) > 1 and _has_blank_line(body):
            return None  # pyarrow would read it as a record of missing values
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(body),
                # One block: a line may be as long as the payload.
                read_options=pa_csv.ReadOptions(
                    column_names=self._features, use_threads=False, block_size=len(body) + 1
                ),
                parse_options=pa_csv.ParseOptions(ignore_empty_lines=False),
                convert_options=self._convert,
            )
        except pa.ArrowInvalid:
            return None  # the caller looks closer, and names each fault
        if table.num_rows != record_count:
            return None  # a quote or a carriage return has joined or cut lines
        vectors = np.empty((record_count, len(self._features)), dtype=np.float32)
        for position, column in enumerate(table.columns):
            vectors[:, position] = pc.fill_null(column, float("nan")).to_numpy()
        return vectors

    def _salvage(
        self, lines: list[bytes], chosen: list[int], vectors: np.ndarray, faults: dict[int, str]
    ) -> None:
        """Fill in the vectors of the chosen lines; a line that pyarrow refuses becomes a fault."""
        parsed = self._parse(b"".join(lines[at] + b"\n" for at in chosen), len(chosen))
        if parsed is not None:
            vectors[chosen] = parsed
        elif len(chosen) == 1:
            faults[chosen[0]] = "cannot be read as numbers; a quote or a line break is in the wrong place"
        elif chosen:
            middle = len(chosen) // 2
            self._salvage(lines, chosen[:middle], vectors, faults)
            self._salvage(lines, chosen[middle:], vectors, faults)

    def _reason(self, line: bytes) -> str | None:
        """Say what is plainly wrong with a line, or None."""
        text = line.decode("utf-8", "replace").removesuffix("\r")
        if not text and len(self._features) == 1:
            return None
        if text.count('"') % 2:
            return "a quote is not closed"
        try:
            fields = next(csv.reader([text]), [])
        except csv.Error as error:
            return f"cannot be split into fields: {error}"
        if len(fields) != len(self._features):
            return f"expected {len(self._features)} fields; found {len(fields)}"
        for name, value in zip(self._features, fields, strict=True):
            if not (_PLAIN_NUMBER.fullmatch(value) or _is_number(value)):
                return f"feature {name} is {bounded(value, 60)!r}; expected a number or nothing"
        return None


def score_lines(scores: Scores) -> bytes:
    """Return one line for each record: its score or scores, or why there is none."""
    if scores.values.ndim > 1:
        return output_lines(scores, _one_field_of_outputs, _told)
    texts = pc.cast(pa.array(scores.values), pa.string())
    if scores.faults:
        lines = texts.to_pylist()
        for at, reason in scores.faults.items():
            lines[at] = _told(reason)
        texts = pa.array(lines, pa.string())
    sink = pa.BufferOutputStream()
    options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
    pa_csv.write_csv(pa.table({"answer": texts}), sink, options)
    answer: bytes = sink.getvalue().to_pybytes()
    return answer


def _needs_care(body: bytes) -> bool:
    """Whether pyarrow would read the body without complaint, though a line of it is damaged.

    To it a quote that opens the last field and is not closed is a missing value, and a second byte order mark
    is nothing. No encoder writes either.
    """
    return b'"' in body or body.startswith(codecs.BOM_UTF8)


def _has_blank_line(body: bytes) -> bool:
    return body.startswith(_BLANK_STARTS) or any(blank in body for blank in _BLANK_LATER)


@functools.lru_cache(maxsize=4096)
def _is_number(text: str) -> bool:
    """Whether pyarrow reads `text` as a number, by the same rules as in a CSV file."""
    try:
        pa.scalar(text.strip(" \t")).cast(pa.float32())
    except pa.ArrowInvalid:
        return False
    return True


def _one_field_of_outputs(values: np.ndarray, top: np.ndarray | None) -> pa.Array:
    texts = number_texts(values)
    if top is not None:
        texts = pc.binary_join_element_wise(number_texts(top), texts, ":")
    return joined_rows(texts, values.shape[1], CSV_OUTPUT_SEPARATOR)


def _told(reason: str) -> str:
    return CSV_ERROR_PREFIX + bounded(reason, MAX_REASON_CHARS).translate(_UNSAFE)
