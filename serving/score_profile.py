"""`python3 -m serving baseline`: add the scores of training data to its profile.

Reads the shards and the profile that PrepareInput made of the training data, and writes the profile with the
scores that the model gives them. A model with several outputs has no one score; its profile has features
only.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from contracts import container_paths
from contracts.atomic_files import write_json
from contracts.container_paths import inside
from contracts.data_profile import PROFILE_FILE, parse_profile
from contracts.errors import CallerError
from contracts.model_artifact import BASELINE_FILE
from contracts.value_histogram import ValueHistogram, add_histograms, empty_histogram, value_histogram
from serving.column_files import ARROW
from serving.columns_codec import ColumnsCodec
from serving.model_folder import ServedModel


def write_scored_baseline(model: ServedModel, root: Path) -> None:
    """Write the baseline below `root`, which stands for `/opt/ml`.

    Raises:
        CallerError: No record of the training data is valid.
    """
    plan = inside(root, container_paths.PLAN_OUTPUT)
    profile = parse_profile((plan / PROFILE_FILE).read_bytes(), name=PROFILE_FILE)
    if not profile.record_count:
        raise CallerError("no record of the training data is valid, so there is nothing to describe")
    if model.contract.outputs is None:
        scores = _histogram(model, inside(root, container_paths.SHARDS_OUTPUT))
        profile = dataclasses.replace(profile, score=scores)
    write_json(plan / BASELINE_FILE, profile.document())


def _histogram(model: ServedModel, shards: Path) -> ValueHistogram:
    codec, total = ColumnsCodec(model.contract, ARROW), empty_histogram()
    for shard in sorted(shards.glob("*.arrow")):
        scores = model.scorer.score(codec.decode(shard.read_bytes()).features)
        values = np.delete(scores.values, list(scores.faults)).astype(np.float64)
        total = add_histograms(total, value_histogram(values))
    return total
