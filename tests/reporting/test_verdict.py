"""The first sentence says whether the scores can be used, and why."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_evidence import NOTHING, measured_quality, moved

from contracts.gate import QualityGate
from contracts.ledger import RunCounts
from reporting.budget import QuarantineBudget
from reporting.verdict import Evidence, judge

ALL = RunCounts(read=1000, valid=1000, quarantined=0, scored=1000)


def _evidence(**changed: Any) -> Evidence:
    given: dict[str, Any] = {
        "counts": ALL,
        "budget": QuarantineBudget(),
        "has_equal_scores": False,
        "quality": measured_quality(0.8, 0.75, 0.85),
        "drift": NOTHING,
        "gate": QualityGate(is_passed=True, reason=""),
    }
    return Evidence(**(given | changed))


def test_nothing_speaks_against_a_whole_run_of_a_good_model() -> None:
    verdict = judge(_evidence(drift=moved("tenure", "none", 0.01)))
    assert (verdict.level, verdict.reasons) == ("usable", ())
    assert verdict.sentence == (
        "These scores can be used: every one of the 1,000 records read was scored; AUC 0.800 "
        "(95 % interval 0.750 to 0.850); nothing has drifted."
    )


@pytest.mark.parametrize(
    ("changed", "level", "reason"),
    [
        (
            {"counts": RunCounts(read=1000, valid=990, quarantined=10, scored=990)},
            "care",
            "10 records were held back with a reason (1.00%).",
        ),
        (
            {"counts": RunCounts(read=9, valid=9, quarantined=0, scored=8, unscorable=1)},
            "care",
            "1 record came back from the model with an error",
        ),
        ({"quality": measured_quality(0.52, 0.48, 0.56)}, "care", "The AUC of 0.5200 may be chance"),
        (
            {"quality": measured_quality(0.3, 0.2, 0.4)},
            "stop",
            "The scores rank the outcomes the wrong way round",
        ),
        ({"has_equal_scores": True}, "stop", "Every record has the same score"),
        (
            {"counts": RunCounts(read=2, valid=2, quarantined=0, scored=0, unscorable=2)},
            "stop",
            "No record has a score.",
        ),
        (
            {"gate": QualityGate(is_passed=False, reason="AUC is 0.6, at least 0.7 was asked for.")},
            "stop",
            "The quality gate was not passed: AUC is 0.6",
        ),
        ({"drift": moved("tenure", "warning", 0.15)}, "care", "1 feature has moved from the training data"),
        ({"drift": moved("tenure", "alarm", 0.5)}, "care", "1 feature has moved far from the training data"),
        ({"drift": moved("score", "warning", 0.15, is_score=True)}, "care", "The scores have moved"),
        (
            {"drift": moved("score", "alarm", 0.5, is_score=True)},
            "stop",
            "The scores are distributed unlike",
        ),
    ],
)
def test_each_reason_has_its_weight(changed: dict[str, Any], level: str, reason: str) -> None:
    verdict = judge(_evidence(**changed))
    assert verdict.level == level
    assert verdict.reasons[0].startswith(reason)
    assert verdict.reasons[0][1:] in verdict.sentence


def test_the_weightiest_reason_comes_first() -> None:
    counts = RunCounts(read=1000, valid=990, quarantined=10, scored=990)
    gate = QualityGate(is_passed=False, reason="too low.")
    verdict = judge(_evidence(counts=counts, gate=gate))
    assert [reason.split()[0] for reason in verdict.reasons] == ["The", "10"]
    assert verdict.heading == "Do not use before looking"


def test_a_feature_that_moved_far_weighs_more_than_records_within_the_budget() -> None:
    """And these more than one that has moved a little."""
    counts = RunCounts(read=1000, valid=990, quarantined=10, scored=990)
    far = judge(_evidence(counts=counts, drift=moved("tenure", "alarm", 0.5)))
    little = judge(_evidence(counts=counts, drift=moved("tenure", "warning", 0.15)))
    assert [reason.split()[1] for reason in far.reasons] == ["feature", "records"]
    assert [reason.split()[1] for reason in little.reasons] == ["records", "feature"]
