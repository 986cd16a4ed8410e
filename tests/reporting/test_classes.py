"""Quality of a model of several classes is scikit-learn's, and what it lacks is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as reference

from contracts.contract_file import parse_contract
from reporting.evaluation import evaluation_document
from reporting.hits import HitMeasures, measure_hits
from reporting.labelled_records import keep_labelled_outputs
from reporting.output_quality import measure_output_quality
from reporting.quality import Quality

NAMES = ["cat", "dog", "owl"]


def _measure(folder: Path, numbers: np.ndarray, labels: list[Any], **scoring: Any) -> Quality:
    fields = [
        {"name": "id", "type": "string"},
        {"name": "x", "type": "number"},
        {"name": "y", "type": "string"},
    ]
    given = {"features": ["x"], "label": "y", "outputs": NAMES} | scoring
    document = {"fields": fields, "primaryKey": "id", "scoring": given}
    contract = parse_contract(json.dumps(document).encode(), name="contract.json")
    assert contract.outputs is not None
    parts = []
    for part, rows in enumerate(np.array_split(np.arange(len(labels)), 2)):
        answers = {"score": pa.array(list(numbers[rows]), pa.list_(pa.float64()))}
        if contract.outputs.top_k is not None:
            order = np.argsort(-numbers[rows], axis=1, kind="stable")[:, : contract.outputs.top_k]
            answers = {
                "score": pa.array(
                    list(np.take_along_axis(numbers[rows], order, axis=1)), pa.list_(pa.float64())
                ),
                "top": pa.array(list(order.astype(np.int32)), pa.list_(pa.int32())),
            }
        kept = pa.table({"y": pa.array([labels[row] for row in rows], pa.string())})
        parts.append(
            keep_labelled_outputs(pa.table(answers), kept, contract, contract.outputs, folder / str(part))
        )
    return measure_output_quality(parts, contract)


def _population(count: int = 600) -> tuple[np.ndarray, list[str]]:
    generator = np.random.default_rng(9)
    outputs = generator.dirichlet([0.6, 0.6, 0.3], count)
    return outputs, [NAMES[generator.choice(3, p=row)] for row in outputs]


def test_the_numbers_are_scikit_learns(tmp_path: Path) -> None:
    outputs, labels = _population()
    quality = _measure(tmp_path, outputs, labels)
    predicted = [NAMES[position] for position in outputs.argmax(axis=1)]
    expected = {
        "accuracy": reference.accuracy_score(labels, predicted),
        "log_loss": reference.log_loss(labels, outputs, labels=NAMES),
        "auc_macro": reference.roc_auc_score(labels, outputs, multi_class="ovr", labels=NAMES),
    }
    for average in ("macro", "weighted"):
        numbers = reference.precision_recall_fscore_support(labels, predicted, average=average)[:3]
        expected |= {
            f"{name}_{average}": one for name, one in zip(("precision", "recall", "f1"), numbers, strict=True)
        }
    assert quality.metrics == pytest.approx(expected, abs=1e-9)
    assert (quality.kind, quality.labelled_count, quality.notes) == ("classes", 600, ())
    assert quality.classes is not None
    assert [list(row) for row in quality.classes.confusion] == reference.confusion_matrix(
        labels, predicted, labels=NAMES
    ).tolist()
    for position, row in enumerate(quality.classes.rows):
        is_own = [label == row.name for label in labels]
        assert row.auc == pytest.approx(reference.roc_auc_score(is_own, outputs[:, position]), abs=1e-9)


def test_the_evaluation_has_the_multiclass_form(tmp_path: Path) -> None:
    document = evaluation_document(
        _measure(tmp_path, *_population()), evaluated_at="2026-11-23T06:00:00+00:00"
    )
    found = document["multiclass_classification_metrics"]
    assert {"accuracy", "weighted_precision", "weighted_recall", "weighted_f1", "confusion_matrix"} <= set(
        found
    )
    assert sum(sum(row.values()) for row in found["confusion_matrix"].values()) == 600


def test_under_top_k_the_largest_output_is_compared(tmp_path: Path) -> None:
    outputs, labels = _population()
    quality = _measure(tmp_path, outputs, labels, topK=2)
    assert quality.metrics["accuracy"] == _measure(tmp_path / "all", outputs, labels).metrics["accuracy"]
    assert "log_loss" not in quality.metrics
    assert quality.notes == ("Log loss and AUC were not computed: only the 2 largest outputs came back.",)


def test_labels_that_are_no_class_are_told(tmp_path: Path) -> None:
    outputs, labels = _population(20)
    quality = _measure(tmp_path, outputs, ["emu", None, *labels[2:]])
    assert quality.labelled_count == 18
    assert quality.notes[0].startswith("1 records have a value of “y” that is none of the model's outputs")
    nothing = _measure(tmp_path / "none", outputs, ["emu"] * 20)
    assert "is one of the model's outputs (cat, dog, owl), so nothing was measured" in nothing.notes[0]


def test_outputs_that_are_no_probabilities_have_no_log_loss(tmp_path: Path) -> None:
    outputs, labels = _population()
    quality = _measure(tmp_path, outputs * 7, labels)
    assert "log_loss" not in quality.metrics
    assert "auc_macro" in quality.metrics
    assert quality.notes[0].startswith("Log loss was not computed: it needs outputs that sum to 1")


def test_one_class_only_has_no_area(tmp_path: Path) -> None:
    outputs, _ = _population(10)
    quality = _measure(tmp_path, outputs, ["cat"] * 10)
    assert "auc_macro" not in quality.metrics
    assert "The mean AUC was not computed" in quality.notes[-1]


def test_under_top_k_a_label_among_the_outputs_kept_is_a_hit(tmp_path: Path) -> None:
    """scikit-learn's accuracy among the largest k; a rank from below counts less."""
    outputs, labels = _population()
    quality = _measure(tmp_path, outputs, labels, topK=2)
    truth = [NAMES.index(label) for label in labels]
    ranks = np.argsort(np.argsort(-outputs, axis=1, kind="stable"), axis=1)[np.arange(600), truth] + 1
    assert quality.metrics["hit_rate"] == reference.top_k_accuracy_score(truth, outputs, k=2)
    assert quality.metrics["mrr"] == pytest.approx(np.sum(1 / ranks[ranks <= 2]) / 600, abs=1e-12)
    assert (
        quality.intervals["hit_rate"].low < quality.metrics["hit_rate"] < quality.intervals["hit_rate"].high
    )


def test_of_more_outputs_than_classes_hits_are_what_is_measured(tmp_path: Path) -> None:
    """Lists of recommendations, say; also in evaluation.json."""
    names = [f"item {number}" for number in range(300)]
    outputs = np.random.default_rng(4).random((40, 300))
    best = np.argsort(-outputs, axis=1)
    labels = [names[best[row, 0 if row < 10 else 4 if row < 30 else 5]] for row in range(39)] + ["unheard of"]
    quality = _measure(tmp_path, outputs, labels, outputs=names, topK=5)
    assert quality.kind == "hits"
    assert quality.labelled_count == 39
    assert quality.metrics == {"hit_rate": 30 / 39, "mrr": pytest.approx((10 + 20 / 5) / 39)}
    assert quality.notes[0].startswith("1 records have a value of “y” that is none of the model's outputs")
    document = evaluation_document(quality, evaluated_at="2026-11-23T06:00:00+00:00")
    assert document["ranking_metrics"]["hit_rate"]["value"] == 30 / 39


def test_of_many_outputs_without_top_k_nothing_is_measured(tmp_path: Path) -> None:
    """And of labels that are no output; it is said."""
    names = [f"item {number}" for number in range(300)]
    outputs = np.random.default_rng(4).random((4, 300))
    vectors = _measure(tmp_path, outputs, names[:4], outputs=names)
    assert (
        "300 outputs for each record; up to 200, or the largest of more (`scoring.topK`)" in vectors.notes[0]
    )
    strangers = _measure(tmp_path / "strangers", outputs, ["x"] * 4, outputs=names, topK=2)
    assert strangers.notes[0].startswith("None of the 4 values of the label field “y” is one of")


def test_lists_of_different_lengths_and_none_are_compared_row_by_row() -> None:
    """In several chunks; an unscorable record has no list and counts as nothing."""
    kind = pa.list_(pa.int32())
    top = pa.chunked_array([pa.array([[3, 1], None], kind), pa.array([[], [2], [0, 5, 1]], kind)])
    score = pa.chunked_array([pa.array([[0.0], None, [], [0.0], [0.0]], pa.list_(pa.float64()))])
    labels = np.array([1, 1, 3, 2, 5])
    found = measure_hits(pa.table({"score": score, "top": top}), labels)
    assert found == HitMeasures(
        record_count=4, hit_count=3, reciprocal_rank_sum=1 / 2 + 1 + 1 / 2, unknown_count=0
    )
