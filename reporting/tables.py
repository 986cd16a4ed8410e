"""The small tables behind the charts, one CSV file each."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.dataset import ModelOutputs
from contracts.spreadsheet_text import harmless_text
from reporting.distribution import ScoreDistribution
from reporting.drift_findings import DriftFindings
from reporting.headline import run_headline
from reporting.last_runs import RunHeadline
from reporting.outputs import OutputsSummary, are_counted
from reporting.quality import METRIC_NAMES
from reporting.ranking import CurvePoints
from reporting.run import MeasuredRun

SCORE_DISTRIBUTION = "score_distribution"
LARGEST_DISTRIBUTION = "largest_output_distribution"
NORM_DISTRIBUTION = "norm_distribution"
OUTPUTS = "outputs"
ROC = "roc"
PRECISION_RECALL = "precision_recall"
CALIBRATION = "calibration"
LIFT = "lift"
DECILE_MEANS = "decile_means"
DRIFT_PREFIX = "drift_"
"""Then the number of the reference and the rank of the mover, both from 1."""

DRAWN_MOVERS = 4
"""Of each reference."""

LAST_RUNS_PREFIX = "last_runs_"
RUN_RECORDS = f"{LAST_RUNS_PREFIX}records"
RUN_HELD_BACK = f"{LAST_RUNS_PREFIX}held_back"
RUN_MEAN_SCORE = f"{LAST_RUNS_PREFIX}mean_score"
RUN_QUALITY = f"{LAST_RUNS_PREFIX}quality"
RUN_TRAINING_PSI = f"{LAST_RUNS_PREFIX}training_psi"
RUN_LAST_RUN_PSI = f"{LAST_RUNS_PREFIX}last_run_psi"
"""One number over the last runs: columns run_date, run_id, then the number, which may be None."""

DISTRIBUTION_PAIR = "score_distribution_pair"
"""The scores of two runs, in the same bins."""


MAX_OUTPUTS_SHOWN = 20
"""Of more, those that are the largest in most records."""

DISTRIBUTIONS = (SCORE_DISTRIBUTION, LARGEST_DISTRIBUTION, NORM_DISTRIBUTION)
"""Of one number a record; a run has one of them."""


@dataclass(frozen=True, kw_only=True)
class ChartTable:
    """What one chart draws.

    Attributes:
        name: One of the names above; also that of the CSV file.
        columns: By name, all equally long, at most some hundred rows: texts, finite numbers, or None.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"table {self.name}: its columns differ in length: {lengths}")

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """Its rows, each in the order of the columns."""
        return list(zip(*self.columns.values(), strict=True))


def distribution_name(outputs: ModelOutputs | None) -> str:
    """Return the name of the distribution that a run with these outputs has."""
    if outputs is None:
        return SCORE_DISTRIBUTION
    return LARGEST_DISTRIBUTION if are_counted(outputs) else NORM_DISTRIBUTION


def chart_tables(run: MeasuredRun) -> Iterator[ChartTable]:
    """Yield the tables of every chart that this run can have, in the order of the report."""
    quality, outputs = run.quality, run.contract.outputs
    if run.distribution.summary.record_count:
        histogram = _histogram(run.distribution)
        name = distribution_name(outputs)
        if name != NORM_DISTRIBUTION or not run.distribution.summary.is_narrow:
            yield ChartTable(name=name, columns=histogram)
        last_run = run.drift.last_run
        beside = last_run and distribution_pair(last_run.distribution, histogram)
        if beside:
            yield ChartTable(name=DISTRIBUTION_PAIR, columns=beside)
        if outputs is not None and run.outputs is not None:
            yield ChartTable(name=OUTPUTS, columns=_outputs(run.outputs, outputs))
    yield from _drift_tables(run.drift)
    yield from last_runs_tables(
        run.earlier.followed_by(run_headline(run)), warning_psi=run.contract.report.drift.warning
    )
    if quality.curve is not None:
        yield ChartTable(name=ROC, columns=_roc(quality.curve))
        yield ChartTable(name=PRECISION_RECALL, columns=_precision_recall(quality.curve))
    for name, columns in (
        (CALIBRATION, quality.calibration),
        (LIFT, quality.lift),
        (DECILE_MEANS, quality.decile_means),
    ):
        if columns:
            yield ChartTable(name=name, columns={key: _finite(values) for key, values in columns.items()})


def distribution_pair(
    other: Mapping[str, list[Any]], own: Mapping[str, list[Any]]
) -> dict[str, list[Any]] | None:
    """Return two runs' scores by bin, as fractions of all; None where the bins are not the same."""
    bounds = ("score_from", "score_to")
    if not other or any(other[name] != own[name] for name in bounds):
        return None
    columns = {name: list(own[name]) for name in bounds}
    for name, table in (("fraction", own), ("other_fraction", other)):
        total = max(1, sum(table["record_count"]))
        columns[name] = [count / total for count in table["record_count"]]
    return columns


def table_document(table: ChartTable) -> dict[str, list[Any]]:
    """Return a table as lists by name of the column."""
    return {name: list(values) for name, values in table.columns.items()}


def table_csv(table: ChartTable) -> str:
    """Return a table as CSV with a header; its texts, if it has any, are harmless to a spreadsheet."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([harmless_text(value) if isinstance(value, str) else value for value in row])
    return stream.getvalue()


def _finite(numbers: Sequence[Any]) -> list[Any]:
    """Return numbers with None in the place of what is not finite."""
    return [number if math.isfinite(number) else None for number in numbers]


def _histogram(distribution: ScoreDistribution) -> dict[str, list[Any]]:
    edges = distribution.edges.tolist()
    return {"score_from": edges[:-1], "score_to": edges[1:], "record_count": distribution.counts.tolist()}


def _outputs(summary: OutputsSummary, outputs: ModelOutputs) -> dict[str, list[Any]]:
    """Return the outputs in the model's order; of too many, the most frequent ones."""
    chosen = np.sort(np.argsort(-summary.largest_counts, kind="stable")[:MAX_OUTPUTS_SHOWN])
    columns: dict[str, list[Any]] = {
        "output": [outputs.labels[position] for position in chosen],
        "record_count": summary.largest_counts[chosen].tolist(),
    }
    if summary.means is not None:
        columns["mean_output"] = _finite(summary.means[chosen].tolist())
    return columns


def _drift_tables(found: DriftFindings) -> Iterator[ChartTable]:
    """Yield the groups of what moved most from each reference; only what was measured."""
    for number, report in enumerate(found.reports):
        measured = [one for one in report.features if one.psi is not None]
        movers = sorted(measured, key=lambda one: (-(one.psi or 0.0), one.name))[:DRAWN_MOVERS]
        for rank, drift in enumerate(movers):
            columns: dict[str, list[Any]] = {
                "group": [group.label for group in drift.groups],
                "reference_fraction": [group.reference_fraction for group in drift.groups],
                "run_fraction": [group.run_fraction for group in drift.groups],
            }
            yield ChartTable(name=f"{DRIFT_PREFIX}{number + 1}_{rank + 1}", columns=columns)


def last_runs_tables(runs: Sequence[RunHeadline], *, warning_psi: float) -> Iterator[ChartTable]:
    """Yield each headline number over the last runs that at least two of them have.

    Args:
        runs: In the order of publication.
        warning_psi: From which on drift is told; stands beside each PSI.
    """
    metric = next((name for name in METRIC_NAMES if any(name in run.quality for run in runs)), "none")
    warnings = [warning_psi for _ in runs]
    numbers: dict[str, dict[str, list[Any]]] = {
        RUN_RECORDS: {"record_count": [run.record_count for run in runs]},
        RUN_HELD_BACK: {"quarantined_fraction": [run.quarantined_fraction for run in runs]},
        RUN_MEAN_SCORE: {"mean_score": [run.mean_score for run in runs]},
        RUN_QUALITY: {metric: [run.quality.get(metric) for run in runs]},
        RUN_TRAINING_PSI: {
            "largest_psi": [run.training_psi for run in runs],
            "warning_psi": warnings,
            "field": [run.training_mover for run in runs],
        },
        RUN_LAST_RUN_PSI: {
            "largest_psi": [run.last_run_psi for run in runs],
            "warning_psi": warnings,
            "field": [run.last_run_mover for run in runs],
        },
    }
    which = {"run_date": [run.run_date for run in runs], "run_id": [run.run_id for run in runs]}
    for name, columns in numbers.items():
        if sum(number is not None for number in next(iter(columns.values()))) > 1:
            yield ChartTable(name=name, columns={**which, **columns})


def _roc(curve: CurvePoints) -> dict[str, list[Any]]:
    return {
        "false_positive_rate": [0.0, *curve.false_positive_rates],
        "true_positive_rate": [0.0, *curve.true_positive_rates],
    }


def _precision_recall(curve: CurvePoints) -> dict[str, list[Any]]:
    return {"recall": list(curve.true_positive_rates), "precision": list(curve.precisions)}
