"""The `csv` wire: in go encoded feature vectors without header or id, out comes one line for each line.

A field is a number, or empty where the value is missing. An answer line is the shortest text of the float64
score, or `error: ` and a reason without commas, quotes or line breaks, so that it stays one field when it is
joined to the record.

A payload is parsed as a whole by pyarrow. Only when that finds damage is it cut in halves until the damaged
lines stand alone, so each line gets the verdict that it would get by itself.
"""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from contracts.dataset import DatasetContract
from contracts.errors import bounded
from contracts.wire import CSV_CONTENT_TYPE, CSV_ERROR_PREFIX
from serving.codecs import DecodedPayload
from serving.scorer import Scores

MAX_REASON_CHARS = 200
_UNSAFE = {ord(","): ";", ord('"'): "'", **dict.fromkeys(range(32), " ")}
_BLANK_STARTS = (b"\n", b"\r\n")
_BLANK_LATER = (b"\n\n", b"\n\r\n")


class CsvCodec:
    """Reads and writes the `csv` wire for one contract."""

    content_type = CSV_CONTENT_TYPE

    def __init__(self, contract: DatasetContract) -> None:
        """Take the contract of the model."""
        self._features = contract.features
        self._convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(self._features, pa.float32()), null_values=[""]
        )

    def decode(self, body: bytes) -> DecodedPayload:
        """Read lines of numbers; see `Codec.decode`. Damaged lines become faults."""
        record_count = body.count(b"\n") + (not body.endswith(b"\n"))
        vectors = self._parse(body, record_count)
        if vectors is not None:
            return DecodedPayload(vectors=vectors)
        lines = body.split(b"\n")[:record_count]
        vectors = np.full((record_count, len(self._features)), np.nan, dtype=np.float32)
        faults: dict[int, str] = {}
        self._salvage(lines, 0, vectors, faults)
        return DecodedPayload(vectors=vectors, faults=faults)

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:  # noqa: ARG002 - the wire has no ids
        """Write one line for each record."""
        texts = pc.cast(pa.array(scores.values), pa.string())
        if scores.faults:
            lines = texts.to_pylist()
            for at, reason in scores.faults.items():
                lines[at] = CSV_ERROR_PREFIX + _one_field(reason)
            texts = pa.array(lines, pa.string())
        sink = pa.BufferOutputStream()
        options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
        pa_csv.write_csv(pa.table({"answer": texts}), sink, options)
        answer: bytes = sink.getvalue().to_pybytes()
        return answer

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

    def _salvage(self, lines: list[bytes], first: int, vectors: np.ndarray, faults: dict[int, str]) -> None:
        """Fill in the vectors of the sound lines, and say what is wrong with the others."""
        parsed = self._parse(b"\n".join(lines) + b"\n", len(lines))
        if parsed is not None:
            vectors[first : first + len(lines)] = parsed
        elif len(lines) == 1:
            faults[first] = self._reason(lines[0])
        else:
            middle = len(lines) // 2
            self._salvage(lines[:middle], first, vectors, faults)
            self._salvage(lines[middle:], first + middle, vectors, faults)

    def _reason(self, line: bytes) -> str:
        """Say what is wrong with a line that pyarrow refused."""
        try:
            fields = next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")]), [])
        except csv.Error as error:
            return f"cannot be split into fields: {error}"
        if len(fields) != len(self._features):
            return f"expected {len(self._features)} fields; found {len(fields)}"
        for name, text in zip(self._features, fields, strict=True):
            if text and not _is_number(text):
                return f"feature {name} is {bounded(text, 60)!r}; expected a number or nothing"
        return "cannot be read as numbers; a quote or a line break is in the wrong place"


def _has_blank_line(body: bytes) -> bool:
    return body.startswith(_BLANK_STARTS) or any(blank in body for blank in _BLANK_LATER)


def _is_number(text: str) -> bool:
    try:
        pa.scalar(text.strip()).cast(pa.float32())
    except pa.ArrowInvalid:
        return False
    return True


def _one_field(reason: str) -> str:
    return bounded(reason, MAX_REASON_CHARS).translate(_UNSAFE)
