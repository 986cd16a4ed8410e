"""The figures of the report: a chart, the words around it, and the numbers behind it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from contracts.dataset import VECTOR_INPUT
from contracts.ledger import RunLedger
from reporting import tables
from reporting.charts import draw
from reporting.drawing_engine import Render, render
from reporting.quality import METRIC_NAMES

MAX_TABLE_ROWS = 40
"""Longer tables (curves) are only in their CSV file."""

TITLES = {
    tables.SCORE_DISTRIBUTION: "Score distribution",
    tables.LARGEST_DISTRIBUTION: "Distribution of the largest output",
    tables.NORM_DISTRIBUTION: "Distribution of the norm",
    tables.DISTRIBUTION_PAIR: "Beside the last run",
    tables.OUTPUTS: "Which output is the largest",
    tables.RUN_RECORDS: "Records read",
    tables.RUN_HELD_BACK: "Held back",
    tables.RUN_MEAN_SCORE: "Mean score",
    tables.RUN_QUALITY: "Model quality",
    tables.RUN_TRAINING_PSI: "Drift from the training data",
    tables.RUN_LAST_RUN_PSI: "Drift from run to run",
    tables.ROC: "ROC curve",
    tables.PRECISION_RECALL: "Precision and recall",
    tables.CALIBRATION: "Calibration",
    tables.LIFT: "Lift by decile",
    tables.DECILE_MEANS: "Predicted and observed",
}

_MEAN_NOUNS = {
    tables.SCORE_DISTRIBUTION: "The scores are on average",
    tables.LARGEST_DISTRIBUTION: "The largest output is on average",
    tables.NORM_DISTRIBUTION: "The norm is on average",
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


def draw_figures(
    ledger: RunLedger, chart_tables: list[tables.ChartTable], render: Render = render
) -> Iterator[Figure]:
    """Yield the figure of each table, drawn by `render`."""
    for table in chart_tables:
        title, reading = _words(ledger, table.name)
        rows = table.rows
        is_short = len(rows) <= MAX_TABLE_ROWS
        yield Figure(
            name=table.name,
            title=title,
            reading=reading,
            svg=draw(table, title=title, description=reading, render=render),
            columns=tuple(_heading(name) for name in table.columns) if is_short else (),
            rows=tuple(tuple(_cell(value) for value in row) for row in rows) if is_short else (),
        )


def _words(ledger: RunLedger, name: str) -> tuple[str, str]:
    """Return title and reading of a table's figure."""
    if not name.startswith(tables.DRIFT_PREFIX):
        return TITLES[name], _READINGS[name](ledger)
    reference, rank = (int(number) - 1 for number in name.removeprefix(tables.DRIFT_PREFIX).split("_"))
    report = ledger.report["drift"]["reports"][reference]
    measured = [one for one in report["features"] if one["psi"] is not None]
    mover = sorted(measured, key=lambda one: (-one["psi"], one["name"]))[rank]
    reading = (
        f"PSI {mover['psi']:.3g}, Jensen-Shannon {mover['jensen_shannon']:.3g}. Bars are this run, marks "
        f"{report['reference']}."
    )
    is_length = (
        not mover["is_score"] and ledger.report["contract"].get("model_input", VECTOR_INPUT) != VECTOR_INPUT
    )
    noun = f"“{mover['name']}”, its length," if is_length else f"“{mover['name']}”"
    return f"{noun} beside {report['reference'].split(' (')[0]}", reading


def _pair_reading(ledger: RunLedger) -> str:
    last_run = ledger.report["last_run"]
    return (
        f"The part of the records that has each score: this run as bars, run {last_run['run_id']} as a line."
    )


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    number = float(value)
    return f"{int(number):,}" if number.is_integer() else f"{number:,.4g}"


def _distribution_reading(ledger: RunLedger) -> str:
    return f"{_numbers_reading(ledger, 'scores')}."


def _numbers_reading(ledger: RunLedger, noun: str) -> str:
    scores = ledger.report["scores"]
    if scores["minimum"] == scores["maximum"]:
        return f"All {scores['record_count']:,} {noun} are {scores['minimum']:.6g}"
    extent = f"from {scores['minimum']:.4g} to {scores['maximum']:.4g}"
    mean = "" if scores["mean"] is None else f", {scores['mean']:.4g} on average"
    return f"{scores['record_count']:,} {noun} {extent}{mean}"


def _largest_reading(ledger: RunLedger) -> str:
    return (
        "The largest output of each record; where the outputs are probabilities of classes, how sure the "
        f"model is. {_numbers_reading(ledger, 'of them')}."
    )


def _norm_reading(ledger: RunLedger) -> str:
    return (
        f"The Euclidean norm of each record's {_output_count(ledger):,} outputs. "
        f"{_numbers_reading(ledger, 'norms')}."
    )


def _outputs_reading(ledger: RunLedger) -> str:
    count = _output_count(ledger)
    shown = (
        "" if count <= tables.MAX_OUTPUTS_SHOWN else f", the {tables.MAX_OUTPUTS_SHOWN} most frequent ones"
    )
    return (
        f"In how many records each of the model's {count:,} outputs is the largest{shown}; of equal ones the "
        "first counts."
    )


def _output_count(ledger: RunLedger) -> int:
    return int(ledger.report["contract"]["output_count"] or 1)


def _over_runs_reading(ledger: RunLedger, name: str, noun: str, spec: str) -> str:
    """Say what a number is in this run, and between what it lies in all that are drawn."""
    columns = ledger.report["tables"][name]
    numbers = list(columns.values())[2]
    known = [number for number in numbers if number is not None]
    now = "not known" if numbers[-1] is None else format(numbers[-1], spec)
    return (
        f"{noun} {now} in this run, from {min(known):{spec}} to {max(known):{spec}} in the last "
        f"{len(numbers)} runs."
    )


def _run_mean_reading(ledger: RunLedger) -> str:
    noun = _MEAN_NOUNS[ledger.report["scores"]["distribution"]]
    return _over_runs_reading(ledger, tables.RUN_MEAN_SCORE, noun, ".4g")


def _run_quality_reading(ledger: RunLedger) -> str:
    metric = list(ledger.report["tables"][tables.RUN_QUALITY])[2]
    return _over_runs_reading(ledger, tables.RUN_QUALITY, f"{METRIC_NAMES.get(metric, metric)}:", ".4g")


def _run_psi_reading(ledger: RunLedger, name: str, reference: str) -> str:
    columns = ledger.report["tables"][name]
    psi, warning, field = (columns[column][-1] for column in ("largest_psi", "warning_psi", "field"))
    now = (
        f"In this run nothing could be compared with {reference}."
        if psi is None
        else f"In this run “{field}” has moved most from {reference} (PSI {psi:.3g})."
    )
    return f"The largest PSI of each run. {now} From the dashed line on ({warning:g}), drift is told."


def _roc_reading(ledger: RunLedger) -> str:
    return (
        "Positives found against false alarms raised, at every threshold. "
        f"Area {ledger.quality['auc']:.4f}; the dashed line is chance (0.5)."
    )


def _precision_recall_reading(ledger: RunLedger) -> str:
    base_rate = ledger.report["quality"]["positive_count"] / ledger.labelled_count
    return (
        "How pure a selection is against how much of the positives it finds. "
        f"Average precision {ledger.quality['pr_auc']:.4f}; the dashed line is chance ({base_rate:.4f})."
    )


def _calibration_reading(ledger: RunLedger) -> str:
    return (
        "Records in up to ten equally large groups by score: the fraction that turned out positive against "
        "the mean score. "
        "A score that can be read as a probability lies on the dashed line. "
        f"Brier score {ledger.quality['brier']:.4f}."
    )


def _lift_reading(ledger: RunLedger) -> str:
    table = ledger.report["tables"][tables.LIFT]
    lift, gain = table["lift"][0], table["gain_fraction"]
    return (
        f"The tenth of records with the highest scores holds {lift:.2f} times as many positives "
        "as an average tenth; "
        f"the first three tenths hold {gain[2]:.0%} of all positives."
    )


def _decile_means_reading(ledger: RunLedger) -> str:
    return (
        "Records in up to ten equally large groups by score: mean label against mean score. "
        "Exact predictions lie on the dashed line."
        f"{_mean_absolute_error(ledger)}"
    )


def _mean_absolute_error(ledger: RunLedger) -> str:
    measured = ledger.quality.get("mae")
    return "" if measured is None else f" Mean absolute error {measured:.4g}."


_READINGS: dict[str, Callable[[RunLedger], str]] = {
    tables.SCORE_DISTRIBUTION: _distribution_reading,
    tables.LARGEST_DISTRIBUTION: _largest_reading,
    tables.NORM_DISTRIBUTION: _norm_reading,
    tables.DISTRIBUTION_PAIR: _pair_reading,
    tables.OUTPUTS: _outputs_reading,
    tables.RUN_RECORDS: functools.partial(
        _over_runs_reading, name=tables.RUN_RECORDS, noun="Records:", spec=",d"
    ),
    tables.RUN_HELD_BACK: functools.partial(
        _over_runs_reading, name=tables.RUN_HELD_BACK, noun="Of the records read,", spec=".2%"
    ),
    tables.RUN_MEAN_SCORE: _run_mean_reading,
    tables.RUN_QUALITY: _run_quality_reading,
    tables.RUN_TRAINING_PSI: functools.partial(
        _run_psi_reading, name=tables.RUN_TRAINING_PSI, reference="the training data"
    ),
    tables.RUN_LAST_RUN_PSI: functools.partial(
        _run_psi_reading, name=tables.RUN_LAST_RUN_PSI, reference="the run before it"
    ),
    tables.ROC: _roc_reading,
    tables.PRECISION_RECALL: _precision_recall_reading,
    tables.CALIBRATION: _calibration_reading,
    tables.LIFT: _lift_reading,
    tables.DECILE_MEANS: _decile_means_reading,
}
