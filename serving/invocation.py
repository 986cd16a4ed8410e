"""One payload in, one answer out: the order of decoding, scoring and encoding, and nothing else.

Lines are worked on a few at a time: what columns, vectors and reasons take is then bounded by SLICE_BYTES
and not by the payload, of which a line of two bytes may need a reason of a hundred. A payload of columns is
one whole; it says itself how many records it unpacks to, and is refused if they need more memory than there
is.
"""

from __future__ import annotations

import codecs as text_codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from contracts.dataset import VECTOR_INPUT, DatasetContract
from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB
from contracts.stopwatch import Stopwatch, started_stopwatch
from contracts.wire import CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE
from serving.codecs import Codec, DecodedPayload
from serving.column_files import ARROW, PARQUET
from serving.columns_codec import ColumnsCodec
from serving.csv_codec import CsvCodec
from serving.json_lines_codec import JsonLinesCodec
from serving.libsvm_codec import LIBSVM_CONTENT_TYPES, LibsvmCodec
from serving.recordio_codec import RecordioCodec
from serving.scorer import SCORED_AT_ONCE, WORKING_BYTES_PER_OUTPUT, Scorer, Scores

SLICE_BYTES = BYTES_PER_MB
"""Of lines that are worked on together."""

LINE_CONTENT_TYPES = frozenset({CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE, *LIBSVM_CONTENT_TYPES})
"""Where each line is one record, whose answer depends on no other line, and is one line."""

_WAY_OUT = "make smaller shards, or lower MaxConcurrentTransforms or take a larger instance"

RECORD_BYTES, FEATURE_BYTES = 96, 18
"""Memory for a record of a payload of columns, and for each of its features: columns, float64 and float32
vectors, score, answer. Measured with dictionary-encoded columns: 110 bytes in all with 3 features, 415 with
20. Ids of many bytes that repeat are not counted."""


LISTED_ITEM_BYTES = 40
"""Memory for each item of a record's list: its position in a dictionary, its record and its output."""

OUTPUT_BYTES = 64
"""Memory for each output that is kept of a record where a model has several: predictions, float64 scores,
answer. Measured with 60,000 records and 384 outputs: 61 bytes as CSV, 26 as Parquet."""


class PayloadUnpacksTooLargeError(CallerError):
    """The payload is small enough, but its records or their answers are not."""

    http_status = 413


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to one payload.

    Attributes:
        body: Of the codec's answer type.
        record_count: Records in the payload, each answered.
        fault_count: Those answered with an error instead of a score.
    """

    body: bytes
    record_count: int
    fault_count: int


def codecs_for(contract: DatasetContract, *, baseline: bytes = b"") -> dict[str, Codec]:
    """Return the codecs for one contract by their content type; see ColumnsCodec for the baseline.

    Of a model that reads no vector, and of a contract that excludes outputs, only those of columns: the
    others carry nothing but vectors.
    """
    columns = [ColumnsCodec(contract, form, baseline=baseline) for form in (ARROW, PARQUET)]
    vectors: list[Codec] = [CsvCodec(contract), JsonLinesCodec(contract), RecordioCodec(contract)]
    codecs: dict[str, Codec] = {codec.content_type: codec for codec in columns}
    if contract.model_input != VECTOR_INPUT or contract.exclude is not None:
        return codecs
    codecs |= {codec.content_type: codec for codec in vectors}
    return codecs | dict.fromkeys(LIBSVM_CONTENT_TYPES, LibsvmCodec(contract))


def answer_payload(
    body: bytes,
    codec: Codec,
    scorer: Scorer,
    *,
    memory_bytes: int | None = None,
    slice_bytes: int = SLICE_BYTES,
    stopwatch: Stopwatch | None = None,
) -> Answer:
    """Score every record of a payload that is not empty.

    Args:
        body: The payload.
        codec: Of its content type.
        scorer: The model.
        memory_bytes: What the work on the payload may take, or None if nobody has said.
        slice_bytes: Of lines that are worked on together.
        stopwatch: Is told what is being done, or None if nobody wants to know.

    Raises:
        PayloadUnpacksTooLargeError: It would take more than `memory_bytes`.
        CallerError: The payload cannot be read at all.
    """
    if isinstance(codec, ColumnsCodec) and memory_bytes is not None:
        _check_memory(body, codec, scorer.model.feature_count, memory_bytes)
    slices = _slices(body, slice_bytes) if codec.content_type in LINE_CONTENT_TYPES else [body]
    stopwatch = stopwatch or started_stopwatch()
    answers: list[Answer] = []
    record_count = 0
    for records in slices:
        with stopwatch.beside("decode"):
            payload = codec.decode(records)
        record_count += len(payload.features)
        if memory_bytes is not None and scorer.output_count > 1:
            _check_outputs(len(body), record_count, scorer, memory_bytes)
        answers.append(_answer_records(payload, codec, scorer, stopwatch))
    return Answer(
        body=b"".join(answer.body for answer in answers),
        record_count=sum(answer.record_count for answer in answers),
        fault_count=sum(answer.fault_count for answer in answers),
    )


def _check_memory(body: bytes, codec: ColumnsCodec, feature_count: int, memory_bytes: int) -> None:
    body_bytes, record_count = len(body), codec.record_count(body)
    needed = body_bytes + record_count * (RECORD_BYTES + FEATURE_BYTES * feature_count)
    needed += codec.item_count(body) * LISTED_ITEM_BYTES
    if needed > memory_bytes:
        raise PayloadUnpacksTooLargeError(
            f"the payload of {body_bytes} bytes unpacks to {record_count} records, which take about "
            f"{needed // BYTES_PER_MB} MB to score; {memory_bytes // BYTES_PER_MB} MB are there for it; "
            f"{_WAY_OUT}"
        )


def _check_outputs(body_bytes: int, record_count: int, scorer: Scorer, memory_bytes: int) -> None:
    """Refuse a payload whose answer would take too much, before its records are scored."""
    output_count = scorer.kept_count
    needed = body_bytes + record_count * output_count * OUTPUT_BYTES
    if scorer.kept_count < scorer.output_count:  # what is not kept is there for a few records at a time
        needed += min(record_count * scorer.output_count, SCORED_AT_ONCE) * WORKING_BYTES_PER_OUTPUT
    if needed > memory_bytes:
        raise PayloadUnpacksTooLargeError(
            f"the payload of {body_bytes} bytes has at least {record_count} records with {output_count} "
            f"outputs each to be kept, which take about {needed // BYTES_PER_MB} MB to answer; "
            f"{memory_bytes // BYTES_PER_MB} MB are there for it; {_WAY_OUT}"
        )


def _slices(body: bytes, slice_bytes: int) -> Iterator[bytes]:
    """Cut a payload into whole lines of `slice_bytes` together; a longer line is a slice of its own."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + slice_bytes - 1) + 1
        # What a codec drops at the start of a payload belongs to the line anywhere else.
        while body.startswith(text_codecs.BOM_UTF8, end) and end:
            end = body.find(b"\n", end) + 1
        end = end or len(body)
        yield body[start:end]
        start = end


def _answer_records(payload: DecodedPayload, codec: Codec, scorer: Scorer, stopwatch: Stopwatch) -> Answer:
    with stopwatch.beside("score"):
        scores = _with_faults(scorer.score(payload.features, payload.excluded), payload.faults)
    with stopwatch.beside("write answers"):
        body = codec.encode(payload, scores)
    return Answer(body=body, record_count=len(scores.values), fault_count=len(scores.faults))


def _with_faults(scores: Scores, record_faults: Mapping[int, str]) -> Scores:
    """Add the faults found while decoding: a fault in a record explains more than one in its score."""
    if not record_faults:
        return scores
    values = scores.values.copy()
    values[list(record_faults)] = np.nan
    return Scores(
        values=values, faults={**scores.faults, **record_faults}, top=scores.top, counts=scores.counts
    )
