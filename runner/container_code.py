"""Start container code on this machine outside of a run: the same modules, the same door.

Used by commands that ask the code of one container a question, such as whether a model can be loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.container_paths import ML_ROOT_VARIABLE
from contracts.errors import EXIT_SUCCEEDED, BatchScoreError, CallerError
from emulator.forked_processes import ForkServer, Modules
from emulator.images import LocalImage
from runner.input_files import input_files

if TYPE_CHECKING:
    from emulator.containers import ContainerImage

SERVE_ENTRYPOINT = ("python3", "-m", "serving")
OPTIONAL_CONTRACT = "--contract-optional"

LOCAL_IMAGE_URI = "batchscore:local"

IMAGE_VARIABLES = {"OPENBLAS_NUM_THREADS": "1"}
"""What the Dockerfile sets for the code's sake."""

COMMON_MODULES = (
    *("numpy", "pyarrow.compute", "pyarrow.parquet", "yaml"),
    *("contracts.contract_file", "contracts.data_profile", "contracts.plan", "contracts.quarantine"),
)
"""What the code of every container imports at its start."""

FIRST_MODULES = (
    *COMMON_MODULES,
    *("preprocessing.arguments", "preprocessing.baseline"),
    *("preprocessing.plan_parts", "preprocessing.prepare"),
)
"""What is read before any container is started: also what the first one imports."""

LATER_MODULES = (
    *("asyncio", "granian", "xgboost", "serving.factory"),
    *("reporting.drawing", "reporting.run", "reporting.report_files"),
)
"""What the model server and the report import, read while the first container works."""

CONTAINER_ENVIRONMENT = "container"
"""Folder of the environment with the image's packages and no others, below the environment that runs this.

`make` sets it up; it proves that container code needs none of the SDK's packages, and starts faster."""


def local_image() -> LocalImage:
    """Return what stands for the project's image here: the container environment, else this interpreter."""
    python = Path(sys.prefix, CONTAINER_ENVIRONMENT, "bin", "python")
    return LocalImage(
        python=str(python) if python.exists() else sys.executable,
        serve_entrypoint=SERVE_ENTRYPOINT,
        environment=IMAGE_VARIABLES,
        preloaded=Modules(first=FIRST_MODULES, later=LATER_MODULES),
    )


@contextmanager
def early_fork_server(arguments: Sequence[str]) -> Iterator[ForkServer | None]:
    """Start what starts the containers of a local run while the command itself is imported.

    Args:
        arguments: Of the command line.

    Yields:
        The fork server, or None where no local run was asked for, or none with processes that can be forked.
    """
    is_wanted = arguments[:1] == ["run"] and not {"--help", "--containers"} & set(arguments)
    forks = local_image().fork_server() if is_wanted else None
    try:
        yield forks
    finally:
        if forks is not None:
            forks.close()


def run_image(*, in_containers: bool, stands_in: bool) -> LocalImage | ContainerImage:
    """Return the image of all containers of a run.

    Args:
        in_containers: Whether they are containers of an engine, or processes.
        stands_in: Whether the model container takes the place of AWS's built-in XGBoost container.

    Raises:
        CallerError: There is no engine, or it does not have the image.
    """
    image: LocalImage | ContainerImage = local_image()
    if in_containers:
        from emulator.containers import container_image  # noqa: PLC0415 - who starts a run soon needs no engine

        image = container_image(LOCAL_IMAGE_URI, os.environ)
    return replace(image, serve_options=(OPTIONAL_CONTRACT,)) if stands_in else image


def ask_container(argv: Sequence[str], root: Path) -> str:
    """Run container code to its end with `root` in the place of `/opt/ml`; return its standard output.

    Raises:
        BatchScoreError: It ended with another status than 0; the message is its standard error, and the
            exit code its own.
    """
    image = local_image()
    completed = subprocess.run(  # noqa: S603 - argv is the project's own, and no shell reads it
        image.argv(argv),
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **image.environment, ML_ROOT_VARIABLE: str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode == EXIT_SUCCEEDED:
        return completed.stdout
    message = completed.stderr.strip()
    if completed.returncode == CallerError.exit_code:  # what a library wrote above says nothing to a caller
        message = message[max(0, f"\n{message}".rfind("\nerror: ")) :]
    message = message.removeprefix("error: ")
    error = BatchScoreError(message or f"{' '.join(argv)} ended with {completed.returncode}")
    error.exit_code = completed.returncode if completed.returncode > 0 else CallerError.exit_code
    raise error


def lay_input(folder: Path, path: Path, option: str) -> None:
    """Put a file, or all files of a folder, below `folder`, as links.

    Raises:
        CallerError: See `input_files`.
    """
    folder.mkdir(parents=True)
    for entry in input_files(path, option):
        target = folder / (entry.relative_to(path) if path.is_dir() else entry.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(entry.resolve())
