"""Decode every image once, to find those that a model could not read, and say what is wrong with them.

What no decoder can know stays unfound: where a JPEG is damaged in its midst, most often a picture comes out,
and only part of it is wrong. Of PNG, the checksums are compared too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from contracts.image_files import ImageFaultError, naming_damage, open_image, set_pillow_up
from contracts.image_names import starting_format
from contracts.image_rules import ImageRules
from contracts.quarantine import ReasonCode


def image_findings(values: pa.Array, rules: ImageRules) -> Iterator[tuple[ReasonCode, str, pa.Array]]:
    """Yield what is wrong with images: the reason, what a message says, and which of them it is.

    Args:
        values: Bytes, null where missing.
        rules: Of the contract.
    """
    set_pillow_up(rules.max_pixels)
    found: dict[tuple[ReasonCode, str], list[int]] = {}
    for row, content in enumerate(values):
        if content.is_valid:
            fault = _fault_of(content.as_py(), rules.max_pixels)
            if fault is not None:
                found.setdefault((fault.reason, str(fault)), []).append(row)
    for (reason, message), rows in found.items():
        is_wrong = np.zeros(len(values), dtype=bool)
        is_wrong[rows] = True
        yield reason, message, pa.array(is_wrong)


def _fault_of(content: bytes, max_pixels: int) -> ImageFaultError | None:
    try:
        image = open_image(content, max_pixels)
        name = starting_format(content) or ""
        with naming_damage(name, content):
            if name == "PNG":
                image.verify()  # after which it cannot be decoded
                image = open_image(content, max_pixels)
            image.draft(None, (1, 1))  # a JPEG is read to its end, and decoded to an eighth
            image.load()
    except ImageFaultError as fault:
        return fault
    return None
