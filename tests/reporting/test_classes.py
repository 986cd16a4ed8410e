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
from reporting.labelled_records import keep_labelled_outputs
from reporting.quality import Quality, measure_quality

NAMES = ["cat", "dog", "owl"]


def _measure(folder: Path, outputs: np.ndarray, labels: list[Any], **scoring: Any) -> Quality:
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
    for number, rows in enumerate(np.array_split(np.arange(len(labels)), 2)):
        answers = {"score": pa.array(list(outputs[rows]), pa.list_(pa.float64()))}
        if contract.outputs.top_k is not None:
            order = np.argsort(-outputs[rows], axis=1, kind="stable")[:, : contract.outputs.top_k]
            answers = {
                "score": pa.array(
                    list(np.take_along_axis(outputs[rows], order, axis=1)), pa.list_(pa.float64())
                ),
                "top": pa.array(list(order.astype(np.int32)), pa.list_(pa.int32())),
            }
        kept = pa.table({"y": pa.array([labels[row] for row in rows], pa.string())})
        parts.append(
            keep_labelled_outputs(pa.table(answers), kept, contract, contract.outputs, folder / str(number))
        )
    return measure_quality(parts, contract, {})


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
