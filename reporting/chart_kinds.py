"""What each kind of chart looks like: a table's columns in, the Vega-Lite specification of its drawing out.

A specification is plain data, which https://vega.github.io/vega-lite/docs/spec.html describes. Here it has
the data, the marks and the axes; `reporting.charts` gives it a size and the looks that all charts share.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from reporting import tables
from reporting.drawing_engine import Specification

Columns: TypeAlias = Mapping[str, Sequence[Any]]
MARK_COLOUR = "var(--chart, #1f5fa8)"
INK_COLOUR = "currentColor"

MAX_GROUP_CHARACTERS = 32
"""Of the name of a group in a chart of what moved, room for two bounds; the CSV file has it whole."""

MAX_OUTPUT_CHARACTERS = 24
"""Of the name of an output in the chart of the largest."""

_CHARACTER_PIXELS = 8
"""Room for one; the drawing engine does not know how wide the page's font is."""

_ROW_PIXELS, _MIN_ROWS_PIXELS = 18, 220
"""Height of a bar whose name stands beside it, and of all such bars together at least."""

_MAX_DRAWN_EXTENT = 1.7e308
"""From the lowest to the highest score; a drawing engine that subtracts them cannot go beyond float64."""

_UNIT = {"domain": [0, 1]}
_CEILINGS = tuple(step / 10**digits for digits in (4, 3, 2, 1) for step in (1, 2, 3, 4, 5, 6, 8))
"""Ends of an axis of fractions, which are small where positives are rare; beyond the last it ends at 1."""
_COUNTED = {"format": ",d", "tickMinStep": 1}
_FRACTION = {"format": "%"}

_SMALL = {"width": 250, "height": 110}
_DATE_CHARACTERS = 10
_FROM_ZERO: Mapping[str, Specification] = {
    "record_count": _COUNTED,
    "quarantined_fraction": {"format": "~%"},
    "largest_psi": {},
}
"""Numbers over the runs whose axis begins at 0, and its form; that of the others spans their values."""


def specification(table: tables.ChartTable) -> Specification:
    """Return what to draw of a table, whose name chooses the kind of chart."""
    for prefix, kind in _KINDS_BY_PREFIX.items():
        if table.name.startswith(prefix):
            return kind(table.columns)
    return _KINDS[table.name](table.columns)


def _data(columns: Columns) -> Specification:
    rows = zip(*columns.values(), strict=True)
    return {"values": [dict(zip(columns, row, strict=True)) for row in rows]}


def _numbers(field: str, title: str | None = None, **more: Any) -> Specification:
    """Return an axis of numbers; without a title it shares that of another layer."""
    axis = {"field": field, "type": "quantitative", **more}
    return axis if title is None else {**axis, "title": title}


def _names(field: str, names: Sequence[str], *, most: int) -> Specification:
    """Return an axis of texts in the table's order, with room for them and for `most` characters at most.

    A longer one is cut where it is shown only: two that begin alike stay two.
    """
    shown = min(most, max(map(len, names)))
    axis = {
        "minExtent": _CHARACTER_PIXELS * shown,
        "labelLimit": _CHARACTER_PIXELS * (shown + 1),
        "labelOverlap": False,
        "labelExpr": f"length(datum.label) > {most} ? slice(datum.label, 0, {most - 1}) + '…' : datum.label",
    }
    return {"field": field, "type": "nominal", "title": None, "sort": None, "axis": axis}


def _rows_height(names: Sequence[str]) -> Specification:
    """Return the height of a chart that has a bar for each name."""
    return {"height": max(_MIN_ROWS_PIXELS, _ROW_PIXELS * len(set(names)))}


def _layer(mark: Specification, **encoding: Specification) -> Specification:
    return {"mark": mark, "encoding": encoding}


def _line(*, x: Specification, y: Specification, order: str, interpolate: str = "linear") -> Specification:
    mark = {"type": "line", "color": MARK_COLOUR, "strokeWidth": 2.25, "interpolate": interpolate}
    return _layer(mark, x=x, y=y, order=_numbers(order))


def _points(*, x: Specification, y: Specification) -> Specification:
    return _layer({"type": "circle", "color": MARK_COLOUR, "size": 64, "opacity": 1}, x=x, y=y)


def _reference(x: tuple[str, Sequence[float]], y: tuple[str, Sequence[float]]) -> Specification:
    """Return a dashed line to compare with; each axis as its field and the values at both ends."""
    mark = {"type": "line", "color": INK_COLOUR, "opacity": 0.5, "strokeDash": [4, 4], "strokeWidth": 1.25}
    return {"data": _data(dict([x, y])), **_layer(mark, x=_numbers(x[0]), y=_numbers(y[0]))}


def _rule(field: str, number: float) -> Specification:
    """Return a dashed line from side to side at a number to compare with."""
    mark = {"type": "rule", "color": INK_COLOUR, "opacity": 0.6, "strokeDash": [4, 4]}
    return {"data": _data({field: [number]}), **_layer(mark, y=_numbers(field))}


def _bins(title: str, *, y: Specification) -> Specification:
    """Return bars from one bound of a bin to the other."""
    return _layer(
        {"type": "rect", "color": MARK_COLOUR, "strokeWidth": 0},
        x=_binned(title),
        x2={"field": "score_to"},
        y=y,
        y2={"datum": 0},
    )


def _binned(title: str) -> Specification:
    return _numbers("score_from", title, bin="binned", axis={"grid": False})


def _histogram(columns: Columns, *, title: str = "Score") -> Specification:
    if columns["score_to"][-1] / 2 - columns["score_from"][0] / 2 > _MAX_DRAWN_EXTENT / 2:
        halves = {name: [bound / 2 for bound in columns[name]] for name in ("score_from", "score_to")}
        title, columns = f"Half the {title.lower()}", {**columns, **halves}
    return {"data": _data(columns), **_bins(title, y=_numbers("record_count", "Records", axis=_COUNTED))}


def _pair(columns: Columns) -> Specification:
    bounds, others = columns["score_from"], columns["other_fraction"]
    outline = {
        "score_from": [*bounds, columns["score_to"][-1]],
        "fraction": [*others, others[-1]],
    }
    mark = {"type": "line", "color": INK_COLOUR, "strokeWidth": 2, "interpolate": "step-after"}
    line = _layer(mark, x=_binned("Score"), y=_numbers("fraction"), order=_numbers("score_from"))
    bars = _bins("Score", y=_numbers("fraction", "Records", axis=_FRACTION))
    return {"data": _data(columns), "layer": [bars, {"data": _data(outline), **line}]}


def _outputs(columns: Columns) -> Specification:
    bars = _layer(
        {"type": "bar", "color": MARK_COLOUR},
        x=_numbers("record_count", "Records", axis=_COUNTED),
        y=_names("output", columns["output"], most=MAX_OUTPUT_CHARACTERS),
    )
    return {**_rows_height(columns["output"]), "data": _data(columns), **bars}


def _moved(columns: Columns) -> Specification:
    y = _names("group", columns["group"], most=MAX_GROUP_CHARACTERS)
    bars = _layer(
        {"type": "bar", "color": MARK_COLOUR},
        x=_numbers("run_fraction", "Part of the records", axis=_FRACTION),
        y=y,
    )
    ticks = _layer(
        {"type": "tick", "color": INK_COLOUR, "thickness": 3, "size": 14, "opacity": 1},
        x=_numbers("reference_fraction"),
        y=y,
    )
    return {**_rows_height(columns["group"]), "data": _data(columns), "layer": [bars, ticks]}


def _over_runs(columns: Columns) -> Specification:
    """Draw the third column over the runs, which stand side by side whatever lies between their dates."""
    dates, run_ids, numbers = list(columns.values())[:3]
    number = list(columns)[2]
    runs = [f"{date} {run_id}" for date, run_id in zip(dates, run_ids, strict=True)]
    x = _runs_axis(runs)
    has_zero = number in _FROM_ZERO or len(set(numbers) - {None}) == 1
    axis = {**_FROM_ZERO.get(number, {}), "tickCount": 4}
    y = {**_numbers(number, axis=axis, scale={"zero": has_zero}), "title": None}
    line, points = _line(x=x, y=y, order="order"), _points(x=x, y=y)
    line["mark"] |= {"invalid": "break-paths-filter-domains", "strokeJoin": "round"}
    points["mark"] |= {"invalid": "filter", "size": 30}
    data = _data({"run": runs, number: numbers, "order": range(len(runs))})
    limits = [_rule("limit", columns["warning_psi"][-1])] if "warning_psi" in columns else []
    return {**_SMALL, "data": data, "layer": [*limits, line, points]}


def _runs_axis(runs: Sequence[str]) -> Specification:
    """Return an axis of runs, each a text that begins with its date; the first, middle and last are named."""
    named = list(dict.fromkeys(runs[place] for place in (0, len(runs) // 2, -1)))
    axis = {
        "values": named,
        "labelExpr": f"slice(datum.value, 0, {_DATE_CHARACTERS})",
        "labelAngle": 0,
        "labelOverlap": "greedy",
    }
    return {
        "field": "run",
        "type": "ordinal",
        "title": None,
        "sort": None,
        "scale": {"type": "point"},
        "axis": axis,
    }


def _fractions(*columns: Sequence[float]) -> Specification:
    """Return the scale of an axis from 0 that has room for numbers of [0, 1], and not much more."""
    largest = max(max(column) for column in columns)
    return {"domain": [0, next((ceiling for ceiling in _CEILINGS if largest <= ceiling), 1.0)]}


def _roc(columns: Columns) -> Specification:
    x = _numbers("false_positive_rate", "False positive rate", scale=_UNIT)
    y = _numbers("true_positive_rate", "True positive rate", scale=_UNIT)
    chance = _reference(("false_positive_rate", [0, 1]), ("true_positive_rate", [0, 1]))
    return {"data": _data(columns), "layer": [chance, _line(x=x, y=y, order="true_positive_rate")]}


def _precision_recall(columns: Columns) -> Specification:
    x = _numbers("recall", "Recall", scale=_UNIT)
    y = _numbers("precision", "Precision", scale=_fractions(columns["precision"]))
    base_rate = columns["precision"][-1]
    chance = _reference(("recall", [0, 1]), ("precision", [base_rate, base_rate]))
    curve = _line(x=x, y=y, order="recall", interpolate="step-before")
    return {"data": _data(columns), "layer": [chance, curve]}


def _calibration(columns: Columns) -> Specification:
    data = _data(columns)
    data["values"] = [row for row in data["values"] if None not in row.values()]
    axes = ("mean_score", "observed_fraction")
    scale = _fractions(*([row[name] for row in data["values"]] for name in axes))
    x = _numbers("mean_score", "Mean score", scale=scale)
    y = _numbers("observed_fraction", "Observed fraction", scale=scale)
    exact = _reference(*((name, scale["domain"]) for name in axes))
    return {"data": data, "layer": [exact, _line(x=x, y=y, order="mean_score"), _points(x=x, y=y)]}


def _lift(columns: Columns) -> Specification:
    title = "Tenth of the records, highest scores first"
    bars = _layer(
        {"type": "bar", "color": MARK_COLOUR},
        x={"field": "decile", "type": "ordinal", "title": title, "axis": {"labelAngle": 0}},
        y=_numbers("lift", "Lift (1 is average)"),
    )
    return {"data": _data(columns), "layer": [bars, _rule("lift", 1)]}


def _decile_means(columns: Columns) -> Specification:
    x = _numbers("mean_score", "Mean score", scale={"zero": False})
    y = _numbers("mean_label", "Mean label", scale={"zero": False})
    both = [*columns["mean_score"], *columns["mean_label"]]
    ends = [min(both), max(both)]
    exact = _reference(("mean_score", ends), ("mean_label", ends))
    return {"data": _data(columns), "layer": [exact, _line(x=x, y=y, order="group"), _points(x=x, y=y)]}


_KINDS_BY_PREFIX: dict[str, Callable[[Columns], Specification]] = {
    tables.DRIFT_PREFIX: _moved,
    tables.LAST_RUNS_PREFIX: _over_runs,
}
_KINDS: dict[str, Callable[[Columns], Specification]] = {
    tables.SCORE_DISTRIBUTION: _histogram,
    tables.LARGEST_DISTRIBUTION: functools.partial(_histogram, title="Largest output"),
    tables.NORM_DISTRIBUTION: functools.partial(_histogram, title="Norm"),
    tables.DISTRIBUTION_PAIR: _pair,
    tables.OUTPUTS: _outputs,
    tables.ROC: _roc,
    tables.PRECISION_RECALL: _precision_recall,
    tables.CALIBRATION: _calibration,
    tables.LIFT: _lift,
    tables.DECILE_MEANS: _decile_means,
}
