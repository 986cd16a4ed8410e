"""What a contract may say of bytes and of images, and what it may not."""

from __future__ import annotations

import pytest
from made_images import CONTRACT

from contracts.contract_file import parse_contract
from contracts.dataset import BINARY_TYPE
from contracts.errors import CallerError
from contracts.image_rules import ImageRules
from contracts.keep_columns import kept_names


def test_bytes_are_text_of_the_format_binary() -> None:
    """As Table Schema has it; their length is counted in bytes."""
    text = CONTRACT.replace("{required: true}}\nprimaryKey", "{minLength: 3, maxLength: 9}}\nprimaryKey")
    contract = parse_contract(text.encode(), name="contract")

    field = contract.field("image")
    assert (field.type, field.constraints.min_length, field.constraints.max_length) == (BINARY_TYPE, 3, 9)


def test_without_a_word_images_are_stretched_and_have_fifty_million_pixels_at_most() -> None:
    """Which is the same as to say so; anything else is another fingerprint."""
    bare = parse_contract(CONTRACT.replace(" image: {maxPixels: 10000},", "").encode(), name="contract")
    said = CONTRACT.replace("{maxPixels: 10000}", "{maxPixels: 50000000, fit: stretch}")
    other = CONTRACT.replace("{maxPixels: 10000}", "{fit: cover}")

    assert bare.image == ImageRules(max_pixels=50_000_000, fit="stretch")
    assert parse_contract(said.encode(), name="contract").fingerprint == bare.fingerprint
    assert parse_contract(other.encode(), name="contract").fingerprint != bare.fingerprint


RULED = "format: binary, constraints: {required: true}"
MODEL_INPUT = "modelInput: image, image: {maxPixels: 10000}, "


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("format: binary", "format: email", "'email'; only `default` is supported, and `binary` for string"),
        ("type: string, format: binary", "type: number, format: binary", "'binary'; only `default`"),
        (RULED, "format: binary, constraints: {pattern: a}", "`pattern` is not for binary fields"),
        (RULED, "format: binary, constraints: {enum: [a]}", "`enum` is not for binary fields"),
        (RULED, "format: binary, categories: [a]", "`categories`, which only a string field may have"),
        (MODEL_INPUT, "", "is binary; if the model reads an image, say `modelInput: image`"),
        ("modelInput: image, ", "", "`scoring.image` is for `modelInput: image`; it is vector"),
        ("format: binary, ", "", "modelInput` is image, which is a field {type: string, format: binary}"),
        ("primaryKey: id", "primaryKey: image", "binary, which neither a primary key nor a label may be"),
        ("features: [image]", "features: [image], label: image", "'image' is binary, which neither"),
        ("features: [image]", "features: [image], report: {segments: [image]}", "is a binary; expected"),
        ("maxPixels: 10000", "maxPixels: 0", "`scoring.image.maxPixels` is 0; expected a whole number"),
        ("maxPixels: 10000", "maxPixels: true", "`scoring.image.maxPixels` is True"),
        ("maxPixels: 10000", "fit: covr", "`scoring.image.fit` is 'covr'; did you mean"),
        ("{maxPixels: 10000}", "cover", "`scoring.image` must be a mapping"),
        ("maxPixels", "maxPixel", "unknown key 'maxPixel'"),
    ],
)
def test_what_cannot_be_is_said(before: str, after: str, said: str) -> None:
    """With what was found and what was expected."""
    assert before in CONTRACT
    with pytest.raises(CallerError) as raised:
        parse_contract(CONTRACT.replace(before, after).encode(), name="contract")

    assert said in str(raised.value)


def test_bytes_are_not_published() -> None:
    """They are in the source; `*` means all other fields."""
    text = CONTRACT.replace("primaryKey", "  - {name: taken_on, type: date}\nprimaryKey")
    contract = parse_contract(text.encode(), name="contract")

    assert kept_names("*", contract) == ("taken_on",)
    with pytest.raises(CallerError, match="'image' is binary, and its bytes stay in the source"):
        kept_names("image", contract)
