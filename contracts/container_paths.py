"""Where SageMaker puts things inside a container, and how the same tree is found on a laptop.

In AWS every path starts at `/opt/ml`. On a laptop nobody may write there, so the emulator builds the same
tree in a folder of its own and names it in the environment variable `BATCHSCORE_ML_ROOT`; arguments keep
the `/opt/ml/...` paths that the definition says, and container code translates them here, once.

Source of the paths: "How Amazon SageMaker Processing Runs Your Processing Container Image" and "Use Your
Own Inference Code with Batch Transform" in the SageMaker developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

ML_ROOT = PurePosixPath("/opt/ml")
ML_ROOT_VARIABLE = "BATCHSCORE_ML_ROOT"

PROCESSING = ML_ROOT / "processing"
SOURCE_INPUT = PROCESSING / "input" / "source"
CONTRACT_INPUT = PROCESSING / "input" / "contract"
PLAN_INPUT = PROCESSING / "input" / "plan"
KEPT_INPUT = PROCESSING / "input" / "kept"
QUARANTINE_INPUT = PROCESSING / "input" / "quarantine"
TRANSFORM_INPUT = PROCESSING / "input" / "transform"
HISTORY_INPUT = PROCESSING / "input" / "history"
"""What the last published run left for this one; of a first run a marker alone."""

DRAWING_INPUT = PROCESSING / "input" / "drawing"
"""Ledgers from which pages are drawn again; no job of a pipeline has it."""

SCRATCH = PROCESSING / "scratch"
"""For files of the job itself, on the job's own volume; nothing of it is uploaded."""

PLAN_OUTPUT = PROCESSING / "output" / "plan"
SHARDS_OUTPUT = PROCESSING / "output" / "shards"
KEPT_OUTPUT = PROCESSING / "output" / "kept"
QUARANTINE_OUTPUT = PROCESSING / "output" / "quarantine"
SCORES_OUTPUT = PROCESSING / "output" / "scores"
REPORT_OUTPUT = PROCESSING / "output" / "report"
LATE_QUARANTINE_OUTPUT = PROCESSING / "output" / "late_quarantine"
POINTER_OUTPUT = PROCESSING / "output" / "pointer"
HISTORY_OUTPUT = PROCESSING / "output" / "history"

RESOURCE_CONFIG = ML_ROOT / "config" / "resourceconfig.json"
"""JSON with `current_host` and `hosts`, for processing jobs."""

FAILURE_MESSAGE = ML_ROOT / "output" / "message"
"""What a processing container writes here becomes the failure reason (1,024 characters at most)."""

MODEL = ML_ROOT / "model"


def ml_root(environment: Mapping[str, str]) -> Path:
    """Return the folder that stands for `/opt/ml`, as the given environment says."""
    return Path(environment.get(ML_ROOT_VARIABLE, str(ML_ROOT)))


def inside(root: Path, path: PurePosixPath | str) -> Path:
    """Translate a path below `/opt/ml` to one below `root`.

    Raises:
        ValueError: The path is not below `/opt/ml`, or climbs out of it.
    """
    relative = PurePosixPath(path).relative_to(ML_ROOT)
    if ".." in relative.parts:
        raise ValueError(f"{path} climbs out of {ML_ROOT}")
    return root / relative
