"""The engine draws what a specification holds, and is there only once it is used."""

from __future__ import annotations

from typing import Any

import pytest

from reporting.drawing_engine import render, warm_up

pytestmark = pytest.mark.functional

BARS: dict[str, Any] = {
    "data": {"values": [{"name": "a\n\u2028ü", "count": 1}, {"name": "b", "count": 2}]},
    "mark": "bar",
    "encoding": {"x": {"field": "count", "type": "quantitative"}, "y": {"field": "name", "type": "nominal"}},
}


def test_a_chart_is_the_same_whenever_it_is_drawn() -> None:
    """A golden page depends on it."""
    warm_up()
    assert render(BARS) == render(BARS)
    assert "<svg" in render(BARS)
    assert "ü" in render(BARS)


def test_what_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(ValueError, match="Vega-Lite to SVG conversion failed"):
        render({"mark": "no such mark"})


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/data.json", "/etc/passwd"])
def test_nothing_is_fetched_for_a_chart(address: str) -> None:
    """Data of a report lie in its specifications; an address in one is not asked for."""
    with pytest.raises(PermissionError, match="VLC_ACCESS_DENIED"):
        render({**BARS, "data": {"url": address}})
