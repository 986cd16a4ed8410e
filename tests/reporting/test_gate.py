"""The gate asks for what its parameters say, and what cannot be compared is not met."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from tiny_evidence import NOTHING, measured_quality, moved

from contracts.errors import CallerError, PlatformError
from contracts.gate import QualityGate, parse_gate, write_gate
from reporting.gate import judge_gate
from reporting.quality import Quality

BOUNDS = {"MinQuality": "0.8", "MaxDrift": "0.5"}
UNLABELLED = Quality(kind="unknown", labelled_count=0, notes=("The contract names no label.",))


@pytest.mark.parametrize("parameters", [{}, {"MinQuality": "0.0", "MaxDrift": "0.0", "QualityMetric": "auc"}])
def test_nothing_asked_for_is_passed(parameters: dict[str, str]) -> None:
    assert judge_gate(UNLABELLED, NOTHING, parameters) == QualityGate(is_passed=True, reason="")


def test_bounds_are_inclusive() -> None:
    gate = judge_gate(
        measured_quality(0.8, 0.7, 0.9), moved("x", "alarm", 0.5), {"MinQuality": "0.8", "MaxDrift": "0.5"}
    )
    assert gate == QualityGate(
        is_passed=True,
        reason="Asked for and met: AUC (area under the ROC curve) of at least 0.8, drift of at most 0.5 "
        "(PSI).",
    )


def test_each_bound_that_is_missed_is_a_sentence() -> None:
    gate = judge_gate(
        measured_quality(0.6, 0.5, 0.7), moved("x", "alarm", 0.5), {"MinQuality": "0.8", "MaxDrift": "0.2"}
    )
    assert gate == QualityGate(
        is_passed=False,
        reason="AUC (area under the ROC curve) is 0.6, at least 0.8 was asked for. “x” has drifted by a "
        "PSI of 0.5, at most 0.2 was asked for.",
    )


def test_what_cannot_be_compared_is_not_met() -> None:
    gate = judge_gate(
        UNLABELLED,
        dataclasses.replace(NOTHING, notes=("No baseline.",)),
        {"MinQuality": "0.7", "MaxDrift": "1"},
    )
    assert not gate.is_passed
    assert "was asked for and not computed: The contract names no label." in gate.reason
    assert "was asked for and not measured: No baseline." in gate.reason


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"MinQuality": "high"}, "MinQuality is 'high'; expected a number"),
        ({"MaxDrift": "nan"}, "MaxDrift is 'nan'; expected a number"),
        ({"QualityMetric": "gini"}, "QualityMetric is 'gini'; valid: auc"),
    ],
)
def test_wrong_bounds_are_refused(parameters: dict[str, str], fault: str) -> None:
    with pytest.raises(CallerError, match=fault):
        judge_gate(UNLABELLED, NOTHING, parameters)


def test_a_gate_survives_its_file_and_its_reason_is_bounded(tmp_path: Path) -> None:
    write_gate(tmp_path, QualityGate(is_passed=False, reason="x" * 5000))
    content = (tmp_path / "gate.json").read_bytes()
    assert json.loads(content)["is_passed"] == "no"
    assert len(parse_gate(content, name="gate.json").reason) <= 500
    with pytest.raises(PlatformError, match="cannot be read as a quality gate"):
        parse_gate(b"[]", name="gate.json")
