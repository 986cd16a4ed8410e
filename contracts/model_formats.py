"""The formats in which a model may travel, and what is said of the others.

    XGBoost JSON, XGBoost UBJ    model.json, model.ubj
    LightGBM text                model.txt
    ONNX                         model.onnx

All of them are data: reading one runs no code of its maker. A format is known by its file's name and first
bytes; what may hold a pickle is refused by them and never opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from contracts.errors import CallerError

START_BYTE_COUNT = 8
"""As many bytes as `check_model_start` looks at."""


@dataclass(frozen=True, kw_only=True)
class ModelFormat:
    """A format that is taken.

    Attributes:
        title: As people call it.
        file_name: Of the model in an artifact; its suffix is that of any file in this format.
        start: The first bytes of every such file.
        how_to_save: The call that writes it.
    """

    title: str
    file_name: str
    start: bytes
    how_to_save: str

    @property
    def suffix(self) -> str:
        """Ending of a file in this format, with its dot."""
        return PurePath(self.file_name).suffix


MODEL_FORMATS = (
    ModelFormat(
        title="XGBoost JSON",
        file_name="model.json",
        start=b"{",
        how_to_save="booster.save_model('model.json')",
    ),
    ModelFormat(
        title="XGBoost UBJ", file_name="model.ubj", start=b"{", how_to_save="booster.save_model('model.ubj')"
    ),
    ModelFormat(
        title="LightGBM text",
        file_name="model.txt",
        start=b"tree",
        how_to_save="booster.save_model('model.txt')",
    ),
    # A protobuf message: the first field of every writer is the version of the format, a number.
    ModelFormat(
        title="ONNX",
        file_name="model.onnx",
        start=b"\x08",
        how_to_save="skl2onnx.to_onnx(model, X[:1], options={'zipmap': False}), or your library's exporter",
    ),
)

FORMATS_TAKEN = ", ".join(f"{entry.title} ({entry.suffix})" for entry in MODEL_FORMATS)
"""For messages."""


@dataclass(frozen=True, kw_only=True)
class _ForeignFormat:
    """A format that is not taken.

    Attributes:
        sentence: What such a file is.
        remedy: How its model gets into a format that is taken.
        suffixes: Endings of such files.
        starts: First bytes of such files.
    """

    sentence: str
    remedy: str
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...] = ()


_FOREIGN_FORMATS = (
    _ForeignFormat(
        sentence="may hold a pickle, which runs code when it is read",
        remedy="load it where it was made, and save an XGBoost model with booster.save_model('model.ubj'), a "
        "LightGBM model with booster.save_model('model.txt'), a scikit-learn model with "
        "skl2onnx.to_onnx(model, X[:1], options={'zipmap': False})",
        suffixes=(".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".npy", ".sav"),
        # Pickle of protocol 2 and later; numpy; joblib's compressed forms (zlib, gzip, bzip2, xz).
        starts=(b"\x80", b"\x93NUMPY", b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"),
    ),
    _ForeignFormat(
        sentence="may be a PyTorch file, which holds a pickle that runs code when it is read",
        remedy="load it where it was made, and save it with torch.onnx.export(model, …, 'model.onnx')",
        suffixes=(".pt", ".pth"),
    ),
    _ForeignFormat(
        sentence="may be a Keras file, whose layers can hold code",
        remedy="load it where it was made, and save it with model.export('model.onnx', format='onnx') or "
        "tf2onnx",
        suffixes=(".keras", ".h5", ".hdf5"),
        starts=(b"\x89HDF",),
    ),
    _ForeignFormat(
        sentence="is a zip archive, as PyTorch and Keras write them, and may hold code",
        remedy="load it where it was made, and save it with torch.onnx.export(…), or with Keras's "
        "model.export('model.onnx', format='onnx')",
        suffixes=(),
        starts=(b"PK\x03\x04",),
    ),
    _ForeignFormat(
        sentence="may be an XGBoost model in the old binary form, which XGBoost has given up",
        remedy="load it with the version of XGBoost that wrote it, and save it with "
        "booster.save_model('model.ubj')",
        suffixes=(".bst",),
        starts=(b"binf",),
    ),
)


def format_of(name: str) -> ModelFormat | None:
    """Return the format that a file of this name in an artifact has, or None if it is no model's name."""
    return next((entry for entry in MODEL_FORMATS if entry.file_name == name), None)


def check_suffix(where: str, suffix: str) -> None:
    """Check that a file may lie in an artifact.

    Args:
        where: The file, as a message names it.
        suffix: Its ending with the dot, in any case.

    Raises:
        CallerError: Files that end so may run code when they are read, or are of no use to anybody.
    """
    for foreign in _FOREIGN_FORMATS:
        if suffix.lower() in foreign.suffixes:
            raise _refused(where, foreign)


def check_model_start(where: str, expected: ModelFormat, start: bytes) -> None:
    """Check the first bytes of a model.

    Args:
        where: The file, as a message names it.
        expected: What its name says that it is.
        start: Its first START_BYTE_COUNT bytes, or as many as it has.

    Raises:
        CallerError: It is something else.
    """
    if start.startswith(expected.start):
        return
    for foreign in _FOREIGN_FORMATS:
        if start.startswith(foreign.starts):
            raise _refused(where, foreign)
    raise CallerError(
        f"{where}: begins with {start!r} and is no {expected.title} model; save it with "
        f"{expected.how_to_save}"
    )


def _refused(where: str, foreign: _ForeignFormat) -> CallerError:
    return CallerError(f"{where}: {foreign.sentence}; {foreign.remedy}; taken are {FORMATS_TAKEN}")
