"""Make a model artifact: a model in a safe format and its contract in one archive.

The archive has the same bytes for the same content: members are sorted, and owners and times left out.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from pathlib import Path

import yaml

from contracts.atomic_files import whole_file
from contracts.container_paths import CONTRACT_INPUT, MODEL, PLAN_OUTPUT, SOURCE_INPUT, inside
from contracts.contract_file import check_patterns, read_contract
from contracts.errors import BatchScoreError, CallerError
from contracts.model_artifact import BASELINE_FILE, CONTRACT_FILE, check_artifact
from contracts.model_formats import (
    FORMATS_TAKEN,
    START_BYTE_COUNT,
    check_model_start,
    check_suffix,
    format_of,
)
from runner.container_code import SERVE_ENTRYPOINT, ask_container, lay_input

BASELINE_ARGV = ("python3", "-m", "preprocessing", "baseline")


def package_model(model: Path, contract: Path, out: Path, baseline: Path | None = None) -> None:
    """Check a model against its contract, with the code that will serve it, and write the archive.

    Args:
        model: Model file; its ending says which of the formats of `contracts.model_formats` it has.
        contract: Dataset contract that it was trained under.
        out: The archive to write.
        baseline: File or folder of training data, whose distributions go into the archive.

    Raises:
        BatchScoreError: The model is in no safe format, the contract is wrong, or the two do not fit.
    """
    check_patterns(read_contract(contract), name=str(contract))
    if out.is_dir():
        raise CallerError(f"--out {out}: is a folder; expected the name of a file, such as model.tar.gz")
    model_name, model_content = _model_member(model)
    members = {model_name: model_content, CONTRACT_FILE: _as_json(contract)}
    with tempfile.TemporaryDirectory(prefix="batchscore-package-") as temporary:
        root = Path(temporary)
        folder = inside(root, MODEL)
        folder.mkdir(parents=True)
        for name, content in members.items():
            (folder / name).write_bytes(content)
        try:
            ask_container([*SERVE_ENTRYPOINT, "check"], root)
        except BatchScoreError as error:  # it speaks of the copy that it was given
            places = {folder / model_name: model, folder / CONTRACT_FILE: contract, folder: model}
            raise _about(error, places) from error
    if baseline is not None:
        members[BASELINE_FILE] = _baseline(baseline, contract)
    with whole_file(out) as stream:
        stream.write(_archive(members))
    check_artifact(out)


def _about(error: BatchScoreError, places: dict[Path, Path]) -> BatchScoreError:
    """Return the error with each place replaced by the one that the caller knows."""
    message = str(error)
    for place, known in places.items():
        message = message.replace(str(place), str(known))
    told = BatchScoreError(message)
    told.exit_code = error.exit_code
    return told


def _baseline(data: Path, contract: Path) -> bytes:
    with tempfile.TemporaryDirectory(prefix="batchscore-baseline-") as temporary:
        root = Path(temporary)
        lay_input(inside(root, SOURCE_INPUT), data, "--baseline")
        lay_input(inside(root, CONTRACT_INPUT), contract, "--contract")
        ask_container(BASELINE_ARGV, root)
        return (inside(root, PLAN_OUTPUT) / BASELINE_FILE).read_bytes()


def _model_member(model: Path) -> tuple[str, bytes]:
    """Return the name that a model has in the archive, and its content."""
    suffix = model.suffix.lower()
    check_suffix(str(model), suffix)
    expected = format_of(f"model{suffix}")
    if expected is None:
        raise CallerError(f"{model}: ends in {suffix!r}; taken are {FORMATS_TAKEN}")
    content = _content(model)
    check_model_start(str(model), expected, content[:START_BYTE_COUNT])
    return expected.file_name, content


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CallerError(f"{path}: cannot be read: {error.strerror}") from error


def _as_json(contract: Path) -> bytes:
    document = yaml.safe_load(_content(contract))
    return (json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name in sorted(members):
            member = tarfile.TarInfo(name)
            member.size = len(members[name])
            archive.addfile(member, io.BytesIO(members[name]))
    return buffer.getvalue()
