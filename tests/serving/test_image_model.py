"""An ONNX model of images: the same pixels whatever file they are in, and a fault for what is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made_images import CONTRACT, MAX_PIXELS, SUFFIXES, encoded, gradient, png_of_size
from onnx import TensorProto, helper
from PIL import Image
from tiny_other_models import write_onnx

from contracts.contract_file import parse_contract
from contracts.errors import CallerError
from contracts.image_files import ImageFaultError, set_pillow_up
from contracts.image_rules import ImageRules
from serving.image_model import ImageModel, load_model
from serving.image_pixels import PixelShape, image_pixels
from serving.invocation import answer_payload, codecs_for
from serving.scorer import load_scorer

RULES = ImageRules(max_pixels=MAX_PIXELS)
SHAPE = PixelShape(height=6, width=8, channels=3)
EXIF_ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def _pillow_as_the_containers_have_it() -> Iterator[None]:
    before = Image.MAX_IMAGE_PIXELS
    set_pillow_up(MAX_PIXELS)
    yield
    Image.MAX_IMAGE_PIXELS = before


def make_model(path: Path, shape: list[Any], kind: int = TensorProto.UINT8) -> Path:
    """Write a model that answers the mean of an image's pixels, and one less it."""
    nodes: list[object] = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["column"]),
        helper.make_node("Sub", ["one", "column"], ["rest"]),
        helper.make_node("Concat", ["column", "rest"], ["score"], axis=1),
    ]
    weights = [
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
    ]
    return write_onnx(
        path,
        nodes,
        inputs={"image": shape},
        outputs={"score": [None, 2]},
        kinds={"image": kind},
        weights=weights,
    )


def loaded(folder: Path, shape: list[Any], kind: int = TensorProto.UINT8, threads: int = 2) -> ImageModel:
    path = make_model(folder / "model.onnx", shape, kind)
    return load_model(path, threads=threads, output_count=2, rules=RULES)


def column(*contents: bytes) -> pa.ChunkedArray:
    return pa.chunked_array([[content] for content in contents], pa.binary())


def test_pixels_are_integers_or_floats_as_the_model_has_them(tmp_path: Path) -> None:
    """0 to 255 with channels last, or 0 to 1 with channels first: the same picture."""
    content = encoded(gradient(6, 8))
    integers = loaded(tmp_path / "a", [None, 6, 8, 3]).predict(column(content)).values
    floats = loaded(tmp_path / "b", [None, 3, 6, 8], TensorProto.FLOAT).predict(column(content)).values

    mean = np.asarray(gradient(6, 8)).mean()
    assert integers[0, 0] == pytest.approx(mean, rel=1e-6)
    assert floats[0, 0] == pytest.approx(mean / 255, rel=1e-6)


def test_who_stands_beside_an_image_does_not_matter(tmp_path: Path) -> None:
    """Many are decoded on several threads and scored some at a time; faults stay where they are."""
    model = loaded(tmp_path, [None, 6, 8, 3])
    contents = [encoded(gradient(6, 8).point(lambda value, add=add: value + add)) for add in range(100)]
    contents[40] = b"no image"
    contents[99] = png_of_size(5000, 5000)

    together = model.predict(column(*contents * 4))

    assert sorted(together.faults) == [40, 99, 140, 199, 240, 299, 340, 399]
    assert together.faults[40].startswith("the image begins with the bytes 6e6f20696d616765")
    assert "5000 x 5000" in together.faults[99]
    alone = [model.predict(column(content)).values[0] for content in contents]
    assert np.array_equal(together.values, np.tile(alone, (4, 1)))


@pytest.mark.parametrize("name", SUFFIXES)
def test_a_picture_is_the_same_in_every_format(name: str) -> None:
    """But for what JPEG and WebP lose of it."""
    pixels = image_pixels(encoded(gradient(6, 8), name), SHAPE, RULES)

    allowed = {"JPEG": 20, "WEBP": 40, "GIF": 25}.get(name, 0)
    assert np.abs(pixels.astype(int) - np.asarray(gradient(6, 8)).astype(int)).max() <= allowed


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_colour_becomes_grey_or_rgb(mode: str, channels: int) -> None:
    """As Pillow converts it."""
    image = gradient(6, 8, "L" if mode == "I;16" else mode if mode != "CMYK" else "RGB")
    image = image.convert(mode)
    content = encoded(image, "TIFF")

    pixels = image_pixels(content, PixelShape(height=6, width=8, channels=channels), RULES)

    expected = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(6, 8, channels)
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_as_the_camera_was_held(orientation: int) -> None:
    """All eight ways; the pixels are those of the upright picture."""
    upright = Image.new("L", (8, 6))
    upright.paste(255, (0, 0, 4, 3))  # its top left quarter is light
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation

    pixels = image_pixels(encoded(stored, "PNG", exif=exif), PixelShape(height=6, width=8, channels=1), RULES)

    assert np.array_equal(pixels[:, :, 0], np.asarray(upright))


def test_damaged_exif_data_say_nothing() -> None:
    """The picture is sound."""
    content = encoded(gradient(6, 8), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")

    assert np.array_equal(image_pixels(content, SHAPE, RULES), np.asarray(gradient(6, 8)))


@pytest.mark.parametrize(
    ("fit", "expected"),
    [("stretch", [[0, 255], [0, 255]]), ("cover", [[0, 255], [0, 255]]), ("contain", [[0, 0], [0, 255]])],
)
def test_an_image_is_fitted_as_the_contract_says(fit: str, expected: list[list[int]]) -> None:
    """A picture four times as wide as high, black on its left and white on its right, to a square."""
    image = Image.new("L", (64, 16))
    image.paste(255, (32, 0, 64, 16))
    shape = PixelShape(height=16, width=16, channels=1)

    pixels = image_pixels(encoded(image), shape, ImageRules(max_pixels=MAX_PIXELS, fit=fit))

    corners = pixels[[0, 8], :, 0][:, [0, 15]]
    assert corners.tolist() == expected


def test_a_large_jpeg_is_the_same_picture_though_it_is_decoded_smaller() -> None:
    """To within what the filters differ in."""
    large = gradient(60, 80).resize((96, 96))
    from_jpeg = image_pixels(encoded(large, "JPEG", quality=95), SHAPE, RULES)
    from_png = image_pixels(encoded(large, "PNG"), SHAPE, RULES)

    assert np.abs(from_jpeg.astype(int) - from_png.astype(int)).max() <= 12


def test_an_image_with_too_many_pixels_is_a_fault_before_it_is_decoded() -> None:
    """Though preparation has looked already: a server does not know who sends."""
    with pytest.raises(ImageFaultError, match="5000 x 5000 = 25000000 pixels"):
        image_pixels(png_of_size(5000, 5000), SHAPE, RULES)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ([None, 8], TensorProto.FLOAT),
        ([None, 6, 8, 3], TensorProto.FLOAT),
        ([None, 3, 6, 8], TensorProto.UINT8),
        ([None, 6, 8, 4], TensorProto.UINT8),
        ([None, None, None, 3], TensorProto.UINT8),
        ([1, 6, 8, 3], TensorProto.UINT8),
        ([None, 6, 8, 3], TensorProto.INT32),
        ([None, 100_000, 8, 3], TensorProto.UINT8),
    ],
)
def test_another_input_is_refused_with_the_two_that_are_taken(
    tmp_path: Path, shape: list[Any], kind: int
) -> None:
    """When the server starts, with what the model has."""
    nodes: list[object] = [helper.make_node("Identity", ["image"], ["score"])]
    path = write_onnx(
        tmp_path / "model.onnx",
        nodes,
        inputs={"image": shape},
        outputs={"score": shape},
        kinds={"image": kind, "score": kind},
    )

    with pytest.raises(CallerError, match=r"image: tensor.*; a model that reads an image has exactly one"):
        load_model(path, threads=1, output_count=2, rules=RULES)


def test_a_payload_of_images_is_answered_beside_their_ids(tmp_path: Path) -> None:
    """Through the codec; an image that is none has its reason there."""
    contract = parse_contract(CONTRACT.encode(), name="contract")
    path = make_model(tmp_path / "model.onnx", [None, 6, 8, 3])
    scorer = load_scorer(
        path, threads=1, outputs=contract.outputs, model_input=contract.model_input, image=contract.image
    )
    codec = codecs_for(contract)["application/vnd.apache.arrow.file"]
    images = pa.array([encoded(gradient()), b"no image", None], pa.binary())
    table = pa.table({"id": pa.array(["a", "b", "c"]), "image": images})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)

    answer = answer_payload(sink.getvalue().to_pybytes(), codec, scorer)

    found = pa.ipc.open_file(answer.body).read_all().to_pylist()
    assert [row["id"] for row in found] == ["a", "b", "c"]
    assert [row["error"] is None for row in found] == [True, False, False]
    assert found[1]["error"].startswith("the image begins with")
    assert (answer.record_count, answer.fault_count) == (3, 2)
