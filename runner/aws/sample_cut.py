"""Cut the start of a source object so that it ends with a whole record, and can be read alone.

Knows just enough of each format to cut it. What the records hold is for the project's readers to say, which
get what was cut as they would get a source object.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from dataclasses import dataclass

from contracts.image_names import format_of_name, is_archive
from contracts.recordio import MAGIC_BYTES, scan_frames
from runner.aws.checks import CannotTellError

SAMPLE_BYTES = 1024 * 1024
"""Read of an object, as delivered."""

MAX_TEXT_BYTES = 8 * SAMPLE_BYTES
"""Taken of what a compressed sample holds."""

PARQUET_MARK = b"PAR1"
_GZIP_MARK = b"\x1f\x8b"
_GZIP_SUFFIX = ".gz"
_JSON_ARRAY = re.compile(rb"\[\s*[{\]]")
_BETWEEN_ELEMENTS = re.compile(r"[\s,]*")
_QUOTE = b'"'
_MAX_QUOTED_LINES = 1000


@dataclass(frozen=True, kw_only=True)
class CutSample:
    """The start of a source object.

    Attributes:
        name: Under which it is to be read: the object's, without what says that it was compressed.
        content: Whole records.
        delivered_byte_count: Bytes of the object, as delivered, that it stands for.
    """

    name: str
    content: bytes
    delivered_byte_count: float


def cut_sample(name: str, start: bytes, *, is_whole: bool) -> CutSample:
    """Return the whole records in the first bytes of an object.

    Args:
        name: Of the object below the input.
        start: Its first bytes, as delivered.
        is_whole: Whether that is all of it.

    Raises:
        CannotTellError: There is no whole record, or none can be cut off.
    """
    if is_whole:
        return CutSample(name=name, content=start, delivered_byte_count=len(start))
    if not start.startswith(_GZIP_MARK):
        content, end = _cut(name, start)
        return CutSample(name=name, content=content, delivered_byte_count=end)
    text, taken = _decompressed(name, start)
    content, end = _cut(name, text)
    plain_name = name[: -len(_GZIP_SUFFIX)] if name.lower().endswith(_GZIP_SUFFIX) else name
    return CutSample(name=plain_name, content=content, delivered_byte_count=taken * end / len(text))


def _decompressed(name: str, start: bytes) -> tuple[bytes, int]:
    decompress = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = decompress.decompress(start, MAX_TEXT_BYTES)
    except zlib.error as error:
        raise CannotTellError(f"{name}: its start cannot be decompressed: {error}") from error
    if not text:
        raise CannotTellError(f"{name}: its first {len(start)} bytes hold no whole block")
    return text, len(start) - len(decompress.unconsumed_tail) - len(decompress.unused_data)


def _cut(name: str, content: bytes) -> tuple[bytes, int]:
    """Return whole records, and how many bytes of `content` they are."""
    if is_archive(name) or format_of_name(name) is not None:
        raise CannotTellError(
            f"{name}: is an image or an archive of images, whose start cannot be read alone"
        )
    if content.startswith(PARQUET_MARK):
        raise CannotTellError(f"{name}: is Parquet under another name; set InputFormat to parquet")
    closing = b""
    if content.startswith(MAGIC_BYTES):
        end = scan_frames(content, is_last=False, max_record_bytes=len(content)).consumed_byte_count
    elif _JSON_ARRAY.match(content.removeprefix(codecs.BOM_UTF8).lstrip()):
        end, closing = _end_of_elements(content), b"]"
    else:
        end = _end_of_lines(content)
    if not end:
        raise CannotTellError(f"{name}: its first record is longer than {len(content)} bytes")
    return content[:end] + closing, end


def _end_of_elements(content: bytes) -> int:
    """Return where the last whole element of a JSON array ends; 0 where none is whole."""
    text = content.decode("latin-1")  # a character a byte; what stands in strings does not matter here
    decoder, position, end = json.JSONDecoder(), text.index("[") + 1, 0
    while between := _BETWEEN_ELEMENTS.match(text, position):
        try:
            _, position = decoder.raw_decode(text, between.end())
        except ValueError:
            break
        end = position
    return end


def _end_of_lines(content: bytes) -> int:
    """Return where the last line ends that is not inside quotes."""
    last = end = content.rfind(b"\n") + 1
    for _ in range(_MAX_QUOTED_LINES):
        if content.count(_QUOTE, 0, end) % 2 == 0:
            return end
        end = content.rfind(b"\n", 0, max(end - 1, 0)) + 1
    return last
