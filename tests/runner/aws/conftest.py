"""An emulated account for every test that asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import emulated_aws
import pytest
from moto import mock_aws

Batchscore = Callable[..., emulated_aws.Answer]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account, emulated by moto."""
    emulated_aws.set_credentials(monkeypatch)
    with mock_aws():
        yield


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
