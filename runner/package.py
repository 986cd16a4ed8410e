"""Make a model artifact: a model in a safe format and its contract in one archive.

AWS's built-in XGBoost container takes every file in the archive for a model; for it, the model goes alone.

The archive has the same bytes for the same content: members are sorted, and owners and times left out.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
from pathlib import Path

from contracts.atomic_files import whole_file
from contracts.container_paths import MODEL, inside
from contracts.contract_file import check_patterns, read_contract
from contracts.data_profile import parse_profile
from contracts.dataset import TEXT_INPUT
from contracts.errors import CallerError
from contracts.model_artifact import BASELINE_FILE, CONTRACT_FILE, TOKENIZER_FILE, find_contract
from contracts.model_formats import (
    FORMATS_TAKEN,
    START_BYTE_COUNT,
    check_model_start,
    check_suffix,
    format_of,
)
from runner.baseline_command import make_baseline
from runner.model_check import check_model, content_of, contract_as_json, model_root


def package_model(
    model: Path,
    contract: Path,
    out: Path,
    baseline: Path | None = None,
    *,
    tokenizer: Path | None = None,
    is_alone: bool = False,
) -> None:
    """Check a model against its contract, with the code that will serve it, and write the archive.

    Args:
        model: Model file; its ending says which of the formats of `contracts.model_formats` it has.
        contract: Dataset contract that it was trained under.
        out: The archive to write.
        baseline: File or folder of training data, whose distributions, scores included, go into the
            archive; or what `batchscore baseline` wrote.
        tokenizer: Tokenizer of a model that reads text; None for any other.
        is_alone: Leave the contract out; there can be no baseline then.

    Raises:
        BatchScoreError: The model is in no safe format, the contract is wrong, or the two do not fit.
    """
    if is_alone and baseline is not None:
        raise CallerError("--baseline: goes into the archive, where with --model-alone only the model may be")
    check_patterns(read_contract(contract), name=str(contract))
    if out.is_dir():
        raise CallerError(f"--out {out}: is a folder; expected the name of a file, such as model.tar.gz")
    members = model_members(model, tokenizer, contract)
    with model_root() as root:
        for name, content in members.items():
            (inside(root, MODEL) / name).write_bytes(content)
        check_model(root, contract, model, tokenizer=tokenizer, is_alone=is_alone)
    more = {} if is_alone else {CONTRACT_FILE: contract_as_json(contract)}
    if baseline is not None:
        more[BASELINE_FILE] = _baseline(baseline, contract, members)
    with whole_file(out) as stream:
        stream.write(_archive(members | more))
    find_contract(out)


def _baseline(given: Path, contract: Path, model: dict[str, bytes]) -> bytes:
    """Return the baseline that is given, or that of the training data that is given."""
    if given.suffix == ".json" and given.is_file():
        content = given.read_bytes()
        with contextlib.suppress(CallerError):  # it may be training data in JSON
            parse_profile(content, name=str(given))
            return content
    return make_baseline(given, contract, model, option="--baseline")


def model_members(model: Path, tokenizer: Path | None, contract: Path) -> dict[str, bytes]:
    """Return what a model is in the archive, by name: its file, and its tokenizer if it reads text.

    Raises:
        CallerError: The model is in no safe format, or a tokenizer is missing or too many.
    """
    model_input = read_contract(contract).model_input
    if (model_input == TEXT_INPUT) != (tokenizer is not None):
        remedy = "add --tokenizer tokenizer.json" if tokenizer is None else "leave --tokenizer out"
        raise CallerError(f"{contract}: says `modelInput: {model_input}`; {remedy}")
    name, content = _model_member(model)
    return {name: content} if tokenizer is None else {name: content, TOKENIZER_FILE: content_of(tokenizer)}


def _model_member(model: Path) -> tuple[str, bytes]:
    suffix = model.suffix.lower()
    check_suffix(str(model), suffix)
    expected = format_of(f"model{suffix}")
    if expected is None:
        raise CallerError(f"{model}: ends in {suffix!r}; taken are {FORMATS_TAKEN}")
    content = content_of(model)
    check_model_start(str(model), expected, content[:START_BYTE_COUNT])
    return expected.file_name, content


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
