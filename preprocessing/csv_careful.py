"""Read one CSV record byte by byte: the way taken where quotes are irregular, or a record is very long.

The rules are those of `csv_scan`, which calls this for single records only. What it says of a record does not
depend on how many bytes after the record are at hand: while they could matter, it asks for more.
"""

from __future__ import annotations

LOOKAHEAD_BYTES = 2
"""Bytes after a quote that decide whether it closes a field: the second of a CR LF is the last one."""

UNCLOSED_QUOTE = "a quote is opened and not closed"
TEXT_AFTER_QUOTE = "text follows a closing quote"
LONE_RETURN = "a carriage return stands outside quotes and does not end the line"


def careful_record(
    content: bytes, start: int, *, is_last: bool, reach_bytes: int, delimiter: bytes
) -> tuple[int | None, str | None]:
    """Read the record that begins at `start`.

    Args:
        content: The bytes at hand.
        start: Position of the record's first byte.
        is_last: The source ends with `content`.
        reach_bytes: A quote that is not closed within so many bytes of the record's start is unclosed.
        delimiter: The byte between fields.

    Returns:
        The record's end, or None if more bytes are needed to know it; and what is wrong with it, or None.
        With `reach_bytes` and LOOKAHEAD_BYTES at hand, None means that the record ends with the next line
        feed, which is not at hand.
    """
    position, fault, bound = start, None, start + reach_bytes
    while True:
        if content[position : position + 1] == b'"':
            closed = _closing_quote(content, position, bound)
            needed = bound if closed is None else closed + 1 + LOOKAHEAD_BYTES
            if len(content) < needed and not is_last:
                return None, None
            if _is_unclosed(content, position, closed, delimiter):
                return _line_end(content, position, is_last), UNCLOSED_QUOTE
            position = (closed or position) + 1
            fault = fault or _fault_after_quote(content, position, delimiter)
        end = _line_end(content, position, is_last)
        if end is None:
            return None, None
        line_end = end - 1 if content[end - 1 : end] == b"\n" else end
        found = content.find(delimiter, position, line_end)
        if _has_lone_return(content, position, found if found >= 0 else line_end):
            fault = fault or LONE_RETURN
        if found < 0:
            return end, fault
        position = found + 1


def _fault_after_quote(content: bytes, position: int, delimiter: bytes) -> str | None:
    return None if _may_follow(content, position, delimiter) else TEXT_AFTER_QUOTE


def _is_unclosed(content: bytes, opened: int, closed: int | None, delimiter: bytes) -> bool:
    """Whether what closes a quoted field is no closing quote, or only one by accident some lines below."""
    if closed is None:
        return True
    return not _may_follow(content, closed + 1, delimiter) and content.find(b"\n", opened, closed) >= 0


def _closing_quote(content: bytes, opened: int, bound: int) -> int | None:
    """Return the position of the quote that closes the field opened at `opened`, or None."""
    position = opened + 1
    while True:
        found = content.find(b'"', position, bound)
        if found < 0:
            return None
        if content[found + 1 : found + 2] != b'"':
            return found
        position = found + 2


def _may_follow(content: bytes, position: int, delimiter: bytes) -> bool:
    """Whether a quoted field may end just before `position`."""
    following = content[position : position + 2]
    return following[:1] in (b"", delimiter, b"\n") or following in (b"\r\n", b"\r")


def _line_end(content: bytes, position: int, is_last: bool) -> int | None:
    """Return the position after the line of `position`, or None if it is not at hand."""
    found = content.find(b"\n", position)
    if found < 0:
        return len(content) if is_last else None
    return found + 1


def _has_lone_return(content: bytes, start: int, end: int) -> bool:
    found = content.find(b"\r", start, end)
    while found >= 0:
        if content[found + 1 : found + 2] not in (b"\n", b""):
            return True
        found = content.find(b"\r", found + 1, end)
    return False
