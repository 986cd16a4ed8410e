"""Draw a chart's table as static SVG that stands inside an HTML page.

Lines and text take the page's text colour (`currentColor`) and marks its custom property `--chart`, so that a
chart follows the page into dark mode and onto paper. The drawing has a title and a description for those who
do not see it, no script, and nothing that is loaded from elsewhere.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from reporting import tables

WIDTH_PIXELS = 380
HEIGHT_PIXELS = 220
MARK_COLOUR = "var(--chart, #1f5fa8)"
INK_COLOUR = "currentColor"

Drawing: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
"""What Altair calls the kinds of chart drawn here."""

_MAX_DRAWN_EXTENT = 1.7e308
"""From the lowest to the highest score; a drawing engine that subtracts them cannot go beyond float64."""

_INNER_ROLE = re.compile(r' (?:role|aria-roledescription|aria-hidden)="[^"<>]*"')
"""Vega's, in its tags; an attribute in a text would have its quotes escaped, and no text can end one."""

_UNIT = alt.Scale(domain=[0, 1])
_VEGA_LITE_VERSION = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def draw(table: tables.ChartTable, *, title: str, description: str) -> Markup:
    """Return the chart of a table as an `<svg>` element.

    Args:
        table: What to draw; its name chooses the kind of chart.
        title: Read out by a screen reader, and shown on hover.
        description: What a person who does not see it should know.
    """
    draws = _drift if table.name.startswith(tables.DRIFT_PREFIX) else _CHARTS[table.name]
    chart = draws(table.frame)
    svg = vl_convert.vegalite_to_svg(_styled(chart).to_dict(validate=False), vl_version=_VEGA_LITE_VERSION)
    return _inline(svg, name=table.name, title=title, description=description)


def _inline(svg: str, *, name: str, title: str, description: str) -> Markup:
    """Give the outermost tag, instead of a size, a role, a title and a description; no other has a role."""
    opening, body = svg.split(">", 1)
    body = _INNER_ROLE.sub("", body)
    box = opening.split('viewBox="', 1)[1].split('"', 1)[0]
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{box}" role="img" '
        'aria-labelledby="{name}-title {name}-description">'
        '<title id="{name}-title">{title}</title><desc id="{name}-description">{description}</desc>'
    ).format(box=box, name=name, title=title, description=description) + Markup(body)  # noqa: S704 - Vega's own markup


def _styled(chart: Drawing) -> Any:
    ink = {
        "labelColor": INK_COLOUR,
        "titleColor": INK_COLOUR,
        "domainColor": INK_COLOUR,
        "tickColor": INK_COLOUR,
    }
    styled: Any = (
        chart.properties(width=WIDTH_PIXELS, height=HEIGHT_PIXELS, background="transparent")
        .configure(aria=False, font="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", padding=4)
        .configure_axis(
            **ink,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
            gridColor=INK_COLOUR,
            gridOpacity=0.12,
            domainOpacity=0.4,
            tickOpacity=0.4,
            tickCount=5,
        )
        .configure_view(stroke=None)
    )
    return styled


def _line(
    base: alt.Chart, *, x: alt.X, y: alt.Y, interpolate: Literal["linear", "step-before"] = "linear"
) -> alt.Chart:
    marked = base.mark_line(color=MARK_COLOUR, strokeWidth=2.25, interpolate=interpolate)
    line: alt.Chart = marked.encode(x=x, y=y, order=alt.Order(f"{base.data.columns[0]}:Q"))
    return line


def _points(base: alt.Chart, *, x: alt.X, y: alt.Y) -> alt.Chart:
    points: alt.Chart = base.mark_circle(color=MARK_COLOUR, size=64, opacity=1).encode(x=x, y=y)
    return points


def _reference(x: tuple[str, list[float]], y: tuple[str, list[float]]) -> alt.Chart:
    """Return a dashed line to compare with; each axis as its field and the values at both ends."""
    line: alt.Chart = (
        alt.Chart(pd.DataFrame(dict([x, y])))
        .mark_line(color=INK_COLOUR, opacity=0.5, strokeDash=[4, 4], strokeWidth=1.25)
        .encode(x=f"{x[0]}:Q", y=f"{y[0]}:Q")
    )
    return line


def _histogram(frame: pd.DataFrame, *, title: str = "Score") -> Drawing:
    bounds = ["score_from", "score_to"]
    if frame["score_to"].iloc[-1] / 2 - frame["score_from"].iloc[0] / 2 > _MAX_DRAWN_EXTENT / 2:
        title, frame = f"Half the {title.lower()}", frame.assign(**{name: frame[name] / 2 for name in bounds})
    bars: alt.Chart = (
        alt.Chart(frame)
        .mark_rect(color=MARK_COLOUR, strokeWidth=0)
        .encode(
            x=alt.X("score_from:Q", title=title, bin="binned", axis=alt.Axis(grid=False)),
            x2="score_to:Q",
            y=alt.Y("record_count:Q", title="Records", axis=alt.Axis(format=",d", tickMinStep=1)),
            y2=alt.datum(0),
        )
    )
    return bars


def _pair(frame: pd.DataFrame) -> Drawing:
    x = alt.X("score_from:Q", title="Score", bin="binned", axis=alt.Axis(grid=False))
    bars = (
        alt.Chart(frame)
        .mark_rect(color=MARK_COLOUR, strokeWidth=0)
        .encode(
            x=x,
            x2="score_to:Q",
            y=alt.Y("fraction:Q", title="Records", axis=alt.Axis(format="%")),
            y2=alt.datum(0),
        )
    )
    edges = [*frame["score_from"], frame["score_to"].iloc[-1]]
    heights = [*frame["other_fraction"], frame["other_fraction"].iloc[-1]]
    outline = (
        alt.Chart(pd.DataFrame({"score_from": edges, "fraction": heights}))
        .mark_line(color=INK_COLOUR, strokeWidth=2, interpolate="step-after")
        .encode(x=x, y="fraction:Q", order=alt.Order("score_from:Q"))
    )
    return alt.layer(bars, outline)


def _outputs(frame: pd.DataFrame) -> Drawing:
    # The drawing engine does not know how wide the page's font is.
    label_pixels = min(180, 8 * int(frame["output"].str.len().max()))
    bars: alt.Chart = (
        alt.Chart(frame)
        .mark_bar(color=MARK_COLOUR)
        .encode(
            x=alt.X("record_count:Q", title="Records", axis=alt.Axis(format=",d", tickMinStep=1)),
            y=alt.Y("output:N", title=None, sort=None, axis=alt.Axis(minExtent=label_pixels)),
        )
    )
    return bars


def _drift(frame: pd.DataFrame) -> Drawing:
    label_pixels = min(200, 16 + 8 * int(frame["group"].str.len().max()))
    shown = frame.assign(group=frame["group"].str.slice(0, 24))
    y = alt.Y("group:N", title=None, sort=None, axis=alt.Axis(minExtent=label_pixels))
    bars = (
        alt.Chart(shown)
        .mark_bar(color=MARK_COLOUR)
        .encode(x=alt.X("run_fraction:Q", title="Part of the records", axis=alt.Axis(format="%")), y=y)
    )
    ticks = (
        alt.Chart(shown)
        .mark_tick(color=INK_COLOUR, thickness=3, size=14, opacity=1)
        .encode(x="reference_fraction:Q", y=y)
    )
    return alt.layer(bars, ticks)


def _roc(frame: pd.DataFrame) -> Drawing:
    x = alt.X("false_positive_rate:Q", title="False positive rate", scale=_UNIT)
    y = alt.Y("true_positive_rate:Q", title="True positive rate", scale=_UNIT)
    chance = _reference(("false_positive_rate", [0, 1]), ("true_positive_rate", [0, 1]))
    return alt.layer(chance, _line(alt.Chart(frame[["true_positive_rate", "false_positive_rate"]]), x=x, y=y))


def _precision_recall(frame: pd.DataFrame) -> Drawing:
    x = alt.X("recall:Q", title="Recall", scale=_UNIT)
    y = alt.Y("precision:Q", title="Precision", scale=_UNIT)
    base_rate = float(frame["precision"].iloc[-1])
    chance = _reference(("recall", [0, 1]), ("precision", [base_rate, base_rate]))
    return alt.layer(chance, _line(alt.Chart(frame), x=x, y=y, interpolate="step-before"))


def _calibration(frame: pd.DataFrame) -> Drawing:
    x = alt.X("mean_score:Q", title="Mean score", scale=_UNIT)
    y = alt.Y("observed_fraction:Q", title="Observed fraction", scale=_UNIT)
    base = alt.Chart(frame.dropna())
    exact = _reference(("mean_score", [0, 1]), ("observed_fraction", [0, 1]))
    return alt.layer(exact, _line(base, x=x, y=y), _points(base, x=x, y=y))


def _lift(frame: pd.DataFrame) -> Drawing:
    x = alt.X("decile:O", title="Tenth of the records, highest scores first", axis=alt.Axis(labelAngle=0))
    bars = (
        alt.Chart(frame)
        .mark_bar(color=MARK_COLOUR)
        .encode(x=x, y=alt.Y("lift:Q", title="Lift (1 is average)"))
    )
    average = (
        alt.Chart(pd.DataFrame({"lift": [1]}))
        .mark_rule(color=INK_COLOUR, opacity=0.6, strokeDash=[4, 4])
        .encode(y="lift:Q")
    )
    return alt.layer(bars, average)


def _decile_means(frame: pd.DataFrame) -> Drawing:
    x = alt.X("mean_score:Q", title="Mean score", scale=alt.Scale(zero=False))
    y = alt.Y("mean_label:Q", title="Mean label", scale=alt.Scale(zero=False))
    both = frame[["mean_score", "mean_label"]].to_numpy()
    ends = [float(both.min()), float(both.max())]
    base = alt.Chart(frame)
    exact = _reference(("mean_score", ends), ("mean_label", ends))
    return alt.layer(exact, _line(base, x=x, y=y), _points(base, x=x, y=y))


_CHARTS: dict[str, Callable[[pd.DataFrame], Drawing]] = {
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
