"""Render a quarantine's digest as one self-contained HTML page: no script, nothing loaded from elsewhere.

Every text that comes from the data is escaped by the template engine and shortened, so that the page stays
below MAX_PAGE_BYTES whatever the data holds; the quarantine file has everything. Numbers stand in
`<data value=…>`, so that a program can read them.
"""

from __future__ import annotations

import functools

import jinja2

from contracts.quarantine import REASON_MEANINGS
from contracts.visible_text import visible_text
from preprocessing.quarantine_digest import EXAMPLES_PER_REASON, QuarantineDigest

MAX_PAGE_BYTES = 200_000
MAX_LISTED_SOURCES = 20
MAX_LISTED_KINDS = 100
"""Pairs of reason and field listed on the page; the CSV digest has them all."""

_MAX_NAME_CHARS = 120
_MAX_MESSAGE_CHARS = 400


def render_page(digest: QuarantineDigest, host: str) -> bytes:
    """Return the page of one preparing instance, with fewer examples if it would be too long."""
    template = page_template()
    for example_count in range(EXAMPLES_PER_REASON, -1, -1):
        page = template.render(host=host, total=digest.record_count, **_content(digest, example_count))
        content = page.encode()
        if len(content) < MAX_PAGE_BYTES:
            break
    return content


@functools.cache
def page_template() -> jinja2.Template:
    """Return the compiled template of the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("preprocessing"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "name": _name, "message": _message, "share": _share}
    return environment.get_template("quarantine.html")


def _content(digest: QuarantineDigest, example_count: int) -> dict[str, object]:
    meanings = {code.value: meaning for code, meaning in REASON_MEANINGS.items()}
    kinds = sorted(digest.kinds.items(), key=lambda entry: (-entry[1].record_count, entry[0]))
    sources = sorted(digest.source_counts.items(), key=lambda entry: (-entry[1], entry[0]))
    reasons = sorted(digest.reason_counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return {
        "kinds": [
            (reason, meanings.get(reason, ""), field, kind.record_count)
            for (reason, field), kind in kinds[:MAX_LISTED_KINDS]
        ],
        "kind_count": len(kinds),
        "sources": sources[:MAX_LISTED_SOURCES],
        "source_count": len(sources),
        "reasons": [
            (reason, meanings.get(reason, ""), count, digest.examples[reason][:example_count])
            for reason, count in reasons
        ],
    }


def _count(number: int) -> str:
    return f"{number:,}"


def _name(text: str) -> str:
    return visible_text(text, _MAX_NAME_CHARS)


def _message(text: str) -> str:
    return visible_text(text, _MAX_MESSAGE_CHARS)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}"
