"""Draw a chart's table as static SVG that stands inside an HTML page.

Lines and text take the page's text colour (`currentColor`) and marks its custom property `--chart`, so that a
chart follows the page into dark mode and onto paper. The drawing has a title and a description for those who
do not see it, no script, and nothing that is loaded from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from markupsafe import Markup

from reporting.chart_kinds import INK_COLOUR, specification
from reporting.drawing_engine import Render, Specification, render
from reporting.tables import ChartTable

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.3.json"
"""Of the engine's version; a name, which nothing loads."""

WIDTH_PIXELS = 380
HEIGHT_PIXELS = 220

_INNER_ROLE = re.compile(r' (?:role|aria-roledescription|aria-hidden)="[^"<>]*"')
"""Vega's, in its tags; an attribute in a text would have its quotes escaped, and no text can end one."""

_LOOKS: Specification = {
    "aria": False,
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "padding": 4,
    "axis": {
        "labelColor": INK_COLOUR,
        "titleColor": INK_COLOUR,
        "domainColor": INK_COLOUR,
        "tickColor": INK_COLOUR,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": INK_COLOUR,
        "gridOpacity": 0.12,
        "domainOpacity": 0.4,
        "tickOpacity": 0.4,
        "tickCount": 5,
    },
    "view": {"stroke": None},
}
"""The configuration of every chart."""


def draw(table: ChartTable, *, title: str, description: str, render: Render = render) -> Markup:
    """Return the chart of a table as an `<svg>` element.

    Args:
        table: What to draw; its name chooses the kind of chart.
        title: Read out by a screen reader, and shown on hover.
        description: What a person who does not see it should know.
        render: The drawing engine.
    """
    svg = render(_whole(specification(table)))
    return _inline(svg, name=table.name, title=title, description=description)


def drawn_ahead(tables: Iterable[ChartTable], render: Render) -> Render:
    """Draw the charts of some tables now.

    Returns:
        An engine that has their drawings, and asks `render` for any other.
    """
    wholes = [_whole(specification(table)) for table in tables]
    drawn = {json.dumps(whole): render(whole) for whole in wholes}
    return lambda whole: drawn.get(json.dumps(whole)) or render(whole)


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


def _whole(drawn: Specification) -> Specification:
    """Return a specification with the size and the looks of every chart."""
    return {
        "$schema": SCHEMA,
        "width": WIDTH_PIXELS,
        "height": HEIGHT_PIXELS,
        "background": "transparent",
        "config": _LOOKS,
        **drawn,
    }
