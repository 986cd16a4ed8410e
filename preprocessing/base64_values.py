"""Turn a column of base64 text into bytes, all values at once.

Accepted is what RFC 4648 calls base64: its first alphabet, padding to a multiple of four, no line breaks. The
bits that padding leaves over are not looked at. Anything else is no value.
"""

from __future__ import annotations

import string

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_PADDING, _OTHER = 64, 255
_CODES = np.full(256, _OTHER, dtype=np.uint8)
_CODES[np.frombuffer(_ALPHABET.encode(), dtype=np.uint8)] = np.arange(64, dtype=np.uint8)
_CODES[ord("=")] = _PADDING


def base64_bytes(texts: pa.Array) -> pa.Array:
    """Return what each text stands for; null where it is null or no base64."""
    plain = pc.fill_null(texts, "")
    is_value = texts.is_valid().to_numpy(zero_copy_only=False) & _is_base64(plain)
    offsets, codes = _coded(pc.if_else(pa.array(is_value), plain, ""))
    is_padding = codes == _PADDING
    paddings = np.bincount(_text_of(np.flatnonzero(is_padding), offsets), minlength=len(texts))
    codes[is_padding] = 0
    first, second, third, fourth = codes.reshape(-1, 4).T
    content = np.empty((len(first), 3), dtype=np.uint8)
    content[:, 0] = first << 2 | second >> 4
    content[:, 1] = second << 4 | third >> 2
    content[:, 2] = third << 6 | fourth
    is_kept = ~is_padding.reshape(-1, 4)[:, 1:].ravel()  # padding never stands first
    ends = np.concatenate([[0], np.cumsum(np.diff(offsets) // 4 * 3 - paddings)]).astype(np.int32)
    buffers = [pa.array(is_value).buffers()[1], pa.py_buffer(ends), pa.py_buffer(content.ravel()[is_kept])]
    return pa.Array.from_buffers(pa.binary(), len(texts), buffers)


def _is_base64(texts: pa.Array) -> np.ndarray:
    """Return which texts are base64; a text that is empty is."""
    offsets, codes = _coded(texts)
    is_right: np.ndarray = np.diff(offsets) % 4 == 0
    at = np.flatnonzero(codes >= _PADDING)
    text_of = _text_of(at, offsets)
    to_end = offsets[text_of + 1] - at
    is_last_padding = (codes[at] == _PADDING) & (to_end <= 2)
    is_last_padding &= (to_end == 1) | (codes[at + to_end - 1] == _PADDING)
    is_right[text_of[~is_last_padding]] = False
    return is_right


def _text_of(positions: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return np.searchsorted(offsets, positions, side="right") - 1


def _coded(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return where each text begins, and at last where the last one ends, and the code of every character."""
    _, offsets_buffer, values_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    values = np.frombuffer(values_buffer or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    return (offsets - offsets[0]).astype(np.int64), _CODES[values]
