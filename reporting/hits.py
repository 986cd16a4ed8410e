"""Quality of a model whose largest outputs are kept (`topK`): whether the label of a record is among them.

In a list of recommendations the label is what the record's owner took next. Works for any number of outputs,
and for lists of any length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.wire import SCORE_COLUMN, TOP_COLUMN
from reporting.intervals import Interval, fraction_interval

HIT_RATE, RECIPROCAL_RANK = "hit_rate", "mrr"


@dataclass(frozen=True, kw_only=True)
class HitMeasures:
    """Sums over the labelled records of one shard, or of all.

    Attributes:
        record_count: Scored records whose label is one of the model's outputs.
        hit_count: Those of them whose label is among the outputs that were kept.
        reciprocal_rank_sum: Of 1 for a label that is the largest output, 1/2 for the second, and so on; 0 for
            one that was not kept.
        unknown_count: Scored records whose label is no output of the model.
    """

    record_count: int
    hit_count: int
    reciprocal_rank_sum: float
    unknown_count: int


def measure_hits(answers: pa.Table, positions: np.ndarray) -> HitMeasures:
    """Sum up the labelled records of one shard.

    Args:
        answers: Columns `score` and `top`, lists, null for unscorable records.
        positions: Of each record's label among the outputs, see `reporting.classes.class_positions`.
    """
    labels = np.where(np.asarray(pc.is_valid(answers.column(SCORE_COLUMN))), positions, -1)
    hit_count, rank_sum, start = 0, 0.0, 0
    for chunk in answers.column(TOP_COLUMN).chunks:
        ranks = _ranks(chunk, labels[start : start + len(chunk)])
        start += len(chunk)
        hit_count += len(ranks)
        rank_sum += float(np.sum(1.0 / ranks))
    return HitMeasures(
        record_count=int(np.sum(labels >= 0)),
        hit_count=hit_count,
        reciprocal_rank_sum=rank_sum,
        unknown_count=int(np.sum(labels == -2)),
    )


def _ranks(top: pa.ListArray, labels: np.ndarray) -> np.ndarray:
    """Return the rank (from 1) of the label of each record in whose list it stands."""
    lengths = pc.fill_null(pc.list_value_length(top), 0).to_numpy()
    kept = top.flatten().to_numpy()  # leaves out what is null
    owners = np.repeat(np.arange(len(top)), lengths)
    ranks = np.arange(len(kept)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    return np.asarray(ranks[(kept == labels[owners]) & (kept >= 0)])


def add_hits(parts: Sequence[HitMeasures]) -> HitMeasures:
    """Return the sums of all shards together."""
    return HitMeasures(
        record_count=sum(part.record_count for part in parts),
        hit_count=sum(part.hit_count for part in parts),
        reciprocal_rank_sum=sum(part.reciprocal_rank_sum for part in parts),
        unknown_count=sum(part.unknown_count for part in parts),
    )


def hit_metrics(total: HitMeasures) -> dict[str, float]:
    """Return the metrics of at least one labelled record."""
    return {
        HIT_RATE: total.hit_count / total.record_count,
        RECIPROCAL_RANK: total.reciprocal_rank_sum / total.record_count,
    }


def hit_intervals(total: HitMeasures) -> dict[str, Interval]:
    """Return the intervals of those that have one."""
    return {HIT_RATE: fraction_interval(total.hit_count, total.record_count)}
