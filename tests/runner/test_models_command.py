"""A package that did not pass its quality gate is not approved by mistake."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import CallerError
from emulator.run_record import RunRecord, StepRecord
from runner.cli import app
from runner.local_state import LocalState
from runner.run_command import describe_failed_gate

pytestmark = pytest.mark.functional

REASON = "The model did not pass its quality gate: AUC is 0.6."


def _state(root: Path) -> tuple[LocalState, str]:
    state = LocalState(root=root)
    package = state.registry.register({"ModelPackageGroupName": "churn"}, "2026-11-23T06:00:00+00:00")
    return state, package.arn


def _record(arn: str, **steps: StepRecord) -> RunRecord:
    registered = StepRecord(type="RegisterModel", status="Succeeded", started_at="", made=arn)
    return RunRecord(
        run_id="r",
        pipeline_name="candidate",
        parameters={},
        process_id=1,
        started_at="",
        steps={"RegisterModel": registered, **steps},
    )


def _invoke(state: LocalState, *argv: str) -> str:
    result = CliRunner().invoke(app, ["models", *argv, "--state", str(state.root)], catch_exceptions=False)
    return result.output


def test_the_package_of_a_run_that_ended_at_its_gate_is_approved_by_force_only(tmp_path: Path) -> None:
    state, arn = _state(tmp_path)
    gate = StepRecord(type="Fail", status="Failed", started_at="", outcome=REASON)
    describe_failed_gate(_record(arn, FailQuality=gate), state)
    assert REASON in _invoke(state, "list")
    with pytest.raises(CallerError, match=r"AUC is 0\.6\. To approve it all the same, give --force"):
        _invoke(state, "approve", "churn/1")
    assert state.registry.package(arn).approval_status == "PendingManualApproval"
    assert "Approved" in _invoke(state, "approve", "churn/1", "--force")
    assert "Rejected" in _invoke(state, "reject", "churn/1")


def test_a_run_that_failed_elsewhere_says_nothing_of_its_package(tmp_path: Path) -> None:
    state, arn = _state(tmp_path)
    describe_failed_gate(_record(arn), state)
    assert "why not" not in _invoke(state, "list")
    assert "Approved" in _invoke(state, "approve", "churn/1")


def test_a_registry_of_before_gains_the_column(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "create table model_package (arn text primary key, group_name text not null, version integer not "
            "null, approval_status text not null, created_at text not null, request text not null, "
            "unique (group_name, version));"
            "insert into model_package values ('a', 'churn', 1, 'Approved', '2026', '{}');"
        )
    connection.close()
    package = LocalState(root=tmp_path).registry.package("churn/1")
    assert (package.approval_status, package.approval_description) == ("Approved", "")
