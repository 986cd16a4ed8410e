"""What the contract says of images, where the model reads one: how large they may be, how they are fitted.

    scoring:
      modelInput: image
      image:                    # all of it optional; these are the defaults
        maxPixels: 50000000     # larger images are quarantined before they are decoded
        fit: stretch            # to the model's size: `stretch`, `cover` (and crop) or `contain` (and pad)

Reading and checking it is `contracts.contract_images`.
"""

from __future__ import annotations

from dataclasses import dataclass

STRETCH, COVER, CONTAIN = FITS = ("stretch", "cover", "contain")
"""Both sides become the model's; the image covers the model's size, and its middle is cut out; or all of it
stands in the middle of the model's size, with black beside it."""

DEFAULT_MAX_PIXELS = 50_000_000
MOST_PIXELS = 500_000_000
"""Decoding takes four to ten bytes a pixel, for WebP 17 (measured: 49 million pixels, 860 MB), on each thread
that decodes."""


@dataclass(frozen=True, kw_only=True)
class ImageRules:
    """How images are taken.

    Attributes:
        max_pixels: Width times height, at most; of a TIFF file's tiles too.
        fit: One of FITS.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    fit: str = STRETCH
