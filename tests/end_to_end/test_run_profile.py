"""`batchscore run --profile` on customers of a handful: every step and part is named, and all adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_customers import TinyBusiness

from contracts.errors import BatchScoreError
from runner.run_command import RunRequest, run_command
from runner.run_profile import OTHER, PROFILE_FILE, STARTUP_PART

pytestmark = pytest.mark.end_to_end

STEPS = ["PrepareInput", "CheckErrorBudget", "RegisterModel", "CreateModel", "ScoreShards", "ReportRun"]


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    return TinyBusiness(tmp_path_factory.mktemp("business"))


def run(business: TinyBusiness, *, is_profiled: bool, budget: str = "0.25") -> Path:
    """Run the command, and return where the profile of its run would be."""
    request = RunRequest(
        contract=business.contract,
        model=business.model,
        model_package=None,
        source=str(business.source),
        output=str(business.output),
        pipeline="candidate",
        model_image=None,
        wire="parquet",
        prepare="single",
        instance_count=2,
        parameters=[f"MaxQuarantineFraction={budget}"],
        first_port=None,
        state=business.state.root,
        is_profiled=is_profiled,
    )
    try:
        run_command(request)
    finally:
        newest = business.state.runs()[0]
    return business.state.run_folder(newest.run_id) / PROFILE_FILE


def test_every_step_and_part_is_named_and_all_adds_up(
    business: TinyBusiness, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seconds that count come to those of the command, the parts of a process to its life."""
    path = run(business, is_profiled=True)
    profile = json.loads(path.read_bytes())

    steps = {step["name"]: step for step in profile["steps"]}
    assert list(steps)[: len(STEPS)] == STEPS
    named = [*profile["before"].values(), *profile["after"].values(), profile["between_seconds"]]
    counted = [step["counted_seconds"] for step in profile["steps"]]
    assert sum([*named, *counted, profile["other_seconds"]]) == pytest.approx(profile["seconds"])
    for name, parts in {
        "PrepareInput": {"read source objects", "look for duplicate ids"},
        "ScoreShards": {"load the model", "answer payloads", "wait for payloads"},
        "ReportRun": {"settle and publish scores", "measure quality", "measure drift"},
    }.items():
        for process in steps[name]["processes"]:
            assert {STARTUP_PART, OTHER, *parts} <= set(process["parts"]), name
            assert sum(process["parts"].values()) == pytest.approx(process["seconds"])
            assert process["seconds"] <= steps[name]["seconds"] + 0.001, "which is kept in milliseconds"
            assert process["peak_memory_bytes"] > 0
    out = capsys.readouterr().out
    assert str(path) in out
    assert [name for name in steps if name not in out] == []


def test_a_run_that_failed_has_a_profile_too(business: TinyBusiness) -> None:
    """Of the steps that it came to; its own error is what the command ends with."""
    with pytest.raises(BatchScoreError, match="FailErrorBudget"):
        run(business, is_profiled=True, budget="0")

    newest = business.state.runs()[0]
    profile: dict[str, Any] = json.loads(
        (business.state.run_folder(newest.run_id) / PROFILE_FILE).read_bytes()
    )
    assert profile["status"] == "Failed"
    assert [step["name"] for step in profile["steps"]] == ["PrepareInput", *STEPS[1:2], "FailErrorBudget"]


def test_without_the_option_nothing_is_written_or_said(
    business: TinyBusiness, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the processes said of themselves is kept with the steps all the same."""
    path = run(business, is_profiled=False)

    assert not path.exists()
    assert "where the time went" not in capsys.readouterr().out
    record = business.state.runs()[0]
    assert record.steps["PrepareInput"].processes[0].parts["read source objects"] >= 0
    assert record.steps["PrepareInput"].record_count == 14
