"""Texts to tokens, with the model's own `tokenizer.json`, and tokens to batches without much padding.

A text has at most as many tokens as the tokenizer's truncation says; what is longer is cut, as in training. A
batch has texts of about the same length, padded on the right to its longest one: texts are short mostly, and
padded to the longest of all they would cost several times as much.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from contracts.errors import CallerError, bounded
from contracts.model_artifact import TOKENIZER_FILE

MAX_TOKENIZER_BYTES = 256 * 1024 * 1024
MAX_TOKENS = 8192
"""The largest truncation that is taken: memory for one text grows with its square."""

TEXTS_AT_ONCE, CHARS_AT_ONCE = 1024, 1_000_000
"""Texts, and characters of them, whose tokens are objects at the same time, before they become numbers: those
of a megabyte of text take a hundred."""

MAX_CHARS_PER_TOKEN = 1000
"""No more of a text is looked at than so many for each token that it may have; what has fewer tokens in so
many characters (a word without end, a page of spaces) is cut there."""

_PROBE = "A text of some words."
_PANIC = "PanicException"
"""What a fault in Rust code arrives as: no Exception, and its class cannot be imported."""

_HOW_TO_SAVE = "save it with tokenizer.enable_truncation(max_length=…) and tokenizer.save('tokenizer.json')"


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokens of some texts.

    Attributes:
        ids: int64 of shape (tokens,), those of the first text first.
        lengths: int64 of shape (texts,): tokens of each text.
    """

    ids: np.ndarray
    lengths: np.ndarray

    def padded(self, texts: np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and attention mask of some texts, int64 of shape (texts, tokens of the longest).

        Args:
            texts: Positions of the texts, which have a token each at least.
            pad_id: Stands where a text has no token; the mask is 0 there, else 1.
        """
        lengths = self.lengths[texts]
        columns = np.arange(lengths.max())
        mask = columns < lengths[:, None]
        starts = (np.cumsum(self.lengths) - self.lengths)[texts]
        places = np.minimum(starts[:, None] + columns, len(self.ids) - 1)
        return np.where(mask, self.ids[places], pad_id), mask.astype(np.int64)


class TextTokenizer:
    """A tokenizer that was checked when it was loaded."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        """Take a tokenizer without padding, which cuts what is longer than `max_tokens`."""
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens
        vocabulary = tokenizer.get_vocab(with_added_tokens=True).values()
        added = tokenizer.encode_batch_fast([""])[0].ids  # around every text, and perhaps of no vocabulary
        self.largest_id = max((*vocabulary, *added), default=0)

    def tokens(self, texts: Sequence[str]) -> tuple[Tokens, dict[int, str]]:
        """Return the tokens of texts; a text that has none also has a reason, by its position."""
        ids, lengths = [], []
        faults: dict[int, str] = {}
        starts = [text[: self.max_tokens * MAX_CHARS_PER_TOKEN] for text in texts]
        for start, end in _slices(starts):
            encoded, odd = self._encoded(starts[start:end])
            faults |= {start + at: reason for at, reason in odd.items()}
            lengths += [len(one) for one in encoded]
            ids.append(np.fromiter(itertools.chain.from_iterable(encoded), np.int64))
        for at, length in enumerate(lengths):
            if not length:
                faults.setdefault(at, "the text has no token that the tokenizer knows")
        return Tokens(ids=np.concatenate(ids), lengths=np.array(lengths, np.int64)), faults

    def _encoded(self, texts: Sequence[str]) -> tuple[list[list[int]], dict[int, str]]:
        try:
            with _naming_errors():
                return [one.ids for one in self._tokenizer.encode_batch_fast(texts)], {}
        except CallerError as error:
            if len(texts) == 1:
                return [[]], {0: f"the tokenizer cannot read the text: {error}"}
        middle = len(texts) // 2
        first, odd = self._encoded(texts[:middle])
        second, odd_later = self._encoded(texts[middle:])
        return first + second, odd | {middle + at: reason for at, reason in odd_later.items()}


def _slices(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where each slice begins and ends: one text, or no more than TEXTS_AT_ONCE and CHARS_AT_ONCE."""
    start, char_count = 0, 0
    for at, text in enumerate(texts):
        if at > start and (at - start == TEXTS_AT_ONCE or char_count + len(text) > CHARS_AT_ONCE):
            yield start, at
            start, char_count = at, 0
        char_count += len(text)
    if texts:
        yield start, len(texts)


def load_tokenizer(folder: Path) -> TextTokenizer:
    """Load the tokenizer beside a model.

    Raises:
        CallerError: There is none, it is damaged, or it does not say where a text is to be cut.
    """
    path = folder / TOKENIZER_FILE
    tokenizer = _read(path)
    truncation = tokenizer.truncation or {}
    max_tokens = truncation.get("max_length", 0)
    if not 1 <= max_tokens <= MAX_TOKENS:
        found = (
            f"cuts texts at {max_tokens} tokens" if truncation else "does not say where long texts are cut"
        )
        raise CallerError(
            f"{path}: {found}; expected a truncation of 1 to {MAX_TOKENS} tokens, which the model can take: "
            f"{_HOW_TO_SAVE}"
        )
    with _naming_errors(f"{path}: cannot be used to cut texts: ", f"; {_HOW_TO_SAVE}"):
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens, direction=truncation.get("direction", "right"))
        added, _ = tokenizer.encode_batch_fast(["", _PROBE])
    if len(added.ids) >= max_tokens:
        raise CallerError(
            f"{path}: cuts texts at {max_tokens} tokens, of which {len(added.ids)} are added around each "
            f"text, so that there is no room for any of it, and longer texts are not cut: {_HOW_TO_SAVE}"
        )
    return TextTokenizer(tokenizer, max_tokens)


def token_batches(lengths: np.ndarray, tokens_at_once: int) -> Iterator[np.ndarray]:
    """Yield the positions of all texts that have a token, in batches of about the same length.

    Args:
        lengths: Tokens of each text.
        tokens_at_once: That a batch has at most, padding included, unless it is one text.
    """
    order = np.argsort(-lengths, kind="stable")[: int(np.count_nonzero(lengths))]
    start = 0
    while start < len(order):
        end = start + max(1, tokens_at_once // int(lengths[order[start]]))
        yield order[start:end]
        start = end


def _read(path: Path) -> Any:
    try:
        byte_count = path.stat().st_size
        content = path.read_bytes() if byte_count <= MAX_TOKENIZER_BYTES else b""
    except OSError as error:
        raise CallerError(
            f"{path}: cannot be read: {error.strerror}; a model that reads text has its tokenizer beside it: "
            f"batchscore package --tokenizer {TOKENIZER_FILE}"
        ) from error
    if byte_count > MAX_TOKENIZER_BYTES:
        raise CallerError(f"{path}: has {byte_count} bytes; a tokenizer has at most {MAX_TOKENIZER_BYTES}")
    with _naming_errors(f"{path}: is no tokenizer of Hugging Face's `tokenizers`: ", f"; {_HOW_TO_SAVE}"):
        return Tokenizer.from_buffer(content)


@contextmanager
def _naming_errors(before: str = "", after: str = "") -> Iterator[None]:
    """Turn what the library raises into a CallerError: nothing more specific than Exception, and panics."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        raise CallerError(f"{before}{bounded(' '.join(str(error).split()), 200)}{after}") from error
