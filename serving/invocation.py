"""One payload in, one answer out: the order of decoding, scoring and encoding, and nothing else.

Lines are worked on a few at a time: what columns, vectors and reasons take is then bounded by SLICE_BYTES
and not by the payload, of which a line of two bytes may need a reason of a hundred. A Parquet payload is one
whole; its footer says how many records it unpacks to, and it is refused if they need more memory than there
is.
"""

from __future__ import annotations

import codecs as text_codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB
from contracts.wire import CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE, PARQUET_CONTENT_TYPE
from serving.codecs import Codec
from serving.csv_codec import CsvCodec
from serving.json_lines_codec import JsonLinesCodec
from serving.libsvm_codec import LIBSVM_CONTENT_TYPES, LibsvmCodec
from serving.parquet_codec import ParquetCodec
from serving.recordio_codec import RecordioCodec
from serving.scorer import Scorer, Scores

SLICE_BYTES = BYTES_PER_MB
"""Of lines that are worked on together."""

LINE_CONTENT_TYPES = frozenset({CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE, *LIBSVM_CONTENT_TYPES})
"""Where each line is one record, whose answer depends on no other line, and is one line."""

RECORD_BYTES, FEATURE_BYTES = 96, 18
"""Memory for a record of a Parquet payload, and for each of its features: columns, float64 and float32
vectors, score, answer. Measured with dictionary-encoded columns: 110 bytes in all with 3 features, 415 with
20. Ids of many bytes that repeat are not counted."""


class PayloadUnpacksTooLargeError(CallerError):
    """The payload is small enough, but what it unpacks to is not."""

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


def codecs_for(contract: DatasetContract) -> dict[str, Codec]:
    """Return the codecs for one contract by their content type."""
    codecs: tuple[Codec, ...] = (
        ParquetCodec(contract),
        CsvCodec(contract),
        JsonLinesCodec(contract),
        RecordioCodec(contract),
    )
    return {codec.content_type: codec for codec in codecs} | dict.fromkeys(
        LIBSVM_CONTENT_TYPES, LibsvmCodec(contract)
    )


def answer_payload(
    body: bytes,
    codec: Codec,
    scorer: Scorer,
    *,
    memory_bytes: int | None = None,
    slice_bytes: int = SLICE_BYTES,
) -> Answer:
    """Score every record of a payload that is not empty.

    Args:
        body: The payload.
        codec: Of its content type.
        scorer: The model.
        memory_bytes: What the work on the payload may take, or None if nobody has said.
        slice_bytes: Of lines that are worked on together.

    Raises:
        PayloadUnpacksTooLargeError: It would take more than `memory_bytes`.
        CallerError: The payload cannot be read at all.
    """
    if codec.content_type == PARQUET_CONTENT_TYPE and memory_bytes is not None:
        _check_memory(body, scorer.model.feature_count, memory_bytes)
    if codec.content_type not in LINE_CONTENT_TYPES:
        return _answer_records(body, codec, scorer)
    answers = [_answer_records(lines, codec, scorer) for lines in _slices(body, slice_bytes)]
    return Answer(
        body=b"".join(answer.body for answer in answers),
        record_count=sum(answer.record_count for answer in answers),
        fault_count=sum(answer.fault_count for answer in answers),
    )


def _check_memory(body: bytes, feature_count: int, memory_bytes: int) -> None:
    try:
        metadata = pq.read_metadata(pa.BufferReader(body))
    except (pa.ArrowException, OSError):
        return  # the codec says what is wrong with it
    needed = len(body) + metadata.num_rows * (RECORD_BYTES + FEATURE_BYTES * feature_count)
    if needed > memory_bytes:
        raise PayloadUnpacksTooLargeError(
            f"the payload of {len(body)} bytes unpacks to {metadata.num_rows} records, which take about "
            f"{needed // BYTES_PER_MB} MB to score; {memory_bytes // BYTES_PER_MB} MB are there for it; make "
            "smaller shards, or lower MaxConcurrentTransforms or take a larger instance"
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


def _answer_records(body: bytes, codec: Codec, scorer: Scorer) -> Answer:
    payload = codec.decode(body)
    scores = _with_faults(scorer.score(payload.vectors), payload.faults)
    return Answer(
        body=codec.encode(payload, scores), record_count=len(scores.values), fault_count=len(scores.faults)
    )


def _with_faults(scores: Scores, record_faults: Mapping[int, str]) -> Scores:
    """Add the faults found while decoding: a fault in a record explains more than one in its score."""
    if not record_faults:
        return scores
    values = scores.values.copy()
    values[list(record_faults)] = np.nan
    return Scores(values=values, faults={**scores.faults, **record_faults}, top=scores.top)
