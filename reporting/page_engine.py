"""The engine of all pages: it escapes every text, and knows how numbers are written for people."""

from __future__ import annotations

import functools
import re

import jinja2
from markupsafe import Markup


@functools.cache
def page_environment() -> jinja2.Environment:
    """Return the engine of all pages: it escapes every text, and a fact that is missing is an error.

    There is one, so that a template that was compiled before it is needed stays so.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _count,
        "bytes": _bytes,
        "seconds": spoken_seconds,
        "percent": _percent,
        "usd": _usd,
        "fraction": _fraction,
        "breakable": _breakable,
    }
    return environment


def _breakable(name: str) -> Markup:
    """Return a name that may be broken before its capitals and after its underscores."""
    return Markup("<wbr>").join(re.split(r"(?<=[a-z0-9])(?=[A-Z])|(?<=_)", name))


def _count(number: int) -> str:
    return f"{number:,}"


def _bytes(number: int) -> str:
    size, unit = float(number), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{number:,} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def spoken_seconds(number: float) -> str:
    """Return a time for people: seconds below a minute, else the two largest units."""
    if number < 60:
        return f"{number:.2f} s"
    minutes, seconds = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _fraction(number: float | None) -> str:
    return "–" if number is None else f"{number:.4g}"


def _usd(amount: float | None) -> str:
    if amount is None:
        return "–"
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.2g}"


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.2%}" if whole else "–"
