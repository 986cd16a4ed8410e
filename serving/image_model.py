"""ONNX models that read an image, run by onnxruntime on the CPU.

A model takes one input, whose type says how the pixels stand in it, and whose shape says their size:

    uint8   [records, height, width, channels]   0 to 255; scaling and normalisation are the graph's
    float32 [records, channels, height, width]   0 to 1; normalisation is the graph's

One channel is grey, three are red, green and blue. What it answers is as for models of vectors
(`serving.onnx_model`). Images are decoded on several threads and scored a few at a time, so that memory does
not grow with the payload. An image that cannot be decoded is a fault of its record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.dataset import IMAGE_INPUT
from contracts.errors import CallerError
from contracts.image_files import ImageFaultError, set_pillow_up
from contracts.image_rules import ImageRules
from serving.column_model import Predictions
from serving.image_pixels import PixelShape, image_pixels
from serving.onnx_session import (
    PROBE_RECORD_COUNT,
    check_probe,
    described,
    has_labels,
    open_session,
    run_session,
    scores_name,
    told,
    using_model,
)
from serving.output_count import check_output_count

TENSOR_BYTES = 8 * 1024 * 1024
MAX_IMAGES_AT_ONCE = 256
"""Scored together: as many as fit into TENSOR_BYTES, one at least."""

_MAX_SIDE = 16_384
_CHANNELS = (1, 3)


class ImageModel:
    """A session that reads images; see `serving.column_model.ColumnModel`."""

    model_input = IMAGE_INPUT
    feature_count = 1
    feature_names: Sequence[str] = ()
    category_orders: Sequence[Sequence[str]] = ()

    def __init__(
        self, session: Any, *, path: Path, rules: ImageRules, threads: int, output_count: int
    ) -> None:
        """Take a session, whose inputs and outputs are looked at here.

        Raises:
            CallerError: The model has other inputs or outputs than are known here.
        """
        self.description = f"{described(session)}, of images"
        self._session = session
        self._input_name = session.get_inputs()[0].name
        self._shape, self._is_integer = _pixel_shape(path, session)
        self._output_name = scores_name(path, session)
        self._rules = rules
        self._threads = threads
        self._has_one_score = output_count == 1

    @property
    def pixel_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self._shape.height, self._shape.width, self._shape.channels

    def predict(self, column: pa.ChunkedArray) -> Predictions:
        """Score images; see `serving.column_model.ColumnModel`."""
        set_pillow_up(self._rules.max_pixels)
        if self._threads == 1:
            return self._predict(column, map)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="decoding") as executor:
            return self._predict(column, executor.map)

    def _predict(self, column: pa.ChunkedArray, apply: Callable[..., Iterable[str]]) -> Predictions:
        """Score images, which `apply`, as `map` does, decodes."""
        image_bytes = math.prod(self.pixel_shape) * (1 if self._is_integer else 4)
        at_once = min(max(TENSOR_BYTES // image_bytes, 1), MAX_IMAGES_AT_ONCE)
        values: list[np.ndarray] = []
        faults: dict[int, str] = {}
        for start in range(0, len(column), at_once):
            contents = column.slice(start, at_once).to_pylist()
            pixels = np.zeros((len(contents), *self.pixel_shape), dtype=np.uint8)
            said = apply(partial(self._decode, pixels), range(len(contents)), contents)
            faults |= {start + at: fault for at, fault in enumerate(said) if fault}
            values.append(self.run(pixels))
        scores = np.concatenate(values)
        one = scores[:, -1] if self._has_one_score and scores.ndim > 1 else scores
        return Predictions(values=one, faults=faults)

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """Return what the graph answers to pixels, uint8 of shape [records, height, width, channels]."""
        tensor = pixels if self._is_integer else _floats(pixels)
        return run_session(self._session, self._output_name, {self._input_name: tensor})

    def _decode(self, pixels: np.ndarray, at: int, content: bytes) -> str:
        """Decode one image to its place; return why it cannot be, or nothing."""
        try:
            pixels[at] = image_pixels(content, self._shape, self._rules)
        except ImageFaultError as fault:
            return f"the image {fault}"
        return ""


def load_model(path: Path, *, threads: int, output_count: int = 1, rules: ImageRules) -> ImageModel:
    """Load a model; see `serving.scorer.load_scorer`."""
    with using_model(path):
        session = open_session(path, threads=threads)
        model = ImageModel(session, path=path, rules=rules, threads=threads, output_count=output_count)
        answer = model.run(np.zeros((PROBE_RECORD_COUNT, *model.pixel_shape), dtype=np.uint8))
    check_probe(path, answer)
    is_binary = answer.shape == (PROBE_RECORD_COUNT, 2) and has_labels(session)
    if not (is_binary and output_count == 1):
        check_output_count(path, answer.size // PROBE_RECORD_COUNT, output_count)
    return model


def _pixel_shape(path: Path, session: Any) -> tuple[PixelShape, bool]:
    """Return the shape of an image that the model reads, and whether its pixels are integers."""
    inputs = session.get_inputs()
    if len(inputs) == 1 and len(inputs[0].shape) == 4 and not isinstance(inputs[0].shape[0], int):
        sides = inputs[0].shape[1:]
        if inputs[0].type == "tensor(uint8)" and _is_shape(*sides):
            return PixelShape(height=sides[0], width=sides[1], channels=sides[2]), True
        if inputs[0].type == "tensor(float)" and _is_shape(sides[1], sides[2], sides[0]):
            return PixelShape(height=sides[1], width=sides[2], channels=sides[0]), False
    raise CallerError(
        f"{path}: the model's inputs are {told(inputs)}; a model that reads an image has exactly one, "
        "tensor(uint8) of the shape [any number of records, height, width, channels] or tensor(float) of the "
        "shape [any number of records, channels, height, width], with 1 or 3 channels and a fixed size; put "
        "scaling and normalisation into the graph"
    )


def _is_shape(height: Any, width: Any, channels: Any) -> bool:
    return channels in _CHANNELS and all(
        isinstance(side, int) and 1 <= side <= _MAX_SIDE for side in (height, width)
    )


def _floats(pixels: np.ndarray) -> np.ndarray:
    """Return pixels from 0 to 1, float32 of shape [records, channels, height, width]."""
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    brightness: np.ndarray = np.divide(planes, np.float32(255), dtype=np.float32)
    return brightness
