"""The engine that draws charts.

It has threads of its own from the moment it is imported, and lets others work while it draws. A fork would
take none of its threads along, so it is imported when it is first used, not when this module is (ADR 27).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

VEGA_LITE_VERSION = "6.4"
"""One of those that the engine brings."""

Specification: TypeAlias = dict[str, Any]
"""In the words of Vega-Lite."""

Render: TypeAlias = Callable[[Specification], str]
"""Returns the SVG of a specification."""

_POINT: Specification = {"data": {"values": []}, "mark": "point"}


def render(specification: Specification) -> str:
    """Return the SVG of a specification.

    Raises:
        ValueError: It cannot be drawn; the engine says why.
        PermissionError: Its data are elsewhere.
    """
    return str(_engine().vegalite_to_svg(specification, vl_version=VEGA_LITE_VERSION))


def warm_up() -> None:
    """Start the engine, so that the first chart need not wait for it."""
    render(_POINT)


@functools.cache
def _engine() -> Any:
    """Return the engine, which fetches nothing from anywhere: what is drawn is in the specification."""
    import vl_convert  # noqa: PLC0415 - see the module docstring

    vl_convert.configure(base_url=False, allowed_base_urls=[])
    return vl_convert
