"""Models of text: an ONNX graph of tokens, and the tokenizer beside it.

    tokenizer.json   of Hugging Face's `tokenizers`; its truncation says how much of a long text is read
    model.onnx       takes `input_ids`, `attention_mask` and, if it wants, `token_type_ids` (zeros: a text has
                     one part): int64 of shape [records, tokens]. Answers one tensor of floats, [records],
                     [records, 1] or [records, outputs]: pooling over the tokens belongs into the graph

Each different text of a payload is scored once. Texts are batched by their number of tokens, so that a text
has other neighbours in another payload: padding is masked, and moves a number by no more than its rounding.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.dataset import TEXT_INPUT
from contracts.errors import CallerError
from serving.column_model import ColumnModel, Predictions
from serving.onnx_session import (
    PROBE_RECORD_COUNT,
    check_probe,
    described,
    open_session,
    run_session,
    scores_name,
    told,
    using_model,
)
from serving.output_count import check_output_count
from serving.text_tokens import TextTokenizer, Tokens, load_tokenizer, token_batches

TOKENS_AT_ONCE = 1024
"""In one run of the graph, padding included. More cost more memory and no less processor time: 4,096 a sixth
more, 8,192 a half more (6 layers of 384 numbers a token, texts of 91 tokens on average)."""

IDS, MASK, TYPES = "input_ids", "attention_mask", "token_type_ids"
PAD_ID = 0
"""Where a text has no token. Any would do: the mask says that it is none."""


@dataclass(frozen=True, kw_only=True)
class TokenGraph:
    """An ONNX graph of tokens.

    Attributes:
        session: Of onnxruntime.
        output_name: Of its tensor with the scores.
        answer_shape: Of the answer to one text: nothing for a number, or how many outputs.
        number_type: Of the answer.
    """

    session: Any
    output_name: str
    answer_shape: tuple[int, ...] = ()
    number_type: Any = np.float32

    def run(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the graph's tensor for texts of one length; ids and mask are int64 [records, tokens]."""
        tensors = {IDS: ids, MASK: mask, TYPES: np.zeros_like(ids)}
        wanted = {entry.name: tensors[entry.name] for entry in self.session.get_inputs()}
        return run_session(self.session, self.output_name, wanted)

    def answers(self, tokens: Tokens) -> np.ndarray:
        """Return the answer to each text, NaN for one without a token."""
        values = np.full((len(tokens.lengths), *self.answer_shape), np.nan, dtype=self.number_type)
        for batch in token_batches(tokens.lengths, TOKENS_AT_ONCE):
            values[batch] = self.run(*tokens.padded(batch, PAD_ID)).reshape(-1, *self.answer_shape)
        return values


class TextModel(ColumnModel):
    """A graph and its tokenizer; see `serving.column_model.ColumnModel`."""

    model_input = TEXT_INPUT

    def __init__(self, graph: TokenGraph, tokenizer: TextTokenizer) -> None:
        """Take a graph that `load_model` has checked with the tokenizer."""
        self._graph = graph
        self._tokenizer = tokenizer
        self.description = f"{described(graph.session)}, of texts of up to {tokenizer.max_tokens} tokens,"

    def predict(self, column: pa.ChunkedArray) -> Predictions:
        """Return what the graph answers; see `serving.column_model.ColumnModel`."""
        texts, rows = _different_texts(column)
        tokens, odd_texts = self._tokenizer.tokens(texts)
        odd_rows = np.flatnonzero(np.isin(rows, list(odd_texts)))
        return Predictions(
            values=self._graph.answers(tokens)[rows],
            faults={int(row): odd_texts[int(rows[row])] for row in odd_rows},
        )


def load_model(path: Path, *, threads: int, output_count: int = 1) -> TextModel:
    """Load a model and the tokenizer beside it; see `serving.scorer.load_scorer`."""
    tokenizer = load_tokenizer(path.parent)
    remedy = f"; it was asked about texts of up to {tokenizer.max_tokens} tokens, with ids up to "
    with using_model(path, remedy=f"{remedy}{tokenizer.largest_id}, as the tokenizer makes them"):
        session = open_session(path, threads=threads)
        _check_inputs(path, session)
        graph = TokenGraph(session=session, output_name=scores_name(path, session))
        lengths = np.array([tokenizer.max_tokens, *[1] * (PROBE_RECORD_COUNT - 1)])
        ids = np.full(int(lengths.sum()), tokenizer.largest_id, dtype=np.int64)
        probe = graph.run(*Tokens(ids=ids, lengths=lengths).padded(np.arange(PROBE_RECORD_COUNT), PAD_ID))
    _check_pooled(path, probe)
    check_probe(path, probe)
    check_output_count(path, probe.size // PROBE_RECORD_COUNT, output_count)
    shape = () if output_count == 1 else (output_count,)
    return TextModel(dataclasses.replace(graph, answer_shape=shape, number_type=probe.dtype), tokenizer)


def _check_inputs(path: Path, session: Any) -> None:
    inputs = session.get_inputs()
    names = {entry.name for entry in inputs}
    is_right = {IDS, MASK} <= names <= {IDS, MASK, TYPES}
    if not is_right or any(entry.type != "tensor(int64)" or len(entry.shape) != 2 for entry in inputs):
        raise CallerError(
            f"{path}: the model's inputs are {told(inputs)}; expected {IDS}, {MASK} and, if it wants, "
            f"{TYPES}, of the type tensor(int64) and the shape [any number of records, any number of tokens]"
        )


def _check_pooled(path: Path, probe: np.ndarray) -> None:
    if probe.ndim == 3:
        raise CallerError(
            f"{path}: the model answers {PROBE_RECORD_COUNT} texts with a tensor of the shape "
            f"{list(probe.shape)}: numbers for each token; pool them in the graph, to one list for each text "
            "(their mean under the mask, or the first token)"
        )


def _different_texts(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Return each different text once, and for each record which of them it has."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    coded = coded.unify_dictionaries().combine_chunks()
    used, rows = np.unique(coded.indices.to_numpy(), return_inverse=True)
    return coded.dictionary.take(pa.array(used)).to_pylist(), rows
