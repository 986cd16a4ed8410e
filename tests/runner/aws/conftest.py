"""An emulated account for every test that asks for one, in which every request to SageMaker is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import emulated_aws
import pytest
from aws_shapes import request_faults
from botocore.client import BaseClient
from botocore.loaders import create_loader
from moto import mock_aws
from recorded_runs import LostRun, RecordedAws

_LOADER = create_loader()
Batchscore = Callable[..., emulated_aws.Answer]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account, emulated by moto."""
    emulated_aws.set_credentials(monkeypatch)
    # Else every session reads the megabytes that describe a service's API anew.
    monkeypatch.setattr("botocore.session.create_loader", lambda _paths: _LOADER)
    faults = _watch_requests(monkeypatch)
    with mock_aws():
        yield
    assert faults == []


def _watch_requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what is wrong with requests that change something in SageMaker, patterns and ranges too."""
    faults: list[str] = []
    make = BaseClient._make_api_call

    def watched(client: Any, operation: str, request: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        if service == "sagemaker" and operation.startswith(("Create", "Update", "Start", "Stop", "Add")):
            faults.extend(request_faults(operation, request))
        return make(client, operation, request)

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)
    return faults


@pytest.fixture
def batchscore(
    aws: None,  # noqa: ARG001 - every command needs the account
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Batchscore:
    """Run a command as typed and return what it printed and its exit code."""

    def run(*words: str) -> emulated_aws.Answer:
        return emulated_aws.run_command(monkeypatch, capsys, *words)

    return run


@pytest.fixture
def recorded(aws: None, monkeypatch: pytest.MonkeyPatch) -> RecordedAws:  # noqa: ARG001 - it stands before it
    """Executions that are as a test says, before the emulated account."""
    recorded = RecordedAws()
    recorded.stand_in(monkeypatch)
    return recorded


@pytest.fixture
def lost(recorded: RecordedAws) -> LostRun:
    """A production run that lost its transform job after the first of three shards."""
    return LostRun(recorded)


@pytest.fixture
def package(lost: LostRun) -> str:
    """The package of the lost run, approved."""
    emulated_aws.make_group("churn")
    arn = emulated_aws.register("churn", "Approved")
    lost.run.parameters["ModelPackageArn"] = arn
    return arn


@pytest.fixture
def pending_package(lost: LostRun) -> str:  # noqa: ARG001 - for its account
    """A package that nobody has approved."""
    emulated_aws.make_group("churn")
    return emulated_aws.register("churn", "PendingManualApproval")
