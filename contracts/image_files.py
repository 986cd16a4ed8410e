"""Open bytes as an image and trust nothing that they say.

For preparation, which decodes images to find the bad ones, and for the server, which decodes them to score
them. The format is known by the first bytes, and no decoder of Pillow but its own gets to see the others. The
size that the header states is compared with what is allowed before anything is decoded. Of several pictures
in one file, the first counts.

Imports Pillow: whoever has no images need not have it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from contracts.errors import CallerError, bounded
from contracts.image_names import starting_format, told_start
from contracts.quarantine import ReasonCode

MAX_JPEG_SCANS = 500
"""Each is decoded over all of the picture: thousands of them in a small file would take minutes."""

_START_OF_SCAN = b"\xff\xda"
_TILE_WIDTH, _TILE_LENGTH = 322, 323
"""Tags of a TIFF file, whose tiles may be larger than its picture."""

_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
_END_MARKS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
_SIGNS_OF_AN_END = ("truncated", "requires a buffer")
"""What messages say where bytes are missing."""


class ImageFaultError(CallerError):
    """The bytes are not an image that can be used.

    Attributes:
        reason: What is wrong with them.
    """

    def __init__(self, reason: ReasonCode, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def set_pillow_up(max_pixels: int) -> None:
    """Let Pillow refuse what is too large by itself too, and keep its warnings out of the log.

    What it warns of is either of no interest (odd metadata) or found here.
    """
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.filterwarnings("ignore", module=r"PIL\.")


def open_image(content: bytes, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header of an image; nothing is decoded yet.

    Raises:
        ImageFaultError: It is no image, is damaged, or has more pixels than are allowed.
    """
    name = starting_format(content)
    if name is None:
        raise ImageFaultError(ReasonCode.NOT_AN_IMAGE, told_start(content))
    if name == "JPEG" and content.count(_START_OF_SCAN) > MAX_JPEG_SCANS:
        raise ImageFaultError(
            ReasonCode.CORRUPT_IMAGE,
            f"is a JPEG of {content.count(_START_OF_SCAN)} scans; expected at most {MAX_JPEG_SCANS}",
        )
    with naming_damage(name, content):
        _check_size(name, _canvas(content), max_pixels)
        image = _DECODERS[name](io.BytesIO(content))
        _check_size(name, image.size, max_pixels)
        _check_size(name, _tile(image), max_pixels)
    return image


@contextmanager
def naming_damage(name: str, content: bytes) -> Iterator[None]:
    """Turn whatever a decoder raises of damaged bytes into an ImageFaultError.

    Args:
        name: Of the format.
        content: All bytes of the image.
    """
    try:
        yield
    except ImageFaultError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageFaultError(ReasonCode.TOO_MANY_PIXELS, f"is a {name} image, but: {error}") from error
    except Exception as error:  # decoders raise anything for bytes that nobody foresaw
        said = bounded(" ".join(str(error).split()), 200) or type(error).__name__
        is_cut_off = _is_without_end(name, content) or any(sign in said.lower() for sign in _SIGNS_OF_AN_END)
        reason = ReasonCode.TRUNCATED_IMAGE if is_cut_off else ReasonCode.CORRUPT_IMAGE
        raise ImageFaultError(reason, f"is a {name} image that cannot be decoded: {said}") from error


def _tile(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Return width and height of the tiles of a TIFF file; of others, nothing."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0, 0
    tags = image.tag_v2
    return int(tags.get(_TILE_WIDTH, 0)), int(tags.get(_TILE_LENGTH, 0))


def _canvas(content: bytes) -> tuple[int, int]:
    """Return width and height of an extended WebP file, which its decoder takes memory for; else nothing.

    [doc: "WebP Container Specification", Extended File Format]
    """
    if content[8:16] != b"WEBPVP8X":
        return 0, 0
    width, height = (int.from_bytes(content[start : start + 3], "little") + 1 for start in (24, 27))
    return width, height


def _check_size(name: str, sides: tuple[int, int], max_pixels: int) -> None:
    width, height = sides
    if width * height > max_pixels:
        raise ImageFaultError(
            ReasonCode.TOO_MANY_PIXELS,
            f"is a {name} image of {width} x {height} = {width * height} pixels; "
            f"`scoring.image.maxPixels` allows {max_pixels}",
        )


def _is_without_end(name: str, content: bytes) -> bool:
    """Say whether an image lacks what must stand at its end, or is shorter than it says."""
    if name == "WEBP":
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    if name == "TIFF":
        order: Literal["little", "big"] = "little" if content.startswith(b"II") else "big"
        return int.from_bytes(content[4:8], order) >= len(content)
    if name == "GIF":
        return not content.rstrip(b"\x00").endswith(b";")
    return _END_MARKS.get(name, b"") not in content
