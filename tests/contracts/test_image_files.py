"""Bytes that pretend to be an image take no memory for it, and never raise anything but a fault."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_images import MAX_PIXELS, SUFFIXES, encoded, gradient, png_of_size
from PIL import Image

from contracts.image_files import ImageFaultError, naming_damage, open_image, set_pillow_up
from contracts.image_names import format_of_name, starting_format, told_start
from contracts.quarantine import ReasonCode

FILES = {name: encoded(gradient(), name) for name in SUFFIXES}
DAMAGED = {ReasonCode.TRUNCATED_IMAGE, ReasonCode.CORRUPT_IMAGE, ReasonCode.NOT_AN_IMAGE}


@pytest.fixture(autouse=True)
def _pillow_as_the_containers_have_it() -> Iterator[None]:
    before = Image.MAX_IMAGE_PIXELS
    set_pillow_up(MAX_PIXELS)
    yield
    Image.MAX_IMAGE_PIXELS = before


def fault_of(content: bytes) -> ImageFaultError | None:
    try:
        image = open_image(content, MAX_PIXELS)
        with naming_damage(starting_format(content) or "", content):
            image.load()
    except ImageFaultError as fault:
        return fault
    return None


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_format_is_known_by_its_first_bytes_and_its_name(name: str) -> None:
    """Both say the same."""
    assert starting_format(FILES[name]) == name == format_of_name(f"x{SUFFIXES[name].upper()}")
    assert open_image(FILES[name], MAX_PIXELS).size == (32, 24)


@pytest.mark.parametrize("name", SUFFIXES)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.8])
def test_an_image_without_its_end_is_truncated(name: str, part: float) -> None:
    """Whatever the decoder says of it."""
    fault = fault_of(FILES[name][: int(len(FILES[name]) * part)])

    assert fault is not None
    assert fault.reason is ReasonCode.TRUNCATED_IMAGE
    assert f"is a {name} image that cannot be decoded: " in str(fault)


@pytest.mark.hypothesis
@given(st.sampled_from(list(SUFFIXES)), st.data())
def test_damaged_bytes_are_a_fault_or_an_image_and_nothing_else(name: str, data: st.DataObject) -> None:
    """Bytes cut out, put in and changed, anywhere."""
    content = FILES[name]
    start = data.draw(st.integers(0, len(content)))
    removed = data.draw(st.integers(0, 20))
    damaged = content[:start] + data.draw(st.binary(max_size=20)) + content[start + removed :]

    fault = fault_of(damaged)

    assert fault is None or fault.reason in {*DAMAGED, ReasonCode.TOO_MANY_PIXELS}


def webp_of_size(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides + FILES["WEBP"][12:]
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def gif_of_size(width: int, height: int) -> bytes:
    return FILES["GIF"][:6] + struct.pack("<HH", width, height) + FILES["GIF"][10:]


def tiff_with_tiles(side: int) -> bytes:
    tags = {256: 8, 257: 8, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side, 324: 8, 325: 9}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(64)


@pytest.mark.parametrize(
    "content",
    [
        png_of_size(100_000, 100_000),
        png_of_size(101, 100),
        webp_of_size(16_000, 16_000),
        gif_of_size(60_000, 60_000),
        tiff_with_tiles(60_000),
    ],
    ids=["png", "just too large", "webp", "gif", "tiff"],
)
def test_a_bomb_is_known_by_its_header(content: bytes) -> None:
    """Nothing is decoded: it takes no memory, and says its size and the limit."""
    tracemalloc.start()
    fault = fault_of(content)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert fault is not None
    assert fault.reason is ReasonCode.TOO_MANY_PIXELS
    assert peak_bytes < 1_000_000


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    """It would keep a core busy for minutes."""
    content = encoded(gradient(), "JPEG", progressive=True)
    scan = content.index(b"\xff\xda")

    fault = fault_of(content[:scan] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 501 + content[scan:])

    assert fault is not None
    assert fault.reason is ReasonCode.CORRUPT_IMAGE
    assert "scans; expected at most 500" in str(fault)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "504b030472657374, as a zip archive does; expected PNG"),
        (b"\x00\x00\x00\x18ftypheic", "as HEIC does"),
        (b"hello", "68656c6c6f; expected PNG"),
    ],
)
def test_what_is_no_image_is_told_by_its_first_bytes(content: bytes, said: str) -> None:
    """And by what they most likely are."""
    assert said in told_start(content)
