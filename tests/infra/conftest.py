"""The tools that read the template, and an emulated account in which it is created for real.

Both live in environments of their own, which `make` sets up. Without them, tests fail under `make` and in CI,
and are skipped where somebody runs pytest by hand.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated_account import PARAMETERS, STACK_NAME, EmulatedAccount, StackFacts, create_stack, running

VENV = Path(__file__).parents[2] / ".venv"


def _installed(command: str) -> Path:
    path = VENV / command
    if not path.exists():
        reason = f"{path} is missing; `make .venv/infra.stamp` installs it"
        if "MAKELEVEL" in os.environ or "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def run_tool() -> Any:
    """Run a command of the tools' environment and return what it printed and how it ended."""

    def run(command: str, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_installed(f"infra/bin/{command}"), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    """An account that nobody else uses, on loopback."""
    python = _installed("ministack/bin/python")
    with running(python, tmp_path_factory.mktemp("ministack")) as account:
        yield account


@pytest.fixture(scope="session")
def stack(account: EmulatedAccount) -> StackFacts:
    """The template, created with every option on."""
    account.client("s3").create_bucket(
        Bucket=PARAMETERS["InputBucket"],
        CreateBucketConfiguration={"LocationConstraint": account.region},
    )
    return create_stack(account, STACK_NAME, PARAMETERS)
