"""One payload in, one answer out: the order of decoding, scoring and encoding, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from contracts.dataset import DatasetContract
from serving.codecs import Codec
from serving.csv_codec import CsvCodec
from serving.json_lines_codec import JsonLinesCodec
from serving.libsvm_codec import LIBSVM_CONTENT_TYPES, LibsvmCodec
from serving.parquet_codec import ParquetCodec
from serving.recordio_codec import RecordioCodec
from serving.scorer import Scorer, Scores


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


def answer_payload(body: bytes, codec: Codec, scorer: Scorer) -> Answer:
    """Score every record of a payload that is not empty.

    Raises:
        CallerError: The payload cannot be read at all.
    """
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
