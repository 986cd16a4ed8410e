"""The text encoding of a CSV source: how its bytes are scanned, parsed, and had back for the quarantine.

Goes in: the stream of a source object and the encoding that the contract declares. Comes out: the bytes to
scan, in which a delimiter, a quote and a line feed are one ASCII byte each, and a `TextEncoding` that says
how they are parsed as UTF-8 and what the source's own bytes were.

* UTF-8 and single-byte encodings that extend ASCII are scanned as they stand; a single-byte one is turned
  into UTF-8 block by block, when it is parsed.
* UTF-16 is turned into UTF-8 before it is scanned. A surrogate without its other half, which no UTF-8 can
  hold, becomes three bytes that are not UTF-8: its record is found with those that are wrongly encoded, and
  its bytes can be had back.

A byte order mark is a declaration: it decides, whatever the contract says.
"""

from __future__ import annotations

import codecs
import functools
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from contracts.contract_dialect import UTF8_NAMES, UTF16_NAMES
from contracts.errors import CallerError
from preprocessing import csv_engine

UTF8_MARK = codecs.BOM_UTF8
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MARKS = {UTF8_MARK: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_HEAD_BYTES = 4

Content = bytes | memoryview
ReadOn = Callable[[bytes], bytes]


@dataclass(frozen=True, kw_only=True)
class TextEncoding:
    """UTF-8: scanned, parsed and kept as it stands.

    Attributes:
        name: As Python knows it; `utf-8-sig` if the source begins with a byte order mark.
        unit_bytes: Bytes of a line feed in the source.
        has_byte_offsets: Whether positions in what is scanned are positions in the source.
        growth: So many bytes of UTF-8, at most, come from one scanned byte.
    """

    name: str = "utf-8"
    unit_bytes: int = 1
    has_byte_offsets: bool = True
    growth: int = 1

    def fault(self, content: Content) -> str | None:
        """Return what is wrong with the first wrongly encoded byte, or None."""
        try:
            str(content, "utf-8")
        except UnicodeDecodeError as error:
            return f"is not UTF-8: byte 0x{content[error.start]:02x} ({error.reason})"
        return None

    def utf8(self, content: Content) -> Content:
        """Return sound scanned bytes as UTF-8."""
        return content

    def raw(self, content: bytes) -> bytes:
        """Return the source's own bytes of what was scanned; an unfinished last character is left out."""
        return content

    def raw_byte_count(self, content: bytes) -> int:
        """Return how long scanned bytes were in the source; the counts of two pieces add up."""
        return len(content)


class SingleByteEncoding(TextEncoding):
    """An encoding of one byte a character that extends ASCII: scanned and kept as it stands."""

    def fault(self, content: Content) -> str | None:
        """As in TextEncoding."""
        wrong = bytes(content).translate(None, delete=_decodable_bytes(self.name))
        return f"is not {self.name}: byte 0x{wrong[0]:02x} stands for no character" if wrong else None

    def utf8(self, content: Content) -> Content:
        """As in TextEncoding."""
        return content if bytes(content).isascii() else str(content, self.name).encode()


class Utf16Encoding(TextEncoding):
    """UTF-16 in one of its two byte orders, scanned as UTF-8."""

    def fault(self, content: Content) -> str | None:
        """As in TextEncoding."""
        try:
            str(content, "utf-8")
        except UnicodeDecodeError as error:
            text = bytes(content[error.start : error.start + 3]).decode("utf-8", "surrogatepass")
            return f"is not UTF-16: 0x{ord(text):04x} is half of a character"
        return None

    def raw(self, content: bytes) -> bytes:
        """As in TextEncoding."""
        whole = _without_unfinished_character(content)
        return whole.decode("utf-8", "surrogatepass").encode(self.name, "surrogatepass")

    def raw_byte_count(self, content: bytes) -> int:
        """As in TextEncoding: a character of four bytes in UTF-8 is two units in UTF-16, every other one."""
        values = np.frombuffer(content, dtype=np.uint8)
        unit_count = np.count_nonzero((values & 0xC0) != 0x80) + np.count_nonzero(values >= 0xF0)
        return self.unit_bytes * int(unit_count)


@dataclass(frozen=True, kw_only=True)
class OpenedText:
    """A source whose encoding is known.

    Attributes:
        encoding: Of its text.
        mark_byte_count: Length of its byte order mark, which is not among the reads.
        read_on: Returns the bytes it is given and the next read behind them; at the end, no more than those.
    """

    encoding: TextEncoding
    mark_byte_count: int
    read_on: ReadOn


def open_text(stream: BinaryIO, declared: str, source_key: str, block_bytes: int) -> OpenedText:
    """Find out how a source is encoded.

    Args:
        stream: At its first byte.
        declared: Encoding that the contract declares.
        source_key: For messages.
        block_bytes: Read at once.

    Raises:
        CallerError: It is UTF-32. Reading on raises one where UTF-16 ends inside a character.
    """
    head = b""
    while len(head) < _HEAD_BYTES and (following := stream.read(block_bytes)):
        head += following
    if head.startswith(_UTF32_MARKS):
        raise CallerError(f"{source_key}: is UTF-32, which cannot be read; convert it to UTF-8")
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    name = _MARKS[mark] if mark else _without_mark(declared, head)
    first = head[len(mark) :]
    if name in UTF16_NAMES:
        reads = _utf16_as_utf8(_reads(first, stream, block_bytes), name, source_key, len(mark))
        read_on = _joining(reads)
    else:
        read_on = _reading_on(first, stream, block_bytes)
    return OpenedText(encoding=_text_encoding(name), mark_byte_count=len(mark), read_on=read_on)


def _text_encoding(name: str) -> TextEncoding:
    if name in UTF8_NAMES:
        return TextEncoding(name=name)
    if name in UTF16_NAMES:
        return Utf16Encoding(name=name, unit_bytes=2, has_byte_offsets=False)
    return SingleByteEncoding(name=name, growth=3)


def _without_mark(declared: str, head: bytes) -> str:
    """Return the encoding of a source without mark: which byte is zero tells the order of UTF-16."""
    if declared != "utf-16":
        return declared.removesuffix("-sig")
    return "utf-16-be" if head[:1] == b"\0" else "utf-16-le"


def _reading_on(first: bytes, stream: BinaryIO, block_bytes: int) -> ReadOn:
    """Return what reads on after `first`; the extension has the file written behind what it is given."""
    is_file = csv_engine.is_native() and isinstance(stream, io.FileIO)
    waiting = [first] if first else []

    def read_on(rest: bytes) -> bytes:
        if waiting:
            return rest + waiting.pop()
        if is_file:
            return csv_engine.native_csv.read_on(rest, stream.fileno(), block_bytes)
        return rest + stream.read(block_bytes)

    return read_on


def _joining(reads: Iterator[bytes]) -> ReadOn:
    return lambda rest: rest + next(reads, b"")


def _reads(head: bytes, stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    if head:
        yield head
    while following := stream.read(block_bytes):
        yield following
    yield b""  # so that the decoder is told


def _utf16_as_utf8(reads: Iterable[bytes], name: str, source_key: str, byte_count: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)("surrogatepass")
    for following in reads:
        byte_count += len(following)
        try:
            text = decoder.decode(following, final=not following)
        except UnicodeDecodeError as error:
            raise CallerError(
                f"{source_key}: is UTF-16 and ends inside a character, after byte {byte_count}; "
                "deliver it again, whole"
            ) from error
        if text:
            yield text.encode("utf-8", "surrogatepass")


def _without_unfinished_character(content: bytes) -> bytes:
    """Leave out the bytes of a last character of which not all are there."""
    for byte_count in range(1, min(4, len(content)) + 1):
        lead = content[-byte_count]
        if lead & 0xC0 != 0x80:
            expected = 1 + (lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0)
            return content if byte_count == expected else content[:-byte_count]
    return content


@functools.cache
def _decodable_bytes(name: str) -> bytes:
    """Return the bytes that stand for a character in a single-byte encoding."""
    return bytes(value for value in range(256) if bytes([value]).decode(name, "ignore"))
