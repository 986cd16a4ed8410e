"""The `arrow` and `parquet` wires: in go id and raw typed features, out come id, score and error.

Features are encoded here, so that no client has to: as columns, for `serving.feature_columns` to make of them
what the model takes; the one feature of a model that
reads it as it is (`modelInput` of the contract) is handed on. Where the contract excludes outputs, each
record's list of them goes in, too. Columns are found by name; others are ignored. A payload made under
another contract is refused. Several outputs are a list of numbers, under topK beside a list of their
positions (int32, from 0), both shorter where less is left of a record. The lists are not of Arrow's
fixed-size kind: pyarrow 25.0 cannot read back from Parquet what it wrote of those where one is null.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from contracts.dataset import BINARY_TYPE, LIST_TYPE, VECTOR_INPUT, DatasetContract
from contracts.encoding import ARROW_TYPES
from contracts.errors import CallerError, near_matches
from contracts.wire import (
    BASELINE_KEY,
    ERROR_COLUMN,
    FINGERPRINT_KEY,
    SCORE_COLUMN,
    TOP_COLUMN,
)
from serving.codecs import DecodedPayload
from serving.column_files import ColumnFile
from serving.exclusions import Exclusions, are_item_lists, find_exclusions
from serving.feature_columns import FeatureColumns
from serving.output_lines import NUMBERS_AT_ONCE
from serving.scorer import Features, Scores

_FITS: dict[str, Callable[[pa.DataType], bool]] = {
    "string": lambda kind: pt.is_string(kind) or pt.is_large_string(kind),
    "integer": pt.is_integer,
    "number": lambda kind: pt.is_floating(kind) or pt.is_integer(kind),
    "boolean": pt.is_boolean,
    BINARY_TYPE: lambda kind: pt.is_binary(kind) or pt.is_large_binary(kind),
}
"""Which columns may stand for a feature of each type: the same values, perhaps in another width."""


class ColumnsCodec:
    """Reads and writes one form of files of columns for one contract."""

    def __init__(self, contract: DatasetContract, form: ColumnFile, *, baseline: bytes = b"") -> None:
        """Take the contract of the model, and its training baseline, packed, to say it with every answer."""
        self.content_type = self.answer_type = form.content_type
        self._contract = contract
        self._form = form
        self._metadata = {BASELINE_KEY: baseline} if baseline else None
        self._names = [contract.id_field, *contract.sent_names]
        self._coded = [field.name for field in contract.feature_fields if field.type == "string"]
        self._coded += [] if contract.exclude is None else [contract.exclude]

    def record_count(self, body: bytes) -> int:
        """Return how many records a payload has, before any of them is read.

        Raises:
            CallerError: It cannot be read.
        """
        with self._naming_damage(body):
            return self._form.record_count(body)

    def item_count(self, body: bytes) -> int:
        """Return how many items the lists of a payload have, before any of them is looked at.

        Raises:
            CallerError: It cannot be read.
        """
        if self._contract.exclude is None:
            return 0
        with self._naming_damage(body):
            return self._form.item_count(body, self._contract.exclude)

    def decode(self, body: bytes) -> DecodedPayload:
        """Read a file; see `Codec.decode`."""
        with self._naming_damage(body):
            self._check_schema(self._form.schema(body))
            records = self._form.read(body, self._names, self._coded)
            if self._contract.model_input != VECTOR_INPUT:
                records.validate(full=True)  # a model takes a text for text
        return DecodedPayload(
            features=self._features(records),
            ids=records.column(self._contract.id_field),
            excluded=self._excluded(records),
        )

    def _features(self, records: pa.Table) -> Features:
        features = self._typed(records)
        if self._contract.model_input != VECTOR_INPUT:
            return features.column(0)
        return FeatureColumns(features, self._contract)

    def _excluded(self, records: pa.Table) -> Exclusions | None:
        outputs = self._contract.outputs
        if outputs is None or outputs.exclude is None:
            return None
        return find_exclusions(records.column(outputs.exclude), outputs.names)

    @contextlib.contextmanager
    def _naming_damage(self, body: bytes) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise CallerError(
                f"the payload of {len(body)} bytes cannot be read as one whole {self._form.name} file: "
                f"{' '.join(str(error).split())}; send each shard unsplit (SplitType None)"
            ) from error

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:
        """Write a file with the id, the score (null where there is a fault) and the error."""
        record_count = len(scores.values)
        is_fault = np.zeros(record_count, dtype=bool)
        is_fault[list(scores.faults)] = True
        errors = [scores.faults.get(at) for at in range(record_count)] if scores.faults else None
        answer = pa.table(
            {
                self._contract.id_field: payload.ids,
                **_score_columns(scores, is_fault),
                ERROR_COLUMN: pa.nulls(record_count, pa.string())
                if errors is None
                else pa.array(errors, pa.string()),
            }
        )
        return self._form.write(answer.replace_schema_metadata(self._metadata))

    def _check_schema(self, schema: pa.Schema) -> None:
        found = (schema.metadata or {}).get(FINGERPRINT_KEY)
        if found is not None and found != self._contract.fingerprint.encode():
            raise CallerError(
                "the payload was made under a contract with the fingerprint "
                f"{found.decode('ascii', 'replace')}, the model's contract has "
                f"{self._contract.fingerprint}; prepare the input with the contract "
                "that is in the model artifact"
            )
        for name in self._names:
            if schema.get_field_index(name) < 0:
                raise CallerError(
                    f"the payload has no column {name!r}, or has it twice; {near_matches(name, schema.names)}"
                )
        for field in self._contract.feature_fields:
            kind = _value_type(schema.field(field.name).type)
            if not (pt.is_null(kind) or _FITS[field.type](kind)):
                raise CallerError(
                    f"column {field.name!r} of the payload is {kind}; the contract says {field.type} "
                    f"({ARROW_TYPES[field.type]})"
                )

        excluded = self._contract.exclude
        if excluded is not None and not are_item_lists(schema.field(excluded).type):
            raise CallerError(
                f"column {excluded!r} of the payload is {schema.field(excluded).type}; the contract says a "
                f"list of texts ({ARROW_TYPES[LIST_TYPE]})"
            )

    def _typed(self, records: pa.Table) -> pa.Table:
        """Return the feature columns in the types of the contract; values stay what they are."""
        columns = [
            records.column(field.name)
            if pt.is_dictionary(records.schema.field(field.name).type)
            else records.column(field.name).cast(ARROW_TYPES[field.type])
            for field in self._contract.feature_fields
        ]
        return pa.table(columns, names=list(self._contract.features))


def _score_columns(scores: Scores, is_fault: np.ndarray) -> dict[str, pa.Array | pa.ChunkedArray]:
    if scores.values.ndim == 1:
        return {SCORE_COLUMN: pa.array(scores.values, mask=is_fault if scores.faults else None)}
    lengths = np.full(len(is_fault), scores.values.shape[1]) if scores.counts is None else scores.counts
    lengths = np.where(is_fault, 0, lengths)
    columns = {SCORE_COLUMN: _lists(scores.values, lengths, is_fault)}
    if scores.top is not None:
        columns[TOP_COLUMN] = _lists(scores.top, lengths, is_fault)
    return columns


def _lists(matrix: np.ndarray, lengths: np.ndarray, is_fault: np.ndarray) -> pa.ChunkedArray:
    """Return the start of each row as a list, null where there is a fault, in chunks whose offsets fit."""
    rows_at_once = max(1, NUMBERS_AT_ONCE // matrix.shape[1])
    places = np.arange(matrix.shape[1])
    chunks = []
    for start in range(0, max(1, len(matrix)), rows_at_once):
        here = slice(start, start + rows_at_once)
        rows, is_null = matrix[here], is_fault[here]
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths[here])]), pa.int32())
        is_there = places < lengths[here, None]
        numbers = pa.array(rows.ravel() if is_there.all() else rows[is_there])
        chunks.append(pa.ListArray.from_arrays(offsets, numbers, mask=pa.array(is_null)))
    return pa.chunked_array(chunks)


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pt.is_dictionary(kind) else kind
