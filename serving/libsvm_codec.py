"""LIBSVM text, as AWS's built-in XGBoost container takes it: in go sparse lines, out comes one line for each.

    0 1:2.5 7:1            label, then position:value of every feature that has a value
    1:2.5 7:1              the same without a label, which is not looked at anyway

Positions count from 0, as XGBoost reads such text if nothing else is said
(https://xgboost.readthedocs.io/en/stable/tutorials/input_format.html), in the order of the contract. What is
not named is missing, and so is `nan`. An answer line is as on the `csv` wire. A damaged line becomes a fault
in its place. No pipeline of ours sends this form; whoever calls the server by another way may.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract
from contracts.errors import bounded
from serving.codecs import DecodedPayload
from serving.csv_codec import score_lines
from serving.scorer import Scores

LIBSVM_CONTENT_TYPES = ("text/libsvm", "text/x-libsvm")

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_LABEL = rf"^(?:{_NUMBER})$"
_ENTRY = rf"^(?P<position>[0-9]{{1,9}}):(?P<value>{_NUMBER}|[nN][aA][nN])$"


class LibsvmCodec:
    """Reads LIBSVM lines for one contract and answers with lines of CSV."""

    content_type = LIBSVM_CONTENT_TYPES[0]
    answer_type = "text/csv"

    def __init__(self, contract: DatasetContract) -> None:
        """Take the contract of the model."""
        self._feature_count = len(contract.features)

    def decode(self, body: bytes) -> DecodedPayload:
        """Read sparse lines; see `Codec.decode`."""
        text = pa.array([body.decode("utf-8", "replace").removesuffix("\n")])
        lines = pc.list_flatten(pc.split_pattern(text, "\n"))
        tokens = pc.ascii_split_whitespace(pc.ascii_trim_whitespace(lines))
        rows = pc.list_parent_indices(tokens).to_numpy()
        words = pc.list_flatten(tokens)
        entries = pc.extract_regex(words, _ENTRY)
        is_entry = pc.is_valid(entries).to_numpy(zero_copy_only=False)
        is_first = np.diff(rows, prepend=-1) != 0
        is_label = is_first & pc.match_substring_regex(words, _LABEL).to_numpy(zero_copy_only=False)
        is_empty = pc.equal(words, "").to_numpy(zero_copy_only=False)
        faults: dict[int, str] = {}
        _note(faults, rows, words, ~(is_entry | is_label | is_empty), "is not position:value")
        found = entries.filter(pa.array(is_entry))
        positions = pc.cast(pc.struct_field(found, "position"), pa.int64()).to_numpy(zero_copy_only=False)
        values = pc.cast(pc.struct_field(found, "value"), pa.float64()).to_numpy(zero_copy_only=False)
        entry_rows, entry_words = rows[is_entry], words.filter(pa.array(is_entry))
        is_beyond = positions >= self._feature_count
        last = self._feature_count - 1
        _note(faults, entry_rows, entry_words, is_beyond, f"is beyond the last feature, {last}")
        keys = entry_rows * self._feature_count + np.minimum(positions, last)
        is_repeated = ~is_beyond & _repeated(keys)
        _note(faults, entry_rows, entry_words, is_repeated, "names a feature a second time")
        vectors = np.full((len(lines), self._feature_count), np.nan, dtype=np.float32)
        with np.errstate(over="ignore"):  # infinity: the scorer says what is wrong with it
            vectors[entry_rows[~is_beyond], positions[~is_beyond]] = values[~is_beyond].astype(np.float32)
        vectors[list(faults)] = np.nan
        return DecodedPayload(features=vectors, faults=faults)

    def encode(self, payload: DecodedPayload, scores: Scores) -> bytes:  # noqa: ARG002 - there are no ids
        """Write one line of CSV for each record."""
        return score_lines(scores)


def _note(faults: dict[int, str], rows: np.ndarray, words: pa.Array, is_wrong: np.ndarray, what: str) -> None:
    """Add the first wrong word of each line that has no fault yet."""
    wrong = np.flatnonzero(is_wrong)
    for row, word in zip(rows[wrong].tolist(), words.take(pa.array(wrong)).to_pylist(), strict=True):
        faults.setdefault(row, f"{bounded(word, 60)!r} {what}")


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Return which keys occurred before."""
    is_repeated = np.ones(len(keys), dtype=bool)
    is_repeated[np.unique(keys, return_index=True)[1]] = False
    return is_repeated
