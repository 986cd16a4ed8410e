"""The figures of the report: a chart, the words around it, and the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reporting import tables
from reporting.charts import draw
from reporting.run import ReconciledRun

MAX_TABLE_ROWS = 40
"""Longer tables (curves) are only in their CSV file."""

TITLES = {
    tables.SCORE_DISTRIBUTION: "Score distribution",
    tables.LARGEST_DISTRIBUTION: "Distribution of the largest output",
    tables.NORM_DISTRIBUTION: "Distribution of the norm",
    tables.OUTPUTS: "Which output is the largest",
    tables.ROC: "ROC curve",
    tables.PRECISION_RECALL: "Precision and recall",
    tables.CALIBRATION: "Calibration",
    tables.LIFT: "Lift by decile",
    tables.DECILE_MEANS: "Predicted and observed",
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart as the document shows it.

    Attributes:
        name: Name of its table.
        title: Heading.
        reading: One or two sentences: what is drawn, and what it says here.
        svg: The drawing.
        columns: Headings of the numbers behind it; empty if they are only in the CSV file.
        rows: Those numbers, as text.
    """

    name: str
    title: str
    reading: str
    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def draw_figures(run: ReconciledRun, chart_tables: list[tables.ChartTable]) -> Iterator[Figure]:
    """Yield the figure of each table."""
    for table in chart_tables:
        reading = _READINGS[table.name](run)
        is_short = len(table.frame) <= MAX_TABLE_ROWS
        yield Figure(
            name=table.name,
            title=TITLES[table.name],
            reading=reading,
            svg=draw(table, title=TITLES[table.name], description=reading),
            columns=tuple(_heading(name) for name in table.frame.columns) if is_short else (),
            rows=tuple(tuple(_cell(value) for value in row) for row in table.frame.itertuples(index=False))
            if is_short
            else (),
        )


def _heading(name: Any) -> str:
    return str(name).replace("_", " ").capitalize()


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    number = float(value)
    if math.isnan(number):
        return "–"
    return f"{int(number):,}" if number.is_integer() else f"{number:,.4g}"


def _distribution_reading(run: ReconciledRun) -> str:
    return f"{_numbers_reading(run, 'scores')}."


def _numbers_reading(run: ReconciledRun, noun: str) -> str:
    summary = run.distribution.summary
    if summary.minimum == summary.maximum:
        return f"All {summary.record_count:,} {noun} are {summary.minimum:.6g}"
    extent = f"from {summary.minimum:.4g} to {summary.maximum:.4g}"
    mean = f", {summary.mean:.4g} on average" if summary.has_mean else ""
    return f"{summary.record_count:,} {noun} {extent}{mean}"


def _largest_reading(run: ReconciledRun) -> str:
    return (
        "The largest output of each record; where the outputs are probabilities of classes, how sure the "
        f"model is. {_numbers_reading(run, 'of them')}."
    )


def _norm_reading(run: ReconciledRun) -> str:
    return (
        f"The Euclidean norm of each record's {_output_count(run):,} outputs. "
        f"{_numbers_reading(run, 'norms')}."
    )


def _outputs_reading(run: ReconciledRun) -> str:
    count = _output_count(run)
    shown = (
        "" if count <= tables.MAX_OUTPUTS_SHOWN else f", the {tables.MAX_OUTPUTS_SHOWN} most frequent ones"
    )
    return (
        f"In how many records each of the model's {count:,} outputs is the largest{shown}; of equal ones the "
        "first counts."
    )


def _output_count(run: ReconciledRun) -> int:
    return run.contract.outputs.count if run.contract.outputs is not None else 1


def _roc_reading(run: ReconciledRun) -> str:
    return (
        "Positives found against false alarms raised, at every threshold. "
        f"Area {run.quality.metrics['auc']:.4f}; the dashed line is chance (0.5)."
    )


def _precision_recall_reading(run: ReconciledRun) -> str:
    base_rate = run.quality.positive_count / run.quality.labelled_count
    return (
        "How pure a selection is against how much of the positives it finds. "
        f"Average precision {run.quality.metrics['pr_auc']:.4f}; the dashed line is chance ({base_rate:.4f})."
    )


def _calibration_reading(run: ReconciledRun) -> str:
    return (
        "Records in ten bins of score: the fraction that turned out positive against the mean score. "
        "A score that can be read as a probability lies on the dashed line. "
        f"Brier score {run.quality.metrics['brier']:.4f}."
    )


def _lift_reading(run: ReconciledRun) -> str:
    lift, gain = run.quality.lift["lift"][0], run.quality.lift["gain_fraction"]
    return (
        f"The tenth of records with the highest scores holds {lift:.2f} times as many positives "
        "as an average tenth; "
        f"the first three tenths hold {gain[2]:.0%} of all positives."
    )


def _decile_means_reading(run: ReconciledRun) -> str:
    return (
        "Records in up to ten equally large groups by score: mean label against mean score. "
        "Exact predictions lie on the dashed line."
        f"{_mean_absolute_error(run)}"
    )


def _mean_absolute_error(run: ReconciledRun) -> str:
    measured = run.quality.metrics.get("mae")
    return "" if measured is None else f" Mean absolute error {measured:.4g}."


_READINGS = {
    tables.SCORE_DISTRIBUTION: _distribution_reading,
    tables.LARGEST_DISTRIBUTION: _largest_reading,
    tables.NORM_DISTRIBUTION: _norm_reading,
    tables.OUTPUTS: _outputs_reading,
    tables.ROC: _roc_reading,
    tables.PRECISION_RECALL: _precision_recall_reading,
    tables.CALIBRATION: _calibration_reading,
    tables.LIFT: _lift_reading,
    tables.DECILE_MEANS: _decile_means_reading,
}
