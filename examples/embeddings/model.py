"""Write the sentence encoder all-MiniLM-L6-v2 as one ONNX graph, from the weights that its package brings.

    input_ids, attention_mask      int64 [texts, tokens]
      └ embeddings                 word + position + first part, layer norm
          └ 6 layers               attention of 12 heads, then a network of 1,536 units, each added and normed
              └ mean               over the tokens that the mask lets through
                  └ norm 1         vector: float32 [texts, 384]

The weights are BERT's, by their names in `model.safetensors`. Nothing is trained here: the same package gives
the same graph, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from contracts.atomic_files import write_bytes

HEAD_COUNT = 12
NORM_EPSILON = 1e-12
MASKED_OUT = -1e4
"""Added to the attention of a token that is padding: after the exponential, nothing is left of it."""

OPSET = 20
MAX_TOKENS = 256
"""As sentence-transformers reads texts with this model; what is longer is cut."""

Weights = dict[str, np.ndarray]


class GraphWriter:
    """Collects nodes and constants; each method returns the name of what its node computes."""

    def __init__(self, weights: Weights) -> None:
        """Take the weights by name."""
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self._weights = weights

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        """Add a node with one output."""
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: object, kind: type = np.int64) -> str:
        """Add a small constant."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.array(values, dtype=kind)
        return name

    def weight(self, name: str, *, is_turned: bool = False) -> str:
        """Use a weight; a matrix may be turned, as PyTorch keeps [outputs, inputs]."""
        known = f"{name}.turned" if is_turned else name
        values = self._weights[name]
        self.constants[known] = np.ascontiguousarray(values.T) if is_turned else values
        return known

    def linear(self, x: str, name: str) -> str:
        """Multiply by a weight and add a bias."""
        product = self.node("MatMul", x, self.weight(f"{name}.weight", is_turned=True))
        return self.node("Add", product, self.weight(f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        """Normalise the numbers of each token."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=NORM_EPSILON)


def write_model(package: Path, path: Path) -> None:
    """Write the graph of the encoder in the folder `package` to `path`, whole or not at all."""
    write_bytes(path, encoder(load_file(package / "model.safetensors")).SerializeToString(deterministic=True))


def write_tokenizer(package: Path, path: Path) -> None:
    """Write the package's tokenizer, which cuts texts at 128 tokens and pads them, for MAX_TOKENS."""
    document = json.loads((package / "tokenizer.json").read_bytes())
    document["truncation"]["max_length"] = MAX_TOKENS
    document["padding"] = None
    write_bytes(path, json.dumps(document, ensure_ascii=False).encode())


def encoder(weights: Weights) -> ModelProto:
    """Return the graph of an encoder with these weights."""
    writer = GraphWriter(weights)
    x = _embeddings(writer)
    attention_bias = _attention_bias(writer)
    for layer in _layers(weights):
        x = _layer(writer, x, layer, attention_bias)
    _mean_of_norm_1(writer, x)
    tensors = [numpy_helper.from_array(values, name) for name, values in writer.constants.items()]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    width = weights["embeddings.LayerNorm.bias"].shape[0]
    output = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["texts", width])
    graph = helper.make_graph(writer.nodes, "sentence_encoder", inputs, [output], tensors)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9, producer_name="batchscore example")


def _layers(weights: Weights) -> Iterator[str]:
    number = 0
    while f"encoder.layer.{number}.output.dense.weight" in weights:
        yield f"encoder.layer.{number}"
        number += 1


def _embeddings(writer: GraphWriter) -> str:
    words = writer.node("Gather", writer.weight("embeddings.word_embeddings.weight"), "input_ids")
    token_count = writer.node("Shape", "input_ids", start=1, end=2)
    positions = writer.node(
        "Slice", writer.weight("embeddings.position_embeddings.weight"), writer.constant([0]), token_count
    )
    first_part = writer.constant(writer._weights["embeddings.token_type_embeddings.weight"][0], np.float32)
    sums = writer.node("Add", writer.node("Add", words, positions), first_part)
    return writer.norm(sums, "embeddings.LayerNorm")


def _attention_bias(writer: GraphWriter) -> str:
    """Return what is added to the attention of each token: nothing, or MASKED_OUT where it is padding."""
    mask = writer.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    missing = writer.node("Sub", writer.constant(1, np.float32), mask)
    bias = writer.node("Mul", missing, writer.constant(MASKED_OUT, np.float32))
    return writer.node("Unsqueeze", bias, writer.constant([1, 2]))


def _layer(writer: GraphWriter, x: str, name: str, attention_bias: str) -> str:
    attended = writer.linear(
        _attention(writer, x, f"{name}.attention.self", attention_bias), f"{name}.attention.output.dense"
    )
    x = writer.norm(writer.node("Add", x, attended), f"{name}.attention.output.LayerNorm")
    inner = writer.node("Gelu", writer.linear(x, f"{name}.intermediate.dense"))
    outer = writer.linear(inner, f"{name}.output.dense")
    return writer.norm(writer.node("Add", x, outer), f"{name}.output.LayerNorm")


def _attention(writer: GraphWriter, x: str, name: str, attention_bias: str) -> str:
    by_head = writer.constant([0, 0, HEAD_COUNT, -1])
    query, key, value = (
        writer.node("Reshape", writer.linear(x, f"{name}.{part}"), by_head)
        for part in ("query", "key", "value")
    )
    # [texts, heads, tokens, numbers]; the key is turned for the product.
    query, value = (writer.node("Transpose", part, perm=[0, 2, 1, 3]) for part in (query, value))
    key = writer.node("Transpose", key, perm=[0, 2, 3, 1])
    head_width = writer._weights[f"{name}.query.bias"].shape[0] // HEAD_COUNT
    scale = writer.constant(1 / np.sqrt(head_width), np.float32)
    likeness = writer.node(
        "Add", writer.node("Mul", writer.node("MatMul", query, key), scale), attention_bias
    )
    heads = writer.node("MatMul", writer.node("Softmax", likeness, axis=-1), value)
    joined = writer.node("Transpose", heads, perm=[0, 2, 1, 3])
    return writer.node("Reshape", joined, writer.constant([0, 0, -1]))


def _mean_of_norm_1(writer: GraphWriter, x: str) -> None:
    mask = writer.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = writer.node("Unsqueeze", mask, writer.constant([2]))
    tokens = writer.constant([1])
    total = writer.node("ReduceSum", writer.node("Mul", x, mask), tokens, keepdims=0)
    mean = writer.node("Div", total, writer.node("ReduceSum", mask, tokens, keepdims=0))
    length = writer.node("ReduceL2", mean, writer.constant([1]), keepdims=1)
    writer.nodes.append(helper.make_node("Div", [mean, length], ["vector"]))
