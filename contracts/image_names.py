"""What tells an image file without decoding it: the end of its name, and its first bytes.

Formats are called as Pillow calls them, which is not needed here.
"""

from __future__ import annotations

from pathlib import PurePosixPath

_FORMATS_BY_SUFFIX = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".gif": "GIF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip")
"""Of archives whose members are image files."""

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
}
_OTHER_STARTS = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "gzip data",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "XML",
    b"<!DOCTYPE": "HTML",
}
"""What is sometimes taken for an image."""

_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"avif": "AVIF"}
_SHOWN_BYTES = 8
IMAGE_FORMATS = "PNG, JPEG, GIF, WebP, BMP, TIFF"
"""For messages."""


def format_of_name(name: str) -> str | None:
    """Return the image format that a file's name ends in, or None."""
    return _FORMATS_BY_SUFFIX.get(PurePosixPath(name).suffix.lower())


def is_archive(name: str) -> bool:
    """Say whether a file's name is that of an archive."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def starting_format(content: bytes) -> str | None:
    """Return the image format that bytes begin as, or None."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return next((name for start, name in _STARTS.items() if content.startswith(start)), None)


def told_start(content: bytes) -> str:
    """Say what bytes are that begin as no image that is read."""
    if not content:
        return "is empty; expected an image"
    other = next((name for start, name in _OTHER_STARTS.items() if content.startswith(start)), "")
    if content[4:8] == b"ftyp":
        other = _BRANDS.get(content[8:12], "a film or another container of ISO's media format")
    told = f", as {other} does" if other else ""
    return f"begins with the bytes {content[:_SHOWN_BYTES].hex()}{told}; expected {IMAGE_FORMATS}"
