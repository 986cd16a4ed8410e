"""The encoder's graph computes what BERT computes, and its vectors are those that its makers publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file
from scipy.special import erf, softmax
from tokenizers import Tokenizer

from examples.embeddings import model
from examples.embeddings.run import PACKAGE
from serving.text_model import TextModel, load_model

pytestmark = pytest.mark.functional

SENTENCE = "The coffee arrived late, but it tastes great."

PUBLISHED = {
    "The new movie is awesome": (0.0543, 0.8939, -0.0502),
    "The cat sits outside": (0.2838, -0.0029, 0.1310),
    "A man is playing guitar": (0.2277, -0.0136, -0.0327),
}
"""Cosines with OTHERS, as the documentation of sentence-transformers shows them for this model [doc:
sbert.net, Semantic Textual Similarity]."""

OTHERS = ["The dog plays in the garden", "The new movie is so great", "A woman watches TV"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    folder = tmp_path_factory.mktemp("encoder")
    model.write_model(PACKAGE, folder / "model.onnx")
    model.write_tokenizer(PACKAGE, folder / "tokenizer.json")
    return load_model(folder / "model.onnx", threads=2, output_count=384)


def vectors(encoder: TextModel, texts: list[str]) -> np.ndarray:
    return encoder.predict(pa.chunked_array([texts])).values


class Bert:
    """The network in 64 bits, one text at a time, written down a second time and with NumPy alone."""

    def __init__(self, package: Path) -> None:
        """Read the weights."""
        self._weights = load_file(package / "model.safetensors")

    def vector(self, ids: list[int]) -> np.ndarray:
        """Return the vector of a text."""
        x = sum(
            self._of(f"embeddings.{kind}_embeddings.weight")[places]
            for kind, places in (("word", ids), ("position", range(len(ids))), ("token_type", [0] * len(ids)))
        )
        x = self._normed(x, "embeddings.LayerNorm")
        for layer in range(6):
            x = self._layer(x, f"encoder.layer.{layer}")
        mean = x.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))

    def _layer(self, x: Any, name: str) -> Any:
        query, key, value = (
            self._linear(x, f"{name}.attention.self.{part}").reshape(len(x), 12, 32).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = softmax(query @ key.transpose(0, 2, 1) / np.sqrt(32), axis=-1)
        heads = (weights @ value).transpose(1, 0, 2).reshape(len(x), 384)
        x = self._normed(
            x + self._linear(heads, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inner = self._linear(x, f"{name}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        return self._normed(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self._of(f"{name}.weight").T + self._of(f"{name}.bias")

    def _normed(self, x: Any, name: str) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * self._of(f"{name}.weight") + self._of(f"{name}.bias")

    def _of(self, name: str) -> Any:
        return self._weights[name].astype(np.float64)


def test_the_graph_computes_what_the_network_does(encoder: TextModel) -> None:
    """Computed once more, in 64 bits, from the same weights."""
    ids = Tokenizer.from_file(str(PACKAGE / "tokenizer.json"))
    ids.no_padding()
    expected = Bert(PACKAGE).vector(ids.encode(SENTENCE).ids)
    np.testing.assert_allclose(vectors(encoder, [SENTENCE])[0], expected, atol=1e-6)


def test_sentences_are_as_alike_as_the_models_makers_publish(encoder: TextModel) -> None:
    others = vectors(encoder, OTHERS)
    for sentence, expected in PUBLISHED.items():
        np.testing.assert_allclose(vectors(encoder, [sentence])[0] @ others.T, expected, atol=1e-4)


def test_a_vector_does_not_depend_on_who_stands_beside_it(encoder: TextModel) -> None:
    """But for the rounding of 32-bit floats: longer neighbours pad it, and the padding is masked."""
    texts = [SENTENCE, "Good.", *(SENTENCE * count for count in range(2, 40))]
    together = vectors(encoder, texts)
    alone = np.concatenate([vectors(encoder, [text]) for text in texts[:3]])
    np.testing.assert_allclose(together[:3], alone, atol=5e-7)


def test_a_text_is_cut_after_256_tokens(encoder: TextModel) -> None:
    long = "good coffee " * 127
    assert (vectors(encoder, [long]) == vectors(encoder, [long + "bad tea " * 50])).all()
    assert (vectors(encoder, [long]) != vectors(encoder, ["good coffee " * 100])).any()


def test_the_same_package_gives_the_same_graph(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        model.write_model(PACKAGE, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
