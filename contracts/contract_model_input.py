"""The part of a contract about what a model reads: `scoring.modelInput`, and the features that it allows.

    vector   the features as numbers, encoded by `contracts.encoding`; the default
    text     one text as it stands in the record
    image    one image file, as bytes

Whoever reads a text or an image itself has exactly one feature.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.dataset import BINARY_TYPE, FEATURE_TYPES, IMAGE_INPUT, TEXT_INPUT, VECTOR_INPUT, Field

_WANTED = {
    TEXT_INPUT: "a field of the type string without `categories`",
    IMAGE_INPUT: "a field {type: string, format: binary}",
}
"""What the one feature must be."""


def check_features(features: Sequence[Field], model_input: str, faults: list[str]) -> None:
    """Note every feature that a model with this input cannot read.

    Args:
        features: The fields that `scoring.features` names, in its order.
        model_input: One of MODEL_INPUTS.
        faults: Gets what is wrong.
    """
    if model_input == VECTOR_INPUT:
        faults += [fault for entry in features if (fault := _vector_fault(entry))]
        return
    if len(features) > 1:
        faults.append(
            f"`scoring.modelInput` is {model_input}, but there are {len(features)} features; expected "
            f"exactly one, the {model_input}"
        )
    faults += [
        f"feature {entry.name!r} is {_told(entry)}; `scoring.modelInput` is {model_input}, which is "
        f"{_WANTED[model_input]}"
        for entry in features
        if not _is_wanted(entry, model_input)
    ]


def _vector_fault(entry: Field) -> str:
    if entry.type == BINARY_TYPE:
        return (
            f"feature {entry.name!r} is binary; if the model reads an image, say `modelInput: {IMAGE_INPUT}` "
            "in `scoring`"
        )
    if entry.type not in FEATURE_TYPES:
        return f"feature {entry.name!r} is a {entry.type}; a feature is {', '.join(FEATURE_TYPES)}"
    if entry.type == "string" and not entry.categories:
        return (
            f"feature {entry.name!r} is text: give its `categories`, in the order of their codes, or if the "
            f"model reads the text itself, `modelInput: {TEXT_INPUT}` in `scoring`"
        )
    return ""


def _is_wanted(entry: Field, model_input: str) -> bool:
    if model_input == IMAGE_INPUT:
        return entry.type == BINARY_TYPE
    return entry.type == "string" and not entry.categories


def _told(entry: Field) -> str:
    return f"of the type {entry.type}{' with `categories`' if entry.categories else ''}"
