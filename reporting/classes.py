"""Quality of a model with one output for each class, against a label that names the class.

Labels are compared as text with the names of the outputs, or with their positions where they have none. What
needs probabilities (log loss, an area for each class) is computed where every output came back; where the
outputs of a record do not sum to about 1, there is no log loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import ModelOutputs
from contracts.wire import SCORE_COLUMN, TOP_COLUMN
from reporting.intervals import Interval, auc_interval, fraction_interval
from reporting.output_answers import matrices
from reporting.ranking import Ranking

MAX_CLASSES = 200
"""Of more, nothing is measured: the table of confusion alone would be too large to read."""

MAX_RANKED_CLASSES = 20
"""Of more, there is no area for each class."""

UNIT_TOLERANCE = 1e-3
"""By which the outputs of a record may miss 1; float32 probabilities of many classes miss it by rounding."""


@dataclass(frozen=True, kw_only=True)
class ClassMeasures:
    """Sums over the labelled records of one shard, or of all.

    Attributes:
        confusion: int64 of shape (classes, classes): label, then the largest output.
        log_loss_sum: Of negative log likelihoods; NaN where not every output came back.
        widest_miss: Largest difference of a record's sum of outputs from 1.
        unknown_count: Records whose label is no class.
    """

    confusion: np.ndarray
    log_loss_sum: float
    widest_miss: float
    unknown_count: int


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class; a number is None where its denominator is 0 or it cannot be computed."""

    name: str
    labelled_count: int
    predicted_count: int
    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class ClassQuality:
    """All classes.

    Attributes:
        rows: In the model's order.
        confusion: By label, then by prediction, in the model's order.
        metrics: Numbers over all classes.
        intervals: Of some of them.
    """

    rows: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    metrics: dict[str, float]
    intervals: dict[str, Interval]


def class_positions(labels: pa.ChunkedArray, outputs: ModelOutputs) -> np.ndarray:
    """Return int64 of shape (records,): position of the label's class, -1 where unknown, -2 if it is none."""
    texts = labels.cast(pa.string())
    positions = pc.fill_null(pc.index_in(texts, value_set=pa.array(outputs.labels, pa.string())), -2)
    return np.where(np.asarray(pc.is_valid(texts)), np.asarray(positions, dtype=np.int64), -1)


def labelled_outputs(
    answers: pa.Table, positions: np.ndarray, outputs: ModelOutputs
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Yield blocks of labelled records with outputs: label, prediction, and the outputs if all came back."""
    is_scored = np.asarray(pc.is_valid(answers.column(SCORE_COLUMN)))
    known, begin = positions[is_scored], 0
    column = SCORE_COLUMN if outputs.top_k is None else TOP_COLUMN
    for block in matrices(answers.column(column), outputs.kept_count):
        labels = known[begin : begin + len(block)]
        begin += len(block)
        is_labelled = labels >= 0
        chosen = block[is_labelled]
        if outputs.top_k is None:
            yield labels[is_labelled], chosen.argmax(axis=1), chosen
        else:
            yield labels[is_labelled], chosen[:, 0].astype(np.int64), None


def measure_classes(
    blocks: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray | None]], unknown_count: int, class_count: int
) -> ClassMeasures:
    """Sum up the labelled records of one shard."""
    confusion = np.zeros(class_count**2, dtype=np.int64)
    log_loss, miss = 0.0, 0.0
    epsilon = np.finfo(np.float64).eps
    for labels, predicted, probabilities in blocks:
        confusion += np.bincount(labels * class_count + predicted, minlength=class_count**2)
        if probabilities is None:
            log_loss = float("nan")
        elif len(labels):
            with np.errstate(over="ignore", invalid="ignore"):
                sums = probabilities.sum(axis=1)
            miss = max(miss, float(np.max(np.abs(sums - 1))), float(np.max(-probabilities)))
            own = probabilities[np.arange(len(labels)), labels]
            log_loss -= float(np.sum(np.log(np.clip(own, epsilon, 1 - epsilon))))
    return ClassMeasures(
        confusion=confusion.reshape(class_count, class_count),
        log_loss_sum=log_loss,
        widest_miss=miss,
        unknown_count=unknown_count,
    )


def add_classes(parts: Sequence[ClassMeasures]) -> ClassMeasures:
    """Return the sums of all shards together; at least one."""
    return ClassMeasures(
        confusion=np.sum([part.confusion for part in parts], axis=0),
        log_loss_sum=float(np.sum([part.log_loss_sum for part in parts])),
        widest_miss=max(part.widest_miss for part in parts),
        unknown_count=sum(part.unknown_count for part in parts),
    )


def class_quality(
    total: ClassMeasures, rankings: Mapping[int, Ranking], outputs: ModelOutputs
) -> ClassQuality:
    """Return the quality of at least one labelled record.

    Args:
        total: Sums of all shards.
        rankings: By class, of one against the rest; of classes that have both.
        outputs: Of the model.
    """
    confusion = total.confusion
    count, correct = int(confusion.sum()), int(np.trace(confusion))
    rows = tuple(_rows(confusion, rankings, outputs))
    metrics = {"accuracy": correct / count, **_averages(rows, count)}
    if np.isfinite(total.log_loss_sum) and total.widest_miss <= UNIT_TOLERANCE:
        metrics["log_loss"] = total.log_loss_sum / count
    areas = [row.auc for row in rows if row.auc is not None]
    if areas and len(areas) == len([row for row in rows if row.labelled_count]):
        metrics["auc_macro"] = sum(areas) / len(areas)
    return ClassQuality(
        rows=rows,
        confusion=tuple(tuple(int(value) for value in row) for row in confusion),
        metrics=metrics,
        intervals={"accuracy": fraction_interval(correct, count)},
    )


def _rows(
    confusion: np.ndarray, rankings: Mapping[int, Ranking], outputs: ModelOutputs
) -> Iterator[ClassRow]:
    for position, name in enumerate(outputs.labels):
        found = int(confusion[position, position])
        labelled, predicted = int(confusion[position].sum()), int(confusion[:, position].sum())
        ranking = rankings.get(position)
        yield ClassRow(
            name=name,
            labelled_count=labelled,
            predicted_count=predicted,
            precision=found / predicted if predicted else None,
            recall=found / labelled if labelled else None,
            f1=2 * found / (labelled + predicted) if labelled + predicted else None,
            auc=ranking.auc if ranking else None,
            interval=auc_interval(ranking.auc, ranking.auc_variance) if ranking else None,
        )


def _averages(rows: Sequence[ClassRow], count: int) -> dict[str, float]:
    """Return means over the classes that occur, plain and by labelled records; 0 stands for 0/0, as usual."""
    there = [row for row in rows if row.labelled_count or row.predicted_count]
    averages = {}
    for name in ("precision", "recall", "f1"):
        values = [getattr(row, name) or 0.0 for row in there]
        averages[f"{name}_macro"] = sum(values) / len(there)
        weights = [row.labelled_count for row in there]
        averages[f"{name}_weighted"] = sum(v * w for v, w in zip(values, weights, strict=True)) / count
    return averages
