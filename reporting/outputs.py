"""What the report says of a model with several outputs, added up shard by shard.

Of each record one number goes into the distribution, as the score does of a model with one output:

    named outputs, or topK    its largest output: of class probabilities, how sure the model is
    a vector                  its Euclidean norm

Named outputs and those under topK are also counted: in how many records each is the largest, the first of
equal ones. Without topK, each has a mean too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.dataset import ModelOutputs
from contracts.wire import SCORE_COLUMN, TOP_COLUMN
from reporting.output_answers import matrices


@dataclass(frozen=True, kw_only=True)
class OutputsSummary:
    """What the outputs of one shard, or of all, come to.

    Attributes:
        record_count: Records with outputs.
        largest_counts: int64 of shape (outputs,): records in which each is the largest.
        totals: float64 of shape (outputs,): the sum of each; None under topK.
    """

    record_count: int
    largest_counts: np.ndarray
    totals: np.ndarray | None

    @property
    def means(self) -> np.ndarray | None:
        """The mean of each output, not finite where its sum is beyond float64; None under topK."""
        return None if self.totals is None else self.totals / max(1, self.record_count)


def are_counted(outputs: ModelOutputs) -> bool:
    """Return whether the outputs stand for something each, and are not the places of a vector."""
    return bool(outputs.names) or outputs.top_k is not None


def record_numbers(scores: pa.ChunkedArray, outputs: ModelOutputs) -> np.ndarray:
    """Return float64 of shape (records with outputs,): the number of each that the distribution shows."""
    measure = _largest if are_counted(outputs) else _norms
    blocks = [measure(block) for block in matrices(scores, outputs.kept_count)]
    return np.concatenate(blocks) if blocks else np.empty(0)


def summarise_outputs(answers: pa.Table, outputs: ModelOutputs) -> OutputsSummary:
    """Summarise the outputs of records; for none, every column may have no record."""
    counts = np.zeros(outputs.count, dtype=np.int64)
    record_count, totals = 0, np.zeros(outputs.count) if outputs.top_k is None else None
    for block in matrices(answers.column(SCORE_COLUMN), outputs.kept_count):
        record_count += len(block)
        if totals is not None:
            counts += np.bincount(block.argmax(axis=1), minlength=outputs.count)
            with np.errstate(over="ignore", invalid="ignore"):
                totals += block.sum(axis=0, dtype=np.float64)
    if outputs.top_k is not None:
        for block in matrices(answers.column(TOP_COLUMN), outputs.kept_count):
            counts += np.bincount(block[:, 0], minlength=outputs.count)
    return OutputsSummary(record_count=record_count, largest_counts=counts, totals=totals)


def add_up_outputs(summaries: Iterable[OutputsSummary], outputs: ModelOutputs) -> OutputsSummary:
    """Return the summary of all shards together."""
    counts = np.zeros(outputs.count, dtype=np.int64)
    record_count, totals = 0, np.zeros(outputs.count) if outputs.top_k is None else None
    for summary in summaries:
        record_count += summary.record_count
        counts += summary.largest_counts
        if totals is not None and summary.totals is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                totals += summary.totals
    return OutputsSummary(record_count=record_count, largest_counts=counts, totals=totals)


def _largest(block: np.ndarray) -> np.ndarray:
    return np.asarray(np.fmax.reduce(block, axis=1))  # NaN stands where a list is shorter


def _norms(block: np.ndarray) -> np.ndarray:
    """Return Euclidean norms; a norm beyond float64 is its largest number."""
    block = block.astype(np.float64)
    scale = np.maximum(np.abs(block).max(axis=1), np.finfo(np.float64).tiny)
    with np.errstate(over="ignore", under="ignore"):
        norms = scale * np.sqrt(np.square(block / scale[:, None]).sum(axis=1))
    return np.asarray(np.minimum(norms, np.finfo(np.float64).max))
