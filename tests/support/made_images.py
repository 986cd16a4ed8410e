"""Image files, good and hostile, and archives of them, made in memory."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: image, type: string, format: binary, constraints: {required: true}}
primaryKey: id
scoring: {features: [image], modelInput: image, image: {maxPixels: 10000}, outputs: [dark, light]}
"""
MAX_PIXELS = 10_000

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif"}


def gradient(height: int = 24, width: int = 32, mode: str = "RGB") -> Image.Image:
    """Return a picture that is darker at its top left."""
    steps = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)
    return Image.fromarray(np.stack([steps, steps // 2, steps // 3], axis=-1).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, name: str = "PNG", **options: Any) -> bytes:
    """Return a picture as a file of the format `name`, as Pillow calls it."""
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """Return a small PNG file whose header states a size that its pixels would have to be unpacked to."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min((width + 1) * height, 100_000)))
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def tar_of(members: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w") -> bytes:
    """Return a tar of files by name, and of members of other kinds."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a link, a device or a pipe for a tar."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zip_of(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of files by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()
