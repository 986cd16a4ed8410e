"""Measure a model of several outputs against known outcomes, as `reporting.quality` does one with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from contracts.dataset import DatasetContract, ModelOutputs
from reporting.classes import (
    MAX_CLASSES,
    MAX_RANKED_CLASSES,
    UNIT_TOLERANCE,
    ClassMeasures,
    ClassQuality,
    add_classes,
    class_quality,
)
from reporting.hits import HitMeasures, add_hits, hit_intervals, hit_metrics
from reporting.labelled_records import LabelledRecords
from reporting.quality import CLASSES, HITS, NO_LABEL_NOTE, Quality, runs_of, unknown_quality
from reporting.ranking import Ranking, rank_groups
from reporting.score_runs import ranked_blocks


def measure_output_quality(parts: Sequence[LabelledRecords], contract: DatasetContract) -> Quality:
    """Measure by the largest outputs that were kept, and where there are few enough as classes too.

    Args:
        parts: Of all shards.
        contract: Names the label and the outputs.
    """
    outputs, label_name = contract.outputs, contract.label
    assert outputs is not None  # noqa: S101 - the caller has several outputs
    if label_name is None:
        return unknown_quality(NO_LABEL_NOTE)
    kept = [part.hits for part in parts if part.hits is not None]
    hits = add_hits(kept) if kept else None
    if outputs.count > MAX_CLASSES:
        return _measure_hits(hits, outputs, label_name)
    quality = _measure_classes(parts, outputs, label_name)
    if hits is None or not hits.record_count:
        return quality
    return replace(
        quality,
        metrics=quality.metrics | hit_metrics(hits),
        intervals=quality.intervals | hit_intervals(hits),
    )


def _measure_hits(hits: HitMeasures | None, outputs: ModelOutputs, label_name: str) -> Quality:
    if hits is None:
        return unknown_quality(
            f"The model has {outputs.count:,} outputs for each record; up to {MAX_CLASSES}, or the largest "
            f"of more (`scoring.topK`), are compared with the label “{label_name}”, so nothing was measured."
        )
    if not hits.record_count:
        return unknown_quality(_no_labels(hits.unknown_count, outputs, label_name))
    return Quality(
        kind=HITS,
        labelled_count=hits.record_count,
        metrics=hit_metrics(hits),
        intervals=hit_intervals(hits),
        notes=tuple(_unknown_labels(hits.unknown_count, label_name)),
    )


def _measure_classes(parts: Sequence[LabelledRecords], outputs: ModelOutputs, label_name: str) -> Quality:
    measured = [part.classes for part in parts if part.classes is not None]
    total = add_classes(measured) if measured else None
    if total is None or not total.confusion.sum():
        return unknown_quality(_no_labels(total.unknown_count if total else 0, outputs, label_name))
    count = int(total.confusion.sum())
    rankings: dict[int, Ranking] = {}
    for position in range(outputs.count):
        runs = runs_of(parts, str(position))
        totals = {0: (count, int(total.confusion[position].sum()))}
        if runs:
            rankings.update((position, one) for one in rank_groups(ranked_blocks(runs), totals).values())
    classes = class_quality(total, rankings, outputs)
    return Quality(
        kind=CLASSES,
        labelled_count=count,
        metrics=classes.metrics,
        intervals=classes.intervals,
        notes=tuple(_class_notes(total, classes, outputs, label_name)),
        classes=classes,
    )


def _no_labels(unknown_count: int, outputs: ModelOutputs, label_name: str) -> str:
    if unknown_count:
        names = ", ".join(outputs.labels[:5]) + (", …" if outputs.count > 5 else "")
        return (
            f"None of the {unknown_count:,} values of the label field “{label_name}” is one of the "
            f"model's outputs ({names}), so nothing was measured."
        )
    return f"No scored record has a value in the label field “{label_name}”, so nothing was measured."


def _unknown_labels(unknown_count: int, label_name: str) -> Iterator[str]:
    if unknown_count:
        yield (
            f"{unknown_count:,} records have a value of “{label_name}” that is none of the model's outputs; "
            "they are left out of every number here."
        )


def _class_notes(
    total: ClassMeasures, classes: ClassQuality, outputs: ModelOutputs, label_name: str
) -> Iterator[str]:
    yield from _unknown_labels(total.unknown_count, label_name)
    if outputs.top_k is not None:
        yield f"Log loss and AUC were not computed: only the {outputs.top_k} largest outputs came back."
        return
    if "log_loss" not in classes.metrics:
        yield (
            "Log loss was not computed: it needs outputs that sum to 1 for each record, and these miss it by "
            f"more than {UNIT_TOLERANCE}."
        )
    if outputs.count > MAX_RANKED_CLASSES:
        yield f"AUC was not computed: it is computed for up to {MAX_RANKED_CLASSES} classes."
    elif "auc_macro" not in classes.metrics:
        yield "The mean AUC was not computed: it needs records of at least two classes."
