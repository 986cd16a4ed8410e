"""What every example does: make its data and model once, package the model, hand over to `batchscore run`.

An example's own files are below `examples/<name>/work/`, or the folder that `--work` names. They are not in
the repository: data and models come from installed packages, and the same code makes the same bytes of them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from contracts import encoding
from contracts.atomic_files import write_bytes
from contracts.errors import BatchScoreError

BATCHSCORE = (sys.executable, "-m", "runner")
MAX_SHOWN_CHARS = 40
"""Of an option's text in a message."""


def argument_parser(module: ModuleType, records: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every example has; it may get more.

    Args:
        module: The example's `run`, whose docstring is the help text.
        records: What its records are called, for the help text (`customers`).
    """
    folder = Path(str(module.__file__)).parent
    parser = argparse.ArgumentParser(
        prog=f"python -m examples.{folder.name}.run",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=_positive, help=f"score so many {records} instead of the real ones")
    parser.add_argument(
        "--work", type=Path, default=folder / "work", help="folder for all files [%(default)s]"
    )
    return parser


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text[:MAX_SHOWN_CHARS]!r} is not a positive whole number")
    return number


def source_key(sources: Iterable[ModuleType | Path], packages: Iterable[ModuleType]) -> str:
    """Return a digest of everything that decides what is made.

    Args:
        sources: Modules with the code that makes it, and files that it reads; the contract's encoding always
            counts.
        packages: Installed ones, whose version counts.
    """
    paths = [one if isinstance(one, Path) else Path(str(one.__file__)) for one in (*sources, encoding)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths))
    for package in packages:
        digest.update(f"{package.__name__} {package.__version__}\n".encode())
    return digest.hexdigest()


def make_once(path: Path, key: str, what: str, make: Callable[[], None]) -> None:
    """Make `path` (a file or a folder) unless it is there and was made under the same `key`."""
    key_path = path.with_name(f".{path.name}.key")
    if path.exists() and key_path.exists() and key_path.read_text() == key:
        return
    key_path.unlink(missing_ok=True)
    print(f"Making {what} …", flush=True)
    started = time.monotonic()
    make()
    write_bytes(key_path, key.encode())
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    print(f"  {shown} ({_byte_count(path) / 1e6:.1f} MB, {time.monotonic() - started:.1f} s)", flush=True)


def _byte_count(path: Path) -> int:
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size


def package_command(
    *, model: Path, contract: Path, artifact: Path, baseline: Path | None, more: Sequence[str] = ()
) -> list[str]:
    """Return the command that makes the model artifact; `baseline` is training data."""
    arguments = ["--model", str(model), "--contract", str(contract)]
    arguments += ["--baseline", str(baseline)] if baseline else []
    return [*BATCHSCORE, "package", *arguments, *more, "--out", str(artifact)]


def score_command(
    module: ModuleType,
    *,
    contract: Path,
    artifact: Path,
    records: Path,
    output: Path,
    more: Sequence[str] = (),
) -> list[str]:
    """Return the command that runs the candidate pipeline on `records`, a file or a folder.

    Args:
        module: The example's `run`; the model is registered under the name of its folder.
        contract: The dataset contract.
        artifact: The model artifact.
        records: What is scored.
        output: Folder that scores and report are published in.
        more: Further options.
    """
    arguments = ["--contract", str(contract), "--model", str(artifact), *group_options(module)]
    return [*BATCHSCORE, "run", *arguments, "--input", str(records), "--output", str(output), *more]


def group_options(module: ModuleType) -> list[str]:
    """Return the options with which a model is registered in a group of the example's own.

    It is called as the example's folder, with hyphens where SageMaker takes no underlines.
    """
    name = Path(str(module.__file__)).parent.name
    return ["-p", f"ModelPackageGroupName={name.replace('_', '-')}"]


def call(command: Sequence[str]) -> int:
    """Execute one of the commands above and return its exit code."""
    return subprocess.run(command, check=False).returncode  # noqa: S603 - the interpreter that runs this; no shell


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Call an example's `main` with what was typed, and exit as it says; a mistake is told in one line."""
    try:
        code = main(sys.argv[1:])
    except BatchScoreError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)


def become(command: Sequence[str]) -> NoReturn:
    """Put `command` in the place of this process: Ctrl-C then reaches the runner itself."""
    os.execv(command[0], list(command))  # noqa: S606 - the interpreter that runs this, no shell
