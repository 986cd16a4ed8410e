"""What a shard's labelled records leave behind when it is settled: sums, and runs of scores on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract, ModelOutputs
from contracts.wire import SCORE_COLUMN
from reporting.classes import (
    MAX_CLASSES,
    MAX_RANKED_CLASSES,
    ClassMeasures,
    class_positions,
    labelled_outputs,
    measure_classes,
)
from reporting.hits import HitMeasures, measure_hits
from reporting.labels import known_outcomes
from reporting.measures import Measures, measure_records
from reporting.score_runs import write_run
from reporting.segments import SegmentCodes, segment_sums

ALL = "all"
"""Name of the runs of all labelled records."""


@dataclass(frozen=True, kw_only=True)
class LabelledRecords:
    """One shard's.

    Attributes:
        measures: Of a model with one output.
        segments: Sums by code of each segment field.
        classes: Of a model with an output for each class; else None.
        hits: Of a model whose largest outputs are kept; else None.
        runs: Folders of its runs of scores, by what they rank.
    """

    measures: Measures | None = None
    segments: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: ClassMeasures | None = None
    hits: HitMeasures | None = None
    runs: Mapping[str, Path] = field(default_factory=dict)


def keep_labelled(
    scores: np.ndarray,
    kept: pa.Table,
    contract: DatasetContract,
    codes: Mapping[str, SegmentCodes],
    folder: Path,
) -> LabelledRecords:
    """Sum up a shard of a model with one output, and write its runs.

    Args:
        scores: float64 of shape (records,); NaN for unscorable records.
        kept: Label and segment columns of the same records.
        contract: Names them.
        codes: Of the segment fields.
        folder: Of this shard alone, for its runs.
    """
    if contract.label is None and not codes:
        return LabelledRecords()
    labels = known_outcomes(kept, contract)
    is_labelled = ~np.isnan(scores) & np.isfinite(labels)
    numbers = {name: one.encode(kept.column(name)) for name, one in codes.items()}
    runs = {}
    if is_labelled.any():
        runs[ALL] = folder / ALL
        write_run(runs[ALL], scores[is_labelled], labels[is_labelled])
        for position, (name, groups) in enumerate(numbers.items()):
            runs[name] = folder / f"segment-{position}"
            write_run(runs[name], scores[is_labelled], labels[is_labelled], groups[is_labelled])
    return LabelledRecords(
        measures=measure_records(
            scores[is_labelled], labels[is_labelled], threshold=contract.report.threshold
        ),
        segments={name: segment_sums(groups, scores, labels) for name, groups in numbers.items()},
        runs=runs,
    )


def keep_labelled_outputs(
    answers: pa.Table, kept: pa.Table, contract: DatasetContract, outputs: ModelOutputs, folder: Path
) -> LabelledRecords:
    """Sum up a shard of a model with an output for each class; one without a label has nothing to sum up."""
    if not contract.label:
        return LabelledRecords()
    positions = class_positions(kept.column(contract.label), outputs)
    hits = measure_hits(answers, positions) if outputs.top_k is not None else None
    if outputs.count > MAX_CLASSES:
        return LabelledRecords(hits=hits)
    is_scored = np.asarray(pc.is_valid(answers.column(SCORE_COLUMN)))
    blocks = list(labelled_outputs(answers, positions, outputs))
    runs = {}
    if outputs.top_k is None and outputs.count <= MAX_RANKED_CLASSES and blocks:
        labels = np.concatenate([block[0] for block in blocks])
        matrix = np.concatenate([block[2] for block in blocks if block[2] is not None])
        for position in range(outputs.count):
            runs[str(position)] = folder / f"class-{position}"
            write_run(runs[str(position)], matrix[:, position], (labels == position).astype(np.float64))
    unknown_count = int(np.sum(positions[is_scored] == -2))
    classes = measure_classes(blocks, unknown_count, outputs.count)
    return LabelledRecords(classes=classes, hits=hits, runs=runs)
