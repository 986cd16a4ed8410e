r"""Show bytes from a source to people: as one line of text in which nothing is hidden.

Control characters, line breaks, invisible and direction-changing characters, and bytes that are no text in
the encoding are written as escapes (`\n`, `\x1b`, `\u202e`, `\xff`), so that a record can neither steer a
terminal nor look like what it is not. Markup is left as it is: making it inert is the page's or the console's
business.
"""

from __future__ import annotations

SHOWN_RAW_CHARS = 240
"""Characters shown of a record; the whole record is in the quarantine file."""


def visible_text(raw: bytes | str, max_chars: int = SHOWN_RAW_CHARS, *, encoding: str = "utf-8") -> str:
    """Return the first `max_chars` characters, and `…` if there are more."""
    text = raw if isinstance(raw, str) else raw.decode(encoding, errors="backslashreplace")
    shown = text[:max_chars]
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else _escaped(char) for char in shown)
    return shown if len(text) <= max_chars else shown + " …"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
