"""The small tables behind the charts, one CSV file each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from pandas.api.types import is_numeric_dtype

from contracts.spreadsheet_text import harmless_text
from reporting.distribution import ScoreDistribution
from reporting.metrics import Ranking, curve_positions
from reporting.quality import Quality

SCORE_DISTRIBUTION = "score_distribution"
ROC = "roc"
PRECISION_RECALL = "precision_recall"
CALIBRATION = "calibration"
LIFT = "lift"
DECILE_MEANS = "decile_means"


@dataclass(frozen=True, kw_only=True)
class ChartTable:
    """What one chart draws.

    Attributes:
        name: One of the names above; also that of the CSV file.
        frame: A few columns, at most some hundred rows.
    """

    name: str
    frame: pd.DataFrame


def chart_tables(distribution: ScoreDistribution, quality: Quality) -> Iterator[ChartTable]:
    """Yield the tables of every chart that this run can have, in the order of the report."""
    if distribution.summary.record_count:
        yield ChartTable(name=SCORE_DISTRIBUTION, frame=_histogram(distribution))
    if quality.ranking is not None:
        yield ChartTable(name=ROC, frame=_roc(quality.ranking))
        yield ChartTable(name=PRECISION_RECALL, frame=_precision_recall(quality.ranking))
    for name, columns in (
        (CALIBRATION, quality.calibration),
        (LIFT, quality.lift),
        (DECILE_MEANS, quality.decile_means),
    ):
        if columns:
            yield ChartTable(name=name, frame=pd.DataFrame(columns))


def table_csv(table: ChartTable) -> str:
    """Return a table as CSV with a header; its texts, if it has any, are harmless to a spreadsheet."""
    columns = {name: table.frame[name] for name in table.frame.columns}
    for name, column in columns.items():
        if not is_numeric_dtype(column):
            columns[name] = column.map(harmless_text, na_action="ignore")
    text: str = pd.DataFrame(columns).to_csv(index=False)
    return text


def _histogram(distribution: ScoreDistribution) -> pd.DataFrame:
    edges = distribution.edges
    columns = {"score_from": edges[:-1], "score_to": edges[1:], "record_count": distribution.counts}
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def _roc(ranking: Ranking) -> pd.DataFrame:
    chosen = curve_positions(len(ranking.true_positive_rates))
    columns = {
        "false_positive_rate": ranking.false_positive_rates[chosen],
        "true_positive_rate": ranking.true_positive_rates[chosen],
    }
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def _precision_recall(ranking: Ranking) -> pd.DataFrame:
    chosen = curve_positions(len(ranking.precisions))
    columns = {
        "recall": ranking.true_positive_rates[1:][chosen],
        "precision": ranking.precisions[chosen],
    }
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame
