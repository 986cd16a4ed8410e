"""Find where the records of a piece of CSV begin and end, and which of them are broken.

Goes in: bytes that begin at the first byte of a record, outside quotes, in an encoding that extends ASCII.
Comes out: record boundaries,
positions of line feeds, and a fault for each record whose structure is broken. No field is parsed here.

Rules, as RFC 4180 has them, and what is done where it leaves a choice:

* Lines end with LF or CR LF. A lone CR outside quotes makes its record malformed.
* A quote opens a quoted field at the first byte of the field only; elsewhere it is an ordinary character.
* Text after a closing quote makes the record malformed.
* A quote that is not closed within twice the largest record allowed, or whose closing quote on a later line
  is followed by text, is taken as unclosed: the record is malformed and ends with the line on which that
  quote opened, so that one forgotten quote costs one record and not all that follow. Twice, so that a quoted
  record which is too large is held back whole, instead of its lines being taken for records.
* A blank line is no record.

The work is done by the native extension, or by numpy where that was not built. There it is vectorised: a
quote is regular if what stands before it (opening) or after it (closing) allows it; between irregular quotes,
a line feed ends a record if an even number of quotes stands before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from preprocessing import csv_engine
from preprocessing.csv_careful import (
    LONE_RETURN,
    LOOKAHEAD_BYTES,
    TEXT_AFTER_QUOTE,
    UNCLOSED_QUOTE,
    careful_record,
)
from preprocessing.records import StructureFault, malformed, too_large

QUOTE, LINE_FEED, CARRIAGE_RETURN = b'"\n\r'
_NATIVE_MESSAGES = {1: UNCLOSED_QUOTE, 2: TEXT_AFTER_QUOTE, 3: LONE_RETURN}


@dataclass(frozen=True, kw_only=True)
class RecordScan:
    """The records found in one piece of CSV.

    Attributes:
        starts: Position of each record's first byte, int64.
        ends: Position after each record's last byte, its line end included.
        line_feeds: Positions of all line feeds in the consumed bytes, quoted ones too.
        faults: What is wrong, by index of the record.
        consumed_byte_count: Bytes up to the end of the last complete record or blank line.
    """

    starts: np.ndarray
    ends: np.ndarray
    line_feeds: np.ndarray
    faults: dict[int, StructureFault]
    consumed_byte_count: int


def scan_records(
    content: bytes, *, is_last: bool, max_record_bytes: int, delimiter: bytes = b","
) -> RecordScan:
    """Find the complete records of `content`.

    Args:
        content: Begins at the first byte of a record.
        is_last: The source ends here, so the last record needs no line end.
        max_record_bytes: A longer record is faulty.
        delimiter: The byte between fields.
    """
    scan = scan_natively if csv_engine.is_native() else scan_with_library
    return scan(content, is_last=is_last, max_record_bytes=max_record_bytes, delimiter=delimiter)


def scan_natively(content: bytes, *, is_last: bool, max_record_bytes: int, delimiter: bytes) -> RecordScan:
    """As `scan_records`, record after record in the extension."""
    *positions, found, consumed = csv_engine.native_csv.scan(content, is_last, max_record_bytes, delimiter[0])
    starts, ends, line_feeds = (np.frombuffer(values, dtype=np.int64) for values in positions)
    faults = {
        index: malformed(_NATIVE_MESSAGES[kind])
        if kind in _NATIVE_MESSAGES
        else too_large(int(ends[index] - starts[index]), max_record_bytes)
        for index, kind in found
    }
    return RecordScan(
        starts=starts, ends=ends, line_feeds=line_feeds, faults=faults, consumed_byte_count=consumed
    )


def scan_with_library(
    content: bytes, *, is_last: bool, max_record_bytes: int, delimiter: bytes
) -> RecordScan:
    """As `scan_records`, with numpy: vectorised where quotes are regular."""
    values = np.frombuffer(content, dtype=np.uint8)
    line_feeds = np.flatnonzero(values == LINE_FEED)
    messages: dict[int, str] = {}
    if QUOTE in content:
        reach = reach_bytes(max_record_bytes)
        ends = _QuotedScan(content, values, line_feeds, is_last, reach, delimiter).ends(messages)
    else:
        ends = line_feeds + 1
    has_open_end = is_last and len(content) > (int(ends[-1]) if len(ends) else 0)
    if has_open_end:
        ends = np.append(ends, len(content))
    starts = np.concatenate(([0], ends[:-1])).astype(np.int64)[: len(ends)]
    faults = {index: malformed(message) for index, message in messages.items()}
    _add_lone_returns(content, values, starts, ends, delimiter, faults)
    _add_too_large(starts, ends, max_record_bytes, faults)
    consumed = int(ends[-1]) if len(ends) else 0
    return _without_blank_lines(values, starts, ends, line_feeds, faults, consumed)


def reach_bytes(max_record_bytes: int) -> int:
    """Return how far from a record's start a quote may be closed."""
    return 2 * max_record_bytes


def decisive_byte_count(max_record_bytes: int) -> int:
    """Return how many bytes tell where a record ends, except for the next line feed after them."""
    return reach_bytes(max_record_bytes) + LOOKAHEAD_BYTES


def _add_too_large(
    starts: np.ndarray, ends: np.ndarray, max_record_bytes: int, faults: dict[int, StructureFault]
) -> None:
    for index in np.flatnonzero(ends - starts > max_record_bytes):
        faults[int(index)] = too_large(int(ends[index] - starts[index]), max_record_bytes)


def _add_lone_returns(
    content: bytes,
    values: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    delimiter: bytes,
    faults: dict[int, StructureFault],
) -> None:
    """Mark the records that have a CR outside quotes which does not belong to a CR LF."""
    if CARRIAGE_RETURN not in content or not len(ends):
        return
    returns = np.flatnonzero(values[: ends[-1]] == CARRIAGE_RETURN)
    returns = returns[returns + 1 < len(values)]
    lone = returns[values[returns + 1] != LINE_FEED]
    for index in np.unique(np.searchsorted(ends, lone, side="right")):
        start, end = int(starts[index]), int(ends[index])
        _, message = careful_record(
            content[start:end], 0, is_last=True, reach_bytes=end - start, delimiter=delimiter
        )
        if message and int(index) not in faults:
            faults[int(index)] = malformed(message)


def _without_blank_lines(
    values: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    line_feeds: np.ndarray,
    faults: dict[int, StructureFault],
    consumed: int,
) -> RecordScan:
    short = np.flatnonzero(ends - starts <= 2)
    first = values[starts[short]]
    last = values[ends[short] - 1]
    is_line_end = ((first == LINE_FEED) | (first == CARRIAGE_RETURN)) & (
        (last == LINE_FEED) | (last == CARRIAGE_RETURN)
    )
    blank = short[is_line_end]
    if len(blank):
        blanks = set(blank.tolist()) if faults else set()
        faults = {
            index - int(np.searchsorted(blank, index)): fault
            for index, fault in faults.items()
            if index not in blanks
        }
        starts, ends = np.delete(starts, blank), np.delete(ends, blank)
    return RecordScan(
        starts=starts, ends=ends, line_feeds=line_feeds, faults=faults, consumed_byte_count=consumed
    )


class _QuotedScan:
    """Record ends of a piece that has quotes: vectorised where quotes are regular, by hand where not."""

    def __init__(
        self,
        content: bytes,
        values: np.ndarray,
        line_feeds: np.ndarray,
        is_last: bool,
        reach_bytes: int,
        delimiter: bytes,
    ) -> None:
        self._content = content
        self._line_feeds = line_feeds
        self._is_last = is_last
        self._reach_bytes = reach_bytes
        self._delimiter = delimiter
        self._quotes = np.flatnonzero(values == QUOTE)
        self._quotes_before = np.searchsorted(self._quotes, line_feeds)
        self._irregular = _irregular_quotes(values, self._quotes, delimiter[0])

    def ends(self, messages: dict[int, str]) -> np.ndarray:
        """Return the ends of the complete records, and note malformed ones by index in `messages`."""
        pieces: list[np.ndarray] = []
        found, position = 0, 0
        while True:
            quote_index = int(np.searchsorted(self._quotes, position))
            irregular_at = self._next_irregular(quote_index)
            regular = self._regular_ends(position, quote_index, irregular_at)
            over_reach = self._first_over_reach(position, regular)
            regular = regular[:over_reach]
            pieces.append(regular)
            found += len(regular)
            position = int(regular[-1]) if len(regular) else position
            is_settled = irregular_at is None and over_reach is None
            if is_settled and not self._needs_care(position, quote_index):
                return np.concatenate(pieces)
            end, message = careful_record(
                self._content,
                position,
                is_last=self._is_last,
                reach_bytes=self._reach_bytes,
                delimiter=self._delimiter,
            )
            if end is None:
                return np.concatenate(pieces)
            if message:
                messages[found] = message
            pieces.append(np.array([end]))
            found, position = found + 1, end

    def _next_irregular(self, quote_index: int) -> int | None:
        """Return the position of the next irregular quote, if the quote of that index opens a field."""
        candidates = self._irregular[quote_index & 1]
        index = int(np.searchsorted(candidates, quote_index))
        return int(self._quotes[candidates[index]]) if index < len(candidates) else None

    def _regular_ends(self, position: int, quote_index: int, irregular_at: int | None) -> np.ndarray:
        first = int(np.searchsorted(self._line_feeds, position))
        last = len(self._line_feeds)
        if irregular_at is not None:
            last = int(np.searchsorted(self._line_feeds, irregular_at))
        is_outside = ((self._quotes_before[first:last] - quote_index) & 1) == 0
        return np.asarray(self._line_feeds[first:last][is_outside] + 1)

    def _first_over_reach(self, position: int, ends: np.ndarray) -> int | None:
        """Return the index of the first record in which a quote may be open for too long."""
        lengths = np.diff(ends, prepend=position)
        if not len(lengths) or lengths.max() <= self._reach_bytes:
            return None
        return int(np.argmax(lengths > self._reach_bytes))

    def _needs_care(self, position: int, quote_index: int) -> bool:
        """Whether what follows the last complete record has a quote that is open for too long."""
        rest_byte_count = len(self._content) - position
        if not self._is_last:
            return rest_byte_count >= self._reach_bytes + LOOKAHEAD_BYTES
        is_open = (len(self._quotes) - quote_index) % 2 == 1
        return is_open or rest_byte_count > self._reach_bytes


def _irregular_quotes(
    values: np.ndarray, quotes: np.ndarray, delimiter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of irregular quotes, if even-numbered quotes open and if odd-numbered ones do."""
    last = len(values) - 1
    before = np.where(quotes > 0, values[np.maximum(quotes - 1, 0)], LINE_FEED)
    after, second = (
        np.where(quotes + ahead <= last, values[np.minimum(quotes + ahead, last)], QUOTE) for ahead in (1, 2)
    )
    may_open = (before == delimiter) | (before == LINE_FEED) | (before == QUOTE)
    is_line_end = (after == LINE_FEED) | (
        (after == CARRIAGE_RETURN) & ((second == LINE_FEED) | (second == QUOTE))
    )
    may_close = (after == delimiter) | (after == QUOTE) | is_line_end
    is_even = (np.arange(len(quotes)) & 1) == 0
    if_even_open = np.flatnonzero(np.where(is_even, ~may_open, ~may_close))
    if_odd_open = np.flatnonzero(np.where(is_even, ~may_close, ~may_open))
    return if_even_open, if_odd_open
