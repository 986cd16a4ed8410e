"""The model artifact `model.tar.gz`: a model in a safe format, its contract, its training baseline.

    model.json | model.ubj | model.txt | model.onnx
                                 the model, in one of the safe formats of `contracts.model_formats`
    contract.json                the dataset contract that it was trained under
    baseline.json                optional: what the training data looked like
    tokenizer.json               of a model that reads text: Hugging Face's `tokenizers` cut texts up with it

An artifact for a container that is not ours may hold the model alone.

An archive is untrusted: links, devices, sparse files, absolute or climbing paths, names that stand twice,
pickles, too many or too large members, and what unpacks to far more than it is, are refused before anything
is written.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from contracts.contract_file import MAX_CONTRACT_BYTES, parse_contract
from contracts.dataset import DatasetContract
from contracts.errors import CallerError, bounded
from contracts.model_formats import (
    MODEL_FORMATS,
    START_BYTE_COUNT,
    ModelFormat,
    check_model_start,
    check_suffix,
    format_of,
)

MODEL_FILES = tuple(entry.file_name for entry in MODEL_FORMATS)
CONTRACT_FILE = "contract.json"
BASELINE_FILE = "baseline.json"
TOKENIZER_FILE = "tokenizer.json"
ARTIFACT_FILE = "model.tar.gz"

BUILTIN_TRAINED_MODEL = "xgboost-model"
"""[src] aws/sagemaker-xgboost-container, `train.train_job`; `-0`, `-1`, … follow after k-fold training. The
format is what that version's `save_model` takes without a suffix; that of 1.7 is no longer read [ran]."""

MAX_READ_BYTES = 16 * 1024 * 1024
"""Of an archive at once."""

MAX_MEMBERS = 1000
MAX_UNPACKED_BYTES = 20 * 1024**3
MAX_NAME_BYTES = 255
"""Of one part of a path, as file systems have it."""

MAX_EXPANSION = 200
"""Bytes unpacked over bytes packed: models compress tenfold, zeros a thousandfold."""

FREE_UNPACKED_BYTES = 64 * 1024**2
"""So much may come out of any archive, however small it is."""


def check_artifact(path: Path) -> DatasetContract:
    """Check every member of an artifact without unpacking it, and return its contract.

    Raises:
        CallerError: It is not a gzip-compressed tar, has a forbidden member, or lacks the model or contract.
    """
    contract = find_contract(path)
    if contract is None:
        raise CallerError(f"{path}: has no {CONTRACT_FILE}; make artifacts with `batchscore package`")
    return contract


def find_contract(path: Path) -> DatasetContract | None:
    """Check an artifact as `check_artifact` does, and return its contract, or None if it holds a model alone.

    Raises:
        CallerError: As above; or it has no contract, but something else beside the model: AWS's built-in
            XGBoost container loads every file as a model.
    """
    names: list[str] = []
    contract: DatasetContract | None = None
    with _readable(path):
        for archive, member in _members(path):
            name = _safe_name(path, member)
            if member.isfile():
                names.append(name)
            model_format = format_of(name)
            if model_format is not None:
                _check_model_start(path, model_format, archive, member)
            if name == CONTRACT_FILE:
                stream = archive.extractfile(member)
                content = stream.read(MAX_CONTRACT_BYTES + 1) if stream else b""
                contract = parse_contract(content, name=f"{path}:{CONTRACT_FILE}", is_trusted=False)
    model_names = [name for name in names if name in MODEL_FILES]
    if len(model_names) != 1:
        raise CallerError(
            f"{path}: expected exactly one model at the top of the archive ({' or '.join(MODEL_FILES)}), "
            f"found {', '.join(model_names) or 'none'}; {_way_out(names)}make artifacts with `batchscore "
            "package`"
        )
    if contract is None and len(names) > 1:
        others = ", ".join(name for name in names if name not in model_names)
        raise CallerError(
            f"{path}: has no {CONTRACT_FILE}, but {bounded(others, 200)} beside the model; make artifacts "
            "with `batchscore package`"
        )
    return contract


def _way_out(names: list[str]) -> str:
    """Say how a model that AWS's own XGBoost training wrote gets into a format that is taken."""
    if not any(name.startswith(BUILTIN_TRAINED_MODEL) for name in names):
        return ""
    return (
        f"{BUILTIN_TRAINED_MODEL} is what AWS's training jobs write: load it with their version of XGBoost, "
        "save it with booster.save_model('model.json'), and "
    )


def _check_model_start(
    path: Path, expected: ModelFormat, archive: tarfile.TarFile, member: tarfile.TarInfo
) -> None:
    """Refuse at once what is no model of the format that its name says."""
    stream = archive.extractfile(member)
    start = stream.read(START_BYTE_COUNT) if stream else b""
    check_model_start(f"{path}: member {member.name!r}", expected, start)


def unpack_artifact(path: Path, folder: Path) -> None:
    """Unpack a checked artifact into `folder`, as SageMaker does into `/opt/ml/model`.

    Only the content of files is taken from the archive, neither owners nor modes nor times.

    Raises:
        CallerError: It is not an archive, or has a member that may not be unpacked.
    """
    with _readable(path):
        for _ in _members(path):
            pass  # all are looked at before the first is written
        for archive, member in _members(path):
            target = folder / _safe_name(path, member)
            content = archive.extractfile(member)
            if content is None:  # a folder
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as stream:
                shutil.copyfileobj(content, stream)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what reading a damaged archive raises into a CallerError; a full disk stays an OSError."""
    try:
        yield
    # Damaged numbers, and headers nested without end, come out of `tarfile` as the latter three.
    except (
        tarfile.TarError,
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        raise CallerError(f"{path}: is not a readable model.tar.gz: {error}") from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise CallerError(f"{path}: cannot be read: {error.strerror}") from error


class _BoundedStream:
    """An archive's bytes, of which nobody reads very many at once, or between two members.

    `tarfile` reads a header of any length that the archive states, gigabytes of zeros included, before the
    member is seen and could be counted.

    Attributes:
        header_bytes: Read since the last member, or None while its content is read.
    """

    def __init__(self, path: Path, stream: gzip.GzipFile) -> None:
        self._path = path
        self._stream = stream
        self.header_bytes: int | None = 0
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, byte_count: int) -> bytes:
        if not 0 <= byte_count <= MAX_READ_BYTES:
            raise CallerError(f"{self._path}: has a header of {byte_count} bytes; refused")
        if self.header_bytes is not None:
            self.header_bytes += byte_count
            if self.header_bytes > MAX_READ_BYTES:
                raise CallerError(f"{self._path}: has {self.header_bytes} bytes of headers in a row; refused")
        return self._stream.read(byte_count)


def _members(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    unpacked_bytes = 0
    limit = min(MAX_UNPACKED_BYTES, FREE_UNPACKED_BYTES + MAX_EXPANSION * path.stat().st_size)
    kinds: dict[PurePosixPath, bool] = {}
    with (
        gzip.open(path) as stream,
        tarfile.open(fileobj=cast("BinaryIO", bounded := _BoundedStream(path, stream)), mode="r:") as archive,
    ):
        for count, member in enumerate(archive, start=1):
            unpacked_bytes += member.size
            if count > MAX_MEMBERS or member.size < 0 or unpacked_bytes > limit:
                raise CallerError(
                    f"{path}: has more than {MAX_MEMBERS} members, or would unpack to more than {limit} "
                    "bytes; refused"
                )
            _check_place(path, PurePosixPath(_safe_name(path, member)), member, kinds)
            bounded.header_bytes = None
            yield archive, member
            bounded.header_bytes = 0


def _check_place(
    path: Path, name: PurePosixPath, member: tarfile.TarInfo, kinds: dict[PurePosixPath, bool]
) -> None:
    """Refuse a member whose place is taken; `kinds` says of each name so far whether it is a folder."""
    is_folder = member.isdir()
    is_taken = name in kinds and not (is_folder and kinds[name])
    if is_taken or not all(kinds.setdefault(parent, True) for parent in name.parents):
        raise CallerError(f"{path}: member {member.name!r} stands where another member is; refused")
    kinds[name] = is_folder


def _safe_name(path: Path, member: tarfile.TarInfo) -> str:
    """Return a member's name without a leading `./`, or refuse the archive."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise CallerError(f"{path}: member {member.name!r} would be written outside its folder; refused")
    if not (member.isfile() or member.isdir()) or member.issparse():
        raise CallerError(f"{path}: member {member.name!r} is a link or a device, or has holes; refused")
    if any(len(os.fsencode(part)) > MAX_NAME_BYTES for part in name.parts) or "\0" in member.name:
        raise CallerError(f"{path}: member {member.name!r} has no usable name; refused")
    check_suffix(f"{path}: member {member.name!r}", name.suffix)
    return str(name)
