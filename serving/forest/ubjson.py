"""Read UBJSON, as far as XGBoost writes it: the form in which a booster says what it is.

A number type followed by `#` and a count makes an array of numbers in one piece, big-endian, which becomes a
numpy array without a detour through Python numbers [https://ubjson.org, "Optimized Format"].
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

_NUMBERS: dict[bytes, np.dtype[Any]] = {
    b"i": np.dtype(">i1"),
    b"U": np.dtype(">u1"),
    b"I": np.dtype(">i2"),
    b"l": np.dtype(">i4"),
    b"L": np.dtype(">i8"),
    b"d": np.dtype(">f4"),
    b"D": np.dtype(">f8"),
}
_FORMS = {
    marker: struct.Struct(form)
    for marker, form in zip(_NUMBERS, (">b", ">B", ">h", ">i", ">q", ">f", ">d"), strict=True)
}
"""The same for numbers that stand alone."""

_CONSTANTS = {b"T": True, b"F": False, b"Z": None}


def read_ubjson(content: bytes) -> Any:
    """Return the one value in `content`.

    Raises:
        ValueError: It is not whole, or has something that XGBoost does not write.
    """
    return _Reader(content).value()


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def value(self) -> Any:
        """Read the value that stands here."""
        marker = self._take(1)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _NUMBERS:
            return self._number(marker)
        if marker == b"S":
            return self._text()
        if marker == b"[":
            return self._array()
        if marker == b"{":
            return self._object()
        raise ValueError(f"byte {self._at - 1} is {marker!r}, which begins no value")

    def _take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) != count or count < 0:
            raise ValueError(f"ends within the value at byte {self._at}")
        self._at += count
        return taken

    def _number(self, marker: bytes) -> Any:
        form = _FORMS[marker]
        return form.unpack(self._take(form.size))[0]

    def _count(self) -> int:
        marker = self._take(1)
        if marker not in _NUMBERS:
            raise ValueError(f"byte {self._at}: a length is of {marker!r}")
        return int(self._number(marker))

    def _text(self) -> str:
        return self._take(self._count()).decode()

    def _is_next(self, marker: bytes) -> bool:
        found = self._content[self._at : self._at + 1] == marker
        self._at += found
        return found

    def _array(self) -> Any:
        if self._is_next(b"$"):
            marker = self._take(1)
            if marker not in _NUMBERS or not self._is_next(b"#"):
                raise ValueError(f"byte {self._at}: an array is of {marker!r}")
            kind, count = _NUMBERS[marker], self._count()
            return np.frombuffer(self._take(count * kind.itemsize), dtype=kind).astype(kind.newbyteorder("="))
        if self._is_next(b"#"):
            return [self.value() for _ in range(self._count())]
        values = []
        while not self._is_next(b"]"):
            values.append(self.value())
        return values

    def _object(self) -> dict[str, Any]:
        members = {}
        while not self._is_next(b"}"):
            name = self._text()
            members[name] = self.value()
        return members
