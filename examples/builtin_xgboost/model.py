"""Write the churn model as the container's XGBoost reads it, which is older than ours.

A model file of a later version is read by an earlier one where the two write alike. They do, but for the base
score: one number until XGBoost 3.0, a list since 3.1. Versions 1.7.6 and 3.0.5 were seen to take 0.5 in the
place of the list, without an error; with the number they answer the scores of 3.2 to the last digit.
"""

from __future__ import annotations

import json
from pathlib import Path

import xgboost

from contracts.atomic_files import write_bytes
from examples.churn import train


def as_earlier_versions_write(booster: xgboost.Booster) -> bytes:
    """Return the model as JSON with its base score as one number.

    Raises:
        ValueError: It has several base scores, one for each of several outputs.
    """
    document = json.loads(bytes(booster.save_raw("json")))
    parameters = document["learner"]["learner_model_param"]
    parameters["base_score"] = repr(float(parameters["base_score"].strip("[]")))
    return json.dumps(document, separators=(",", ":")).encode()


def write_model(path: Path) -> None:
    """Train the churn model and write it to `path` (`.json`), whole or not at all."""
    write_bytes(path, as_earlier_versions_write(train.train()))
