"""Each rule matches exactly the events that it is for.

Events are in the shapes that AWS documents (`tests/events/`); patterns are those of the rules as created, and
the EventBridge of the emulated account decides.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulated_account import EmulatedAccount, StackFacts

EVENTS = Path(__file__).parents[1] / "events"
MATCHED_BY = {
    "model_approved": ["ApprovedRule"],
    "model_rejected": ["RejectedRule"],
    "model_registered": [],
    "model_approved_but_failed": [],
    "model_approved_of_another_group": [],
    "model_rejected_of_another_group": [],
    "s3_marker": ["MarkerRule"],
    "s3_marker_at_the_top": ["MarkerRule"],
    "s3_marker_of_a_nasty_name": ["MarkerRule"],
    "s3_other_object": [],
    "s3_almost_a_marker": [],
    "s3_marker_outside_the_input": [],
    "s3_marker_in_another_bucket": [],
    "s3_marker_deleted": [],
    "run_failed": ["FailedRunRule"],
    "candidate_run_failed": ["FailedRunRule"],
    "resume_run_failed": ["FailedRunRule"],
    "run_succeeded": [],
    "run_stopped": [],
    "run_of_another_pipeline_failed": [],
    "input_ready": ["NewInputRule"],
    "input_ready_at_the_top": ["NewInputRule"],
    "input_ready_elsewhere": [],
    "input_ready_without_slash": [],
    "input_ready_of_another_shape": [],
    "promotion_failed": ["FailedPromotionRule"],
    "promotion_succeeded": [],
    "another_build_failed": [],
    "unrelated": [],
}
ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}


def recorded(name: str) -> dict[str, Any]:
    """Return a recorded event."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def test_every_recorded_event_is_expected_somewhere() -> None:
    """A file that no test reads would prove nothing."""
    assert {path.stem for path in EVENTS.glob("*.json")} == set(MATCHED_BY)


@pytest.mark.parametrize("name", MATCHED_BY)
def test_recorded_events_have_the_documented_envelope(name: str) -> None:
    """[doc] EventBridge user guide, "Event structure"."""
    assert set(recorded(name)) == ENVELOPE


@pytest.mark.functional
@pytest.mark.parametrize("name", MATCHED_BY)
def test_exactly_the_right_rules_match(account: EmulatedAccount, stack: StackFacts, name: str) -> None:
    """Neither more nor fewer than the one that the event is for."""
    events = account.client("events")
    event = json.dumps(recorded(name))
    rules = {key: value for key, value in stack.ids.items() if key.endswith("Rule")}

    matched = [
        key
        for key, rule in rules.items()
        if events.test_event_pattern(
            EventPattern=events.describe_rule(Name=rule)["EventPattern"], Event=event
        )["Result"]
    ]

    assert matched == MATCHED_BY[name]
