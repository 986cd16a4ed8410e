"""What one published run leaves for the next, and what a run finds of the one before it.

    digest.json          RunDigest
    action_ids.parquet   the ids of its action list, one column `id`

What cannot be read is a note in the report, and never a reason to fail a run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.atomic_files import write_json
from contracts.data_profile import (
    PROFILE_FILE,
    DataProfile,
    parse_profile,
    profile_of_document,
    unpacked,
)
from contracts.errors import CallerError
from contracts.wire import BASELINE_KEY, WIRE_FORMATS
from reporting.answers import answers_schema

DIGEST_FILE = "digest.json"
ACTION_IDS_FILE = "action_ids.parquet"
DIGEST_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RunDigest:
    """A published run, as far as the next one compares itself with it.

    Attributes:
        run_id: Its id.
        run_date: Its date.
        finished_at: UTC, ISO 8601.
        model_package_arn: What scored.
        counts: Records by station.
        quality: Metrics by name.
        profile: Of its features and scores.
        distribution: Its drawn score distribution, as the report's table has it; empty if there was none.
    """

    run_id: str
    run_date: str
    finished_at: str
    model_package_arn: str
    counts: dict[str, int]
    quality: dict[str, float]
    profile: DataProfile
    distribution: dict[str, list[Any]]


def write_digest(folder: Path, digest: RunDigest) -> None:
    """Write the digest of a run."""
    document = {**vars(digest), "profile": digest.profile.document(), "version": DIGEST_VERSION}
    write_json(folder / DIGEST_FILE, document)


def read_digest(folder: Path) -> tuple[RunDigest | None, str]:
    """Return the last published run and nothing, or None and a sentence that says why there is none."""
    path = next(iter(sorted(folder.rglob(DIGEST_FILE))), None)
    if path is None:
        return None, "No run was published below this OutputUri before this one."
    try:
        document = json.loads(path.read_bytes())
        version = document.pop("version")
        profile = profile_of_document(document.pop("profile"), DIGEST_FILE)
        digest = RunDigest(profile=profile, **document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CallerError) as error:
        return None, f"What the last published run left behind cannot be read: {error}."
    if version != DIGEST_VERSION:
        return None, f"The last published run left a digest of version {version}, which is not read."
    return digest, ""


def read_run_profile(plan_folder: Path) -> tuple[DataProfile | None, str]:
    """Return the profile of the run's records and nothing, or None and why there is none."""
    path = plan_folder / PROFILE_FILE
    if not path.exists():
        return None, "PrepareInput left no profile of the features (its image is of an older version)."
    try:
        return parse_profile(path.read_bytes(), name=PROFILE_FILE), ""
    except (OSError, CallerError) as error:
        return None, f"The profile that PrepareInput left cannot be read: {error}."


def read_baseline(answers: Path | None, *, wire_format: str) -> tuple[DataProfile | None, str]:
    """Return the training baseline of the model that wrote an answer, and nothing; or None and why.

    Args:
        answers: One output of the transform job, or None if there is none.
        wire_format: In which it came back; only columns have a place for the baseline.
    """
    if not WIRE_FORMATS[wire_format].has_columns:
        return None, (
            "The training baseline travels with answers in Arrow or Parquet; this run's came back as "
            f"{wire_format}."
        )
    if answers is None:
        return None, "Nothing was scored, so that nothing says which training data the model has seen."
    try:
        metadata = answers_schema(answers, wire_format=wire_format).metadata or {}
        content = metadata.get(BASELINE_KEY)
        if content is None:
            return None, (
                "The model artifact holds no training baseline; `batchscore package --baseline` puts one in."
            )
        name = "the model's training baseline"
        return parse_profile(unpacked(content, name=name), name=name), ""
    except (OSError, pa.ArrowException, CallerError) as error:
        return None, f"The training baseline cannot be read: {error}."
