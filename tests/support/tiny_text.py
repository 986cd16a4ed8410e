"""A model of text whose numbers a reader can add up, and the contract that goes with it.

Each word is worth two numbers; a text is worth the sum of its first MAX_TOKENS words:

    good 1 0.5      bad -1 0.25      very 10 0      any other word 0 100
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tiny_other_models import write_onnx
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

MAX_TOKENS = 6
WORTH = {
    "[PAD]": (7.0, 7.0),
    "[UNK]": (0.0, 100.0),
    "good": (1.0, 0.5),
    "bad": (-1.0, 0.25),
    "very": (10.0, 0.0),
}

TEXT_CONTRACT = """\
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: review, type: string, constraints: {maxLength: 200}}
primaryKey: id
scoring:
  features: [review]
  modelInput: text
  outputs: {count: 2, type: float32}
"""


def tiny_vector(text: str) -> list[float]:
    """Return what the model answers for one text."""
    worth = [WORTH.get(word, WORTH["[UNK]"]) for word in text.split()[:MAX_TOKENS]]
    return [sum(numbers) for numbers in zip(*worth, strict=True)]


def make_tokenizer(path: Path, *, max_tokens: int | None = MAX_TOKENS, words: int = len(WORTH)) -> Path:
    """Write a tokenizer of the first so many words, which splits at spaces, and return `path`."""
    vocabulary = {word: number for number, word in enumerate(list(WORTH)[:words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a word, and no secret
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_padding(length=50)  # which would cost time: it is left out
    if max_tokens:
        tokenizer.enable_truncation(max_tokens)
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return path


def make_text_model(path: Path, *, is_pooled: bool = True, output_count: int = 2) -> Path:
    """Write the graph, which sums up over the tokens if it is pooled, and return `path`."""
    table = np.array(list(WORTH.values()), np.float32)[:, :output_count]
    names = ("input_ids", "attention_mask", "token_type_ids")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["worth"]),
        helper.make_node("Add", ["attention_mask", "token_type_ids"], ["there"]),  # types are zeros
        helper.make_node("Cast", ["there"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["masks"]),
        helper.make_node("Mul", ["worth", "masks"], ["masked" if is_pooled else "vector"]),
        *([helper.make_node("ReduceSum", ["masked", "tokens"], ["vector"], keepdims=0)] if is_pooled else []),
    ]
    constants = {"table": table, "last": np.array([2]), "tokens": np.array([1])}
    return write_onnx(
        path,
        nodes,
        inputs={name: [None, None] for name in names},
        outputs={"vector": [None, output_count] if is_pooled else [None, None, output_count]},
        kinds=dict.fromkeys(names, TensorProto.INT64),
        weights=[numpy_helper.from_array(values, name) for name, values in constants.items()],
    )


def make_text_folder(folder: Path, contract: str = TEXT_CONTRACT) -> Path:
    """Write model, tokenizer and contract as an unpacked artifact into `folder`, and return `folder`."""
    make_text_model(folder / "model.onnx")
    make_tokenizer(folder / "tokenizer.json")
    (folder / "contract.json").write_text(contract)
    return folder
