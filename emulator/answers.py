"""What a model container answered to one payload, and whether it can be one answer for each record.

Batch Transform is not documented to look at an answer with status 200. Here an answer that cannot be right
fails its object, so that nothing wrong is scored in silence.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import BatchScoreError, bounded
from contracts.wire import CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE

_EXCERPT_CHARS = 300
_LINE_TYPES = (CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE)
_HTML_TYPE = "text/html"
_HTML_STARTS = (b"<!doctype html", b"<html")


class InvocationError(BatchScoreError):
    """A payload got no usable answer: its object fails."""

    exit_code = 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, as far as it came.

    Attributes:
        status: Of the answer; None if not even that came.
        media_type: What it says it is, without parameters; may be empty.
        body: What came of it.
        fault: Why it is not whole; empty if it is.
    """

    status: int | None
    media_type: str = ""
    body: bytes = b""
    fault: str = ""

    @property
    def may_change(self) -> bool:
        """Whether the same payload may get another answer."""
        return bool(self.fault) or self.status is None or self.status >= 500

    def described(self, fault: str) -> str:
        """Return a fault with the status and the first bytes."""
        if self.status is None:
            return f"no answer: {fault}"
        return f"status {self.status}: {fault}; the answer begins: {excerpt(self.body)}"


def fault_of(answer: Answer, *, accept: str | None, is_empty_payload: bool, record_count: int | None) -> str:
    """Say why an answer is of no use, with its status and first bytes; empty if nothing speaks against it.

    Args:
        answer: As it came.
        accept: Media type that was asked for, or None.
        is_empty_payload: Whether the payload had no bytes, and the answer may have none.
        record_count: Records in the payload if each is a line, else None.
    """
    if answer.fault:
        return answer.described(answer.fault)
    if answer.status not in (200, 204):
        return f"status {answer.status}: {excerpt(answer.body)}"
    if _is_html(answer) and accept != _HTML_TYPE:
        return answer.described("the container answered a page of HTML")
    if not answer.body and not is_empty_payload:
        return answer.described("the container answered nothing to a payload that is not empty")
    if record_count is not None and (accept or answer.media_type) in _LINE_TYPES:
        line_count = lines_in(answer.body)
        if line_count != record_count:
            return answer.described(
                f"the container answered {line_count} predictions for {record_count} records; "
                "expected one for each, in order"
            )
    return ""


def lines_in(body: bytes) -> int:
    """Return how many lines there are; the last one need not be ended."""
    return body.count(b"\n") + bool(body and not body.endswith(b"\n"))


def excerpt(body: bytes) -> str:
    """Return the first bytes of an answer as text."""
    return bounded(body.decode("utf-8", "replace").strip() or "(empty body)", _EXCERPT_CHARS)


def _is_html(answer: Answer) -> bool:
    return answer.media_type == _HTML_TYPE or answer.body.lstrip()[:14].lower().startswith(_HTML_STARTS)
