"""Ask the code that serves models whether a model fits a contract, before anything is packaged or started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from contracts.container_paths import MODEL, inside
from contracts.errors import BatchScoreError, CallerError
from contracts.model_artifact import CONTRACT_FILE, TOKENIZER_FILE
from runner.container_code import OPTIONAL_CONTRACT, SERVE_ENTRYPOINT, ask_container


@contextmanager
def model_root() -> Iterator[Path]:
    """Make a folder that stands for `/opt/ml`, with an empty model folder, for as long as the block lasts."""
    with TemporaryDirectory(prefix="batchscore-model-") as temporary:
        root = Path(temporary)
        inside(root, MODEL).mkdir(parents=True)
        yield root


def check_model(
    root: Path, contract: Path, known: Path, *, tokenizer: Path | None = None, is_alone: bool = False
) -> None:
    """Check the one model in the model folder below `root`; the contract is put beside it.

    Args:
        root: See `model_root`.
        contract: Dataset contract that the model is to fit.
        known: What a message names in the place of the model.
        tokenizer: The same for the tokenizer, if there is one.
        is_alone: The model must also do in AWS's built-in XGBoost container, without its contract.

    Raises:
        BatchScoreError: The model cannot be served, or does not fit.
    """
    folder = inside(root, MODEL)
    places = dict.fromkeys(folder.iterdir(), known)
    places |= {folder / CONTRACT_FILE: contract, folder: known}
    places |= {} if tokenizer is None else {folder / TOKENIZER_FILE: tokenizer}
    (folder / CONTRACT_FILE).write_bytes(contract_as_json(contract))
    options = [OPTIONAL_CONTRACT] if is_alone else []
    try:
        ask_container([*SERVE_ENTRYPOINT, *options, "check"], root)
    except BatchScoreError as error:  # it speaks of the copies that it was given
        raise _about(error, places) from error


def contract_as_json(contract: Path) -> bytes:
    """Return a contract that was read before as JSON."""
    document = yaml.safe_load(content_of(contract))
    return (json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def content_of(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        CallerError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CallerError(f"{path}: cannot be read: {error.strerror}") from error


def _about(error: BatchScoreError, places: dict[Path, Path]) -> BatchScoreError:
    """Return the error with each place replaced by the one that the caller knows."""
    message = str(error)
    for place, known in places.items():
        message = message.replace(str(place), str(known))
    if error.exit_code == CallerError.exit_code:
        return CallerError(message)
    told = BatchScoreError(message)
    told.exit_code = error.exit_code
    return told
