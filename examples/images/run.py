"""Score an archive of image files end to end.

Makes the scans, the model and the model artifact unless the same code has made them before, and then hands
over to `batchscore run`, which executes the candidate pipeline on this machine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import PIL
import sklearn

from contracts.errors import EXIT_SUCCEEDED
from contracts.model_artifact import ARTIFACT_FILE
from examples import making

from . import data, train


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Where one run's files are.

    Attributes:
        archive: Folder of the image files, loose and in archives.
        training: What the model learns from, for the baseline in the artifact.
        model: The trained model.
        artifact: Model and contract, packaged.
        output: Folder that scores and report are published in.
    """

    archive: Path
    training: Path
    model: Path
    artifact: Path
    output: Path


def files_below(work: Path, row_count: int | None) -> ImageFiles:
    """Return the paths for a run on so many scans, or on the real ones (None)."""
    size = "real" if row_count is None else str(row_count)
    return ImageFiles(
        archive=work / "input" / size / "archive",
        training=work / "model" / "training.zip",
        model=work / "model" / "model.onnx",
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output" / size,
    )


def prepare(files: ImageFiles, row_count: int | None) -> int:
    """Make archive, model and artifact where needed, and return the exit code of packaging."""
    key = making.source_key((data, train, data.CONTRACT_PATH), (np, onnx, PIL, sklearn))
    what = "the real scans" if row_count is None else f"{row_count:,} copies of scans"
    making.make_once(files.archive, key, what, lambda: data.write_archive(files.archive, row_count))
    making.make_once(
        files.training, key, "the training scans", lambda: data.write_training_scans(files.training)
    )
    making.make_once(files.model, key, "the model", lambda: train.write_model(files.model))
    return making.call(
        making.package_command(
            model=files.model, contract=data.CONTRACT_PATH, artifact=files.artifact, baseline=files.training
        )
    )


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    given = making.argument_parser(sys.modules[__name__], "copies of scans").parse_args(arguments)
    files = files_below(given.work, given.rows)
    exit_code = prepare(files, given.rows)
    if exit_code == EXIT_SUCCEEDED:
        making.become(
            making.score_command(
                contract=data.CONTRACT_PATH,
                artifact=files.artifact,
                records=files.archive,
                output=files.output,
                more=["--parameter", "InputFormat=images"],
            )
        )
    return exit_code


if __name__ == "__main__":
    making.run(main)
