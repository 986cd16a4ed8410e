"""The `jsonlines` wire: a line in, a line out.

In:  each line is an array of numbers, one a feature in the model's order, or an object that has such an array
     under `features` (other keys are ignored). null is a missing value. Nothing but strict JSON is taken:
     NaN, `1.` and `01` are no numbers.
Out: `{"score":0.25}` with the shortest text that reads back to the same float64, or `{"error":"reason"}`.
     Several outputs are an array, `{"score":[0.25,0.75]}`, under topK with their positions from 0:
     `{"score":[0.75],"top":[1]}`.

A payload whose lines are all alike and sound is proven so by one pass of a regular expression, and parsed as
a whole by pyarrow. Otherwise each line is judged by the same expression, and only those that it does not know
are looked at one by one; what is sound of them is brought into the common form. Numbers are read by the same
parser in every case, so a line gets the verdict and the vector that it would get by itself.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from contracts.dataset import DatasetContract
from contracts.errors import InternalError, bounded
from contracts.json_text import json_string, json_values, text_bytes
from contracts.wire import (
    ERROR_COLUMN,
    JSON_FEATURES_KEY,
    JSON_LINES_CONTENT_TYPE,
    SCORE_COLUMN,
    TOP_COLUMN,
)
from serving.codecs import DecodedPayload
from serving.output_lines import joined_rows, number_texts, output_lines
from serving.scorer import Scores

MAX_REASON_CHARS = 200
MAX_VALUE_CHARS = 60

_MISSING = "null"
_SPACE = r"[ \t\r]*"
_VALUE = rf"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|{_MISSING})"
_ARRAY = rf"\[{_SPACE}{_VALUE}{_SPACE}(?:,{_SPACE}{_VALUE}{_SPACE})*\]"
_KEY = json_string(JSON_FEATURES_KEY)
_ARRAY_LINE = rf"{_SPACE}{_ARRAY}{_SPACE}"
_OBJECT_LINE = rf"{_SPACE}\{{{_SPACE}{_KEY}{_SPACE}:{_SPACE}{_ARRAY}{_SPACE}\}}{_SPACE}"
_NO_NUMBER_BYTES = b" \t\r[]{}"
"""What stands around the numbers of a line that an expression has proven sound."""


class JsonLinesCodec:
    """Reads and writes the `jsonlines` wire for one contract."""

    content_type = JSON_LINES_CONTENT_TYPE
    answer_type = JSON_LINES_CONTENT_TYPE

    def __init__(self, contract: DatasetContract) -> None:
        """Take the contract of the model."""
        self._features = contract.features
        self._convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(self._features, pa.float32()), null_values=[_MISSING]
        )

    def decode(self, body: bytes) -> DecodedPayload:
        """Read lines of numbers; see `Codec.decode`. Damaged lines become faults."""
        body = body.removeprefix(codecs.BOM_UTF8)
        body = body if body.endswith(b"\n") else body + b"\n"
        record_count = body.count(b"\n")
        if _is_alike(body):
            vectors = self._parse(_only_numbers(body), record_count)
            if vectors is not None:
                return DecodedPayload(features=vectors)
        return self._decode_lines(pc.split_pattern(pa.array([body[:-1]], pa.binary()), b"\n").flatten())

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:  # noqa: ARG002 - the wire has no ids
        """Write one line for each record."""
        if scores.values.ndim > 1:
            return output_lines(scores, _objects_of_outputs, _error_object)
        texts = json_values(pa.array(scores.values))
        lines = pc.binary_join_element_wise(f"{{{json_string(SCORE_COLUMN)}:", texts, "}\n", "")
        return text_bytes(_with_reasons(lines, scores.faults) if scores.faults else lines)

    def _parse(self, numbers: bytes, record_count: int) -> np.ndarray | None:
        """Return the vectors of lines that are proven sound, or None if one has another length."""
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(numbers),
                # One block: a line may be as long as the payload.
                read_options=pa_csv.ReadOptions(
                    column_names=self._features, use_threads=False, block_size=len(numbers) + 1
                ),
                parse_options=pa_csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
                convert_options=self._convert,
            )
        except pa.ArrowInvalid:
            return None  # the caller looks closer, and names each fault
        vectors = np.empty((record_count, len(self._features)), dtype=np.float32)
        for position, column in enumerate(table.columns):
            vectors[:, position] = pc.fill_null(column, float("nan")).to_numpy()
        return vectors

    def _decode_lines(self, array: pa.Array) -> DecodedPayload:
        """Judge each line, and parse the sound ones together."""
        is_known = pc.match_substring_regex(array, rf"\A(?:{_ARRAY_LINE}|{_OBJECT_LINE})\z")
        has_length = pc.equal(pc.count_substring(array, ","), len(self._features) - 1)
        is_sound = pc.and_(is_known, has_length).to_numpy(zero_copy_only=False)
        lines = array.to_pylist()
        sound = {at: _only_numbers(lines[at]) for at in np.flatnonzero(is_sound).tolist()}
        faults: dict[int, str] = {}
        for at in np.flatnonzero(~is_sound).tolist():
            try:
                sound[at] = self._numbers_of(lines[at])
            except _DamagedLineError as error:
                faults[at] = str(error)
        vectors = np.full((len(lines), len(self._features)), np.nan, dtype=np.float32)
        if sound:
            parsed = self._parse(b"".join(line + b"\n" for line in sound.values()), len(sound))
            if parsed is None:
                raise InternalError("lines of JSON numbers could not be read as numbers; report this payload")
            vectors[list(sound)] = parsed
        return DecodedPayload(features=vectors, faults=dict(sorted(faults.items())))

    def _numbers_of(self, line: bytes) -> bytes:
        """Return the numbers of one line with commas between them.

        Raises:
            _DamagedLineError: It is not what the wire has.
        """
        values = _array_in(_parsed(line))
        if len(values) != len(self._features):
            raise _DamagedLineError(f"expected {len(self._features)} numbers; found {len(values)}")
        for name, value in zip(self._features, values, strict=True):
            if not (value is None or isinstance(value, _NumberText)):
                raise _DamagedLineError(f"feature {name} is {_told(value)}; expected a number or null")
        return ",".join(_MISSING if value is None else value for value in values).encode()


class _DamagedLineError(Exception):
    """A line cannot be read; the message is the reason of its record."""


class _NumberText(str):
    """A number as the line writes it."""

    __slots__ = ()


def _refuse_literal(literal: str) -> None:
    raise _DamagedLineError(f"is not JSON: {literal} is no JSON number; write null where a value is missing")


_DECODER = json.JSONDecoder(parse_float=_NumberText, parse_int=_NumberText, parse_constant=_refuse_literal)


def _parsed(line: bytes) -> Any:
    """Return what a line says, numbers as their text."""
    if not line.strip(b" \t\r"):
        raise _DamagedLineError("the line is blank; expected an array of numbers")
    try:
        return _DECODER.decode(line.decode())
    except UnicodeDecodeError as error:
        raise _DamagedLineError(f"is not UTF-8: {error.reason} at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise _DamagedLineError(f"is not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise _DamagedLineError("is nested too deeply; expected an array of numbers") from error


def _array_in(document: Any) -> list[Any]:
    if isinstance(document, dict):
        if JSON_FEATURES_KEY not in document:
            raise _DamagedLineError(f"the object has no {_KEY}; expected an array of numbers under it")
        document = document[JSON_FEATURES_KEY]
    if not isinstance(document, list):
        raise _DamagedLineError(f"expected an array of numbers; found {_told(document)}")
    return document


def _told(value: Any) -> str:
    """Return a value as a reason names it."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return bounded(str(value) if isinstance(value, _NumberText) else repr(value), MAX_VALUE_CHARS)


def _is_alike(body: bytes) -> bool:
    """Whether every line is an array, or every line an object with nothing but `features`."""
    text = pa.array([body], pa.binary())
    return any(
        pc.match_substring_regex(text, rf"\A(?:{line}\n)*\z")[0].as_py()
        for line in (_ARRAY_LINE, _OBJECT_LINE)
    )


def _only_numbers(proven: bytes) -> bytes:
    """Return lines of numbers with commas between them, from lines that an expression has proven sound."""
    return proven.translate(None, _NO_NUMBER_BYTES).replace(f"{_KEY}:".encode(), b"")


def _with_reasons(lines: pa.Array, faults: Mapping[int, str]) -> pa.Array:
    texts = lines.to_pylist()
    for at, reason in faults.items():
        texts[at] = _error_object(reason) + "\n"
    return pa.array(texts, pa.string())


def _error_object(reason: str) -> str:
    return f"{{{json_string(ERROR_COLUMN)}:{json_string(bounded(reason, MAX_REASON_CHARS))}}}"


def _objects_of_outputs(values: np.ndarray, top: np.ndarray | None) -> pa.Array:
    arrays = joined_rows(number_texts(values), values.shape[1], ",")
    parts = [f"{{{json_string(SCORE_COLUMN)}:[", arrays]
    if top is not None:
        parts += [f"],{json_string(TOP_COLUMN)}:[", joined_rows(number_texts(top), top.shape[1], ",")]
    return pc.binary_join_element_wise(*parts, "]}", "")
