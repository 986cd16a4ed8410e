"""Filters and joins around one JSON payload: InputFilter, inference, join, OutputFilter, in this order.

A payload of application/jsonlines is one document a line, and the answer has a line for each; a payload of
application/json is one document. An object gains the answer under `SageMakerOutput`; of what is no object an
object is made, with the input under `SageMakerInput` [doc: API_DataProcessing].

How the service writes numbers and escapes is not documented; here a number reads back as the same 64-bit
float, and text beyond ASCII is UTF-8. Payloads whose lines are all alike take the fast way of
`emulator.json_columns`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contracts.errors import CallerError
from contracts.wire import JSON_LINES_CONTENT_TYPE, JSON_OUTPUT_KEY
from emulator.json_columns import read_columns
from emulator.json_filter import compiled_filter
from emulator.transform_request import TransformRequest

JSON_INPUT_KEY = "SageMakerInput"

Infer = Callable[[bytes], bytes]


def _refuse(literal: str) -> None:
    raise ValueError(f"{literal} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class JsonProcessingError(CallerError):
    """A payload or an answer is not what its content type says: its object fails."""


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How documents stand in a payload.

    Attributes:
        has_lines: Whether each line is a document; otherwise the payload is one.
    """

    has_lines: bool

    def read(self, body: bytes, name: str) -> list[Any]:
        """Return the documents of a payload or an answer."""
        if not self.has_lines:
            return [_document(body, name)]
        lines = body.removesuffix(b"\n").split(b"\n") if body else []
        return [_document(line, f"line {number} of {name}") for number, line in enumerate(lines, 1)]

    def write(self, documents: list[Any]) -> bytes:
        """Return the text of documents."""
        try:
            text = "\n".join(map(_ENCODER.encode, documents))
            return (text + "\n" if self.has_lines else text).encode()
        except UnicodeEncodeError as error:
            raise JsonProcessingError(f"a document has half a character: {error.reason}") from error
        except ValueError as error:
            raise JsonProcessingError(f"a document has a number beyond 64-bit floats: {error}") from error


def process_json(payload: bytes, facts: TransformRequest, infer: Infer, *, name: str) -> bytes:
    """Return the output for one payload.

    Args:
        payload: Whole documents.
        facts: Say the filters and whether to join.
        infer: Asks the container.
        name: Of the payload, for messages.

    Raises:
        CallerError: A payload or an answer is not JSON, a filter does not fit, or the counts differ.
    """
    has_lines = facts.content_type == JSON_LINES_CONTENT_TYPE
    records = _Records(_Form(has_lines=has_lines), facts, payload, name)
    columns = read_columns(payload) if has_lines and facts.joins_input else None
    body = columns.filtered(facts.input_filter) if columns else None
    answer = infer(records.filtered() if body is None else body)
    output = columns.joined(answer, facts.output_filter) if columns else None
    return records.output(answer) if output is None else output


class _Records:
    """A payload taken record by record: slow, but any filter and any document will do."""

    def __init__(self, form: _Form, facts: TransformRequest, payload: bytes, name: str) -> None:
        self._form = form
        self._facts = facts
        self._payload = payload
        self._name = name

    @cached_property
    def _documents(self) -> list[Any]:
        return self._form.read(self._payload, self._name)

    def filtered(self) -> bytes:
        """Return what the container gets."""
        documents = self._documents
        if self._facts.input_filter == "$":
            return self._payload
        return self._form.write(list(map(compiled_filter(self._facts.input_filter), documents)))

    def output(self, answer: bytes) -> bytes:
        """Return what becomes of the container's answer."""
        answers = self._form.read(answer, f"the answer to {self._name}")
        if len(answers) != len(self._documents):
            raise JsonProcessingError(
                f"the container answered {len(answers)} predictions for {len(self._documents)} records; "
                "expected one for each, in order"
            )
        outputs = list(map(_joined, self._documents, answers)) if self._facts.joins_input else answers
        return self._form.write(list(map(compiled_filter(self._facts.output_filter), outputs)))


def _joined(document: Any, answer: Any) -> dict[str, Any]:
    given = document if isinstance(document, dict) else {JSON_INPUT_KEY: document}
    return {**given, JSON_OUTPUT_KEY: answer}


def _document(text: bytes, name: str) -> Any:
    try:
        return _DECODER.decode(text.decode())
    except (ValueError, RecursionError) as error:
        raise JsonProcessingError(f"{name} is not JSON: {error}") from error
