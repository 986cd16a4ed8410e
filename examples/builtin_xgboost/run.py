"""Score the churn customers with AWS's built-in XGBoost image: `python -m examples.builtin_xgboost.run`.

Makes the customers, the model and the artifact unless the same code has made them before, and then hands over
to `batchscore run` with the wire format `csv` and the image's URI. All files are below
`examples/builtin_xgboost/work/`.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import EXIT_SUCCEEDED, CallerError
from contracts.model_artifact import ARTIFACT_FILE
from examples.builtin_xgboost import model
from examples.builtin_xgboost.image import image_uri
from examples.churn import data
from examples.churn.run import BATCHSCORE, become, make_once, source_key
from pipelines.offline_session import DEFAULT_REGION

WORK = Path(__file__).parent / "work"


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


def files_below(work: Path) -> BuiltinFiles:
    """Return the paths for a run."""
    return BuiltinFiles(
        customers=work / "input" / "customers.csv",
        model=work / "model" / "model.json",
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output",
    )


def package_command(files: BuiltinFiles) -> list[str]:
    """Return the command that makes the model artifact."""
    arguments = ["--model", str(files.model), "--contract", str(data.CONTRACT_PATH), "--model-alone"]
    return [*BATCHSCORE, "package", *arguments, "--out", str(files.artifact)]


def score_command(files: BuiltinFiles, model_image: str) -> list[str]:
    """Return the command that runs the pipeline."""
    arguments = ["--contract", str(data.CONTRACT_PATH), "--model", str(files.artifact)]
    arguments += ["--input", str(files.customers), "--output", str(files.output)]
    return [*BATCHSCORE, "run", *arguments, "--wire", "csv", "--model-image", model_image]


def prepare(files: BuiltinFiles) -> int:
    """Make customers, model and artifact where needed, and return the exit code of packaging."""
    own = Path(str(model.__file__)).read_bytes()
    key = hashlib.sha256(source_key().encode() + own).hexdigest()
    make_once(files.customers, key, "the customers", lambda: data.write_customers(files.customers))
    make_once(files.model, key, "the churn model", lambda: model.write_model(files.model))
    # Fixed words and paths of this folder; no shell.
    return subprocess.run(package_command(files), check=False).returncode  # noqa: S603


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    parser = argparse.ArgumentParser(prog="python -m examples.builtin_xgboost.run", description=__doc__)
    parser.add_argument("--region", default=DEFAULT_REGION, help=f"AWS region [default: {DEFAULT_REGION}]")
    region = parser.parse_args(arguments).region
    try:
        model_image = image_uri(region)
    except CallerError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    files = files_below(WORK)
    exit_code = prepare(files)
    if exit_code == EXIT_SUCCEEDED:
        become(score_command(files, model_image))
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
