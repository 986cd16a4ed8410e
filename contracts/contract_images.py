"""Read what a contract says of images: `scoring.image`; see `contracts.image_rules`."""

from __future__ import annotations

from typing import Any

from contracts.contract_fields import check_keys
from contracts.dataset import IMAGE_INPUT
from contracts.errors import near_matches
from contracts.image_rules import DEFAULT_MAX_PIXELS, FITS, MOST_PIXELS, STRETCH, ImageRules

_KEYS = {"maxPixels", "fit"}


def read_image_rules(document: Any, model_input: str, faults: list[str]) -> ImageRules | None:
    """Return the rules for images; None where the model reads none, or something is wrong."""
    if model_input != IMAGE_INPUT:
        if document is not None:
            faults.append(f"`scoring.image` is for `modelInput: {IMAGE_INPUT}`; it is {model_input}")
        return None
    document = {} if document is None else document
    if not isinstance(document, dict):
        faults.append("`scoring.image` must be a mapping with maxPixels, fit")
        return None
    check_keys(document, _KEYS, "`scoring.image`", faults)
    max_pixels, fit = document.get("maxPixels", DEFAULT_MAX_PIXELS), document.get("fit", STRETCH)
    if type(max_pixels) is not int or not 1 <= max_pixels <= MOST_PIXELS:
        faults.append(
            f"`scoring.image.maxPixels` is {max_pixels!r}; expected a whole number from 1 to {MOST_PIXELS}"
        )
        return None
    if fit not in FITS:
        faults.append(f"`scoring.image.fit` is {fit!r}; {near_matches(str(fit), FITS)}")
        return None
    return ImageRules(max_pixels=max_pixels, fit=fit)
