"""Decode one image into the pixels that a model reads.

As it is written: the orientation that a camera noted in the EXIF data is applied, transparency is left out,
and other colours become grey or RGB as Pillow's `convert` has it. A large JPEG is decoded to no more than
twice the size that is needed, at least; sizes are changed with Pillow's bilinear filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from contracts.image_files import naming_damage, open_image
from contracts.image_names import starting_format
from contracts.image_rules import CONTAIN, COVER, ImageRules

_MODES = {1: "L", 3: "RGB"}
_ORIENTATION = 0x0112
"""Tag of the EXIF data."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SPARE = 2
"""So many times as large as needed is a JPEG still decoded: the rest is the filter's."""


@dataclass(frozen=True, kw_only=True)
class PixelShape:
    """What a model reads of one image: pixels in rows from above, channels last."""

    height: int
    width: int
    channels: int


def image_pixels(content: bytes, shape: PixelShape, rules: ImageRules) -> np.ndarray:
    """Return the pixels of an image, uint8 of shape (height, width, channels).

    Raises:
        contracts.image_files.ImageFaultError: It cannot be decoded, or is too large.
    """
    image: Image.Image
    opened = open_image(content, rules.max_pixels)
    with naming_damage(starting_format(content) or "", content):
        longest = _SPARE * max(shape.width, shape.height)  # whichever way it will be turned
        opened.draft(None, (longest, longest))
        opened.load()
        turn = _turn(opened)
        image = opened if turn is None else opened.transpose(turn)
        if image.mode != _MODES[shape.channels]:
            image = image.convert(_MODES[shape.channels])
        image = _fitted(image, (shape.width, shape.height), rules.fit)
        return np.asarray(image).reshape(shape.height, shape.width, shape.channels)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how an image must be turned; damaged EXIF data say nothing."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - the reader of EXIF data raises anything for bytes that nobody foresaw
        return None


def _fitted(image: Image.Image, size: tuple[int, int], fit: str) -> Image.Image:
    if image.size == size:
        return image
    if fit == COVER:
        return ImageOps.fit(image, size, Image.Resampling.BILINEAR)
    if fit == CONTAIN:
        return ImageOps.pad(image, size, Image.Resampling.BILINEAR)
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=_SPARE)
