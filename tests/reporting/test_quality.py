"""Labels and scores that some number cannot be computed from: the rest is there, and a note says why."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts.contract_file import parse_contract
from reporting.evaluation import evaluation_document
from reporting.labelled_records import keep_labelled
from reporting.quality import Quality, measure_quality
from reporting.segments import SegmentCodes

CONTRACT = b"""{"fields": [{"name": "id", "type": "string"}, {"name": "plan", "type": "string"},
 {"name": "x", "type": "number"}, {"name": "y", "type": "number"}], "primaryKey": "id",
 "scoring": {"features": ["x"], "label": "y", "report": {"segments": ["plan"]}}}"""


def _measure(folder: Path, scores: Any, labels: Any) -> Quality:
    contract = parse_contract(CONTRACT, name="contract.json")
    codes = {"plan": SegmentCodes(name="plan")}
    labels = np.asarray(labels, dtype=np.float64)
    kept = pa.table({"plan": pa.array(["a"] * len(labels)), "y": pa.array(labels, from_pandas=True)})
    part = keep_labelled(np.asarray(scores, dtype=np.float64), kept, contract, codes, folder / "0")
    quality = measure_quality([part], contract, codes)
    json.dumps(evaluation_document(quality, evaluated_at="2026-11-23T06:00:00+00:00"), allow_nan=False)
    return quality


def test_one_positive_far_down_has_an_interval_from_next_to_nothing_to_everything(tmp_path: Path) -> None:
    """Its logits are beyond what an exponential of float64 holds."""
    quality = _measure(tmp_path, np.arange(200_000) / 200_000, np.arange(200_000) == 0)
    interval = quality.intervals["pr_auc"]
    assert quality.metrics["pr_auc"] == pytest.approx(1 / 200_000)
    assert 0 <= interval.low < 1e-300
    assert interval.high == pytest.approx(1)


def test_lift_is_how_much_richer_the_highest_tenth_is(tmp_path: Path) -> None:
    """Four of twenty records are positive, and both of the highest tenth; below ten records there is none."""
    labels = [0] * 8 + [1, 0] + [0] * 7 + [1, 1, 1]
    assert _measure(tmp_path / "twenty", np.arange(20), labels).metrics["lift"] == pytest.approx(5)
    assert "lift" not in _measure(tmp_path / "nine", np.arange(9), [0] * 8 + [1]).metrics


def test_a_threshold_above_every_score_is_said_with_the_highest_one(tmp_path: Path) -> None:
    quality = _measure(tmp_path, [0.02, 0.31], [0, 1])
    assert "no labelled record has a score of 0.5 or more, the highest is 0.31." in quality.notes[-1]
    assert "`scoring.report.threshold`" in quality.notes[-1]


def test_a_segment_whose_sums_leave_float64_says_so(tmp_path: Path) -> None:
    quality = _measure(tmp_path, [0.0] * 120, [1.7e308] * 119 + [2.0])
    (row,) = quality.segments[0].rows
    assert (row.record_count, row.mean_score, row.mean_label, row.mae) == (120, 0.0, None, None)
    assert (row.is_small, row.reason) == (False, "sums beyond float64")
    assert quality.metrics == {}


@pytest.mark.parametrize(
    ("scores", "labels", "note"),
    [
        ([], [], "No scored record has a value"),
        ([0.5], [math.nan], "No scored record has a value"),
        ([0.5], [1], "every labelled record (1) is positive"),
        ([0.5, 0.1], [0, 0], "every labelled record (2) is negative"),
        ([0.5] * 20, [0, 1] * 10, "Every labelled record has the same score"),
        ([-3.0, 2.0], [0, 1], "scores in [0, 1], and these reach from -3 to 2"),
        ([0.5], [7], "R² was not computed: it needs labels that differ"),
        ([1e308] * 12, [2, 3] * 6, "Not computed: Mean absolute error"),
    ],
)
def test_what_cannot_be_computed_is_said(
    tmp_path: Path, scores: list[float], labels: list[float], note: str
) -> None:
    quality = _measure(tmp_path, scores, labels)
    assert note in " ".join(quality.notes)
    assert all(math.isfinite(value) for value in quality.metrics.values())
    for interval in quality.intervals.values():
        assert 0 <= interval.low <= interval.high <= 1
