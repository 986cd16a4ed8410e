"""Quality by segment is the quality of its records alone; small groups are marked and nothing is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import mean_absolute_error, roc_auc_score, root_mean_squared_error

from contracts.contract_file import parse_contract
from reporting.labelled_records import keep_labelled
from reporting.quality import Quality, measure_quality
from reporting.segments import MAX_SHOWN, MAX_VALUES, SegmentCodes, SegmentRow

CONTRACT = b"""{"fields": [{"name": "id", "type": "string"}, {"name": "plan", "type": "string"},
 {"name": "x", "type": "number"}, {"name": "y", "type": "number"}], "primaryKey": "id",
 "scoring": {"features": ["x"], "label": "y", "report": {"segments": ["plan"]}}}"""


def _measure(
    folder: Path, plans: list[Any], scores: np.ndarray, labels: np.ndarray, shards: int = 3
) -> Quality:
    contract = parse_contract(CONTRACT, name="contract.json")
    codes = {"plan": SegmentCodes(name="plan")}
    table = pa.table({"plan": pa.array(plans, pa.string()), "y": pa.array(labels, from_pandas=True)})
    parts = [
        keep_labelled(
            scores[rows],
            table.take(pa.array(rows)).select(["plan", "y"]),
            contract,
            codes,
            folder / str(number),
        )
        for number, rows in enumerate(np.array_split(np.arange(len(scores)), shards))
    ]
    return measure_quality(parts, contract, codes)


def _rows(quality: Quality) -> dict[str, SegmentRow]:
    return {row.value: row for row in quality.segments[0].rows}


def _population(count: int = 4000) -> tuple[list[Any], np.ndarray, np.ndarray]:
    generator = np.random.default_rng(2)
    plans = generator.choice(["a", "b", "c", None], count, p=[0.5, 0.3, 0.19, 0.01]).tolist()
    scores = generator.random(count).round(2)
    labels = (generator.random(count) < scores).astype(float)
    labels[generator.random(count) < 0.2] = np.nan
    return plans, scores, labels


def test_each_segment_has_the_numbers_of_its_own_records(tmp_path: Path) -> None:
    plans, scores, labels = _population()
    rows = _rows(_measure(tmp_path, plans, scores, labels))
    assert list(rows) == ["a", "b", "c", "(missing)"]
    for value, row in rows.items():
        is_own = np.array([(plan or "(missing)") == value for plan in plans])
        known = is_own & ~np.isnan(labels)
        assert (row.record_count, row.labelled_count) == (is_own.sum(), known.sum())
        assert row.mean_score == pytest.approx(scores[is_own].mean(), abs=1e-9)
        assert row.mean_label == pytest.approx(labels[known].mean(), abs=1e-9)
        assert row.auc == pytest.approx(roc_auc_score(labels[known], scores[known]), abs=1e-9)
        assert row.interval is not None
        assert row.interval.low < row.auc < row.interval.high


def test_small_groups_are_marked_with_the_reason(tmp_path: Path) -> None:
    rows = _rows(_measure(tmp_path, *_population()))
    assert [row.is_small for row in rows.values()] == [False, False, False, True]
    assert rows["(missing)"].reason.startswith("small: ")


def test_a_group_of_one_outcome_or_without_labels_has_no_area(tmp_path: Path) -> None:
    plans = ["a"] * 3 + ["b"] * 2 + ["c"]
    labels = np.array([0.0, 1, 1, 1, 1, np.nan])
    rows = _rows(_measure(tmp_path, plans, np.array([0.1, 0.2, 0.9, 0.5, 0.4, 0.3]), labels))
    assert (rows["a"].auc, rows["b"].auc, rows["c"].auc) == (1.0, None, None)
    assert (rows["b"].reason, rows["c"].reason) == ("one outcome only", "no labels")
    assert rows["c"].mean_label is None


def test_values_beyond_the_shown_ones_stand_together(tmp_path: Path) -> None:
    plans = [f"plan {number % 25:02}" for number in range(250)]
    quality = _measure(tmp_path, plans, np.linspace(0, 1, 250), np.arange(250) % 2.0)
    (field,) = quality.segments
    assert len(field.rows) == MAX_SHOWN + 1
    assert (field.rows[-1].value, field.rows[-1].record_count) == ("(all other values)", 50)
    assert sum(row.record_count for row in field.rows) == 250
    assert field.notes[0].startswith("5 further values of “plan”")


def test_a_field_of_ids_is_not_taken_apart(tmp_path: Path) -> None:
    count = 2 * MAX_VALUES
    plans = [str(number) for number in range(count)]
    (field,) = _measure(tmp_path, plans, np.linspace(0, 1, count), np.arange(count) % 2.0).segments
    assert field.rows == ()
    assert "more than 1,000 different values" in field.notes[0]


def test_a_predicted_number_has_errors_by_segment(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    plans = generator.choice(["a", "b"], 500).tolist()
    labels, scores = generator.normal(50, 9, 500), generator.normal(50, 9, 500)
    quality = _measure(tmp_path, plans, scores, labels)
    is_a = np.array(plans) == "a"
    row = _rows(quality)["a"]
    assert quality.kind == "regression"
    assert row.mae == pytest.approx(mean_absolute_error(labels[is_a], scores[is_a]), abs=1e-9)
    assert row.rmse == pytest.approx(root_mean_squared_error(labels[is_a], scores[is_a]), abs=1e-9)
    assert row.bias == pytest.approx((scores - labels)[is_a].mean(), abs=1e-9)
    assert row.auc is None
