"""Run an example as its user does, by its own command, and say what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from browser import opened
from playwright.sync_api import Browser

from contracts.ledger import RunLedger
from runner.local_state import STATE_VARIABLE, LocalState
from runner.results import RunResults, results_of

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class ExampleRun:
    """What came of an example's command.

    Attributes:
        results: Of its newest run.
        printed: What the command wrote to standard output.
        work: The example's folder.
        state: Of the local runs.
    """

    results: RunResults
    printed: str
    work: Path
    state: LocalState

    @property
    def facts(self) -> RunLedger:
        """The ledger of the newest run."""
        assert self.results.facts is not None
        return self.results.facts

    @property
    def reasons(self) -> dict[str, int]:
        """How many records were held back, by reason code."""
        return dict(self.facts.reason_counts)


def run_example(name: str, folder: Path, *options: str) -> ExampleRun:
    """Execute `python -m examples.<name>.run` with its files and the local state below `folder`."""
    work, state = folder / "work", LocalState(root=folder / "state")
    command = [sys.executable, "-m", f"examples.{name}.run", "--work", str(work), *options]
    environment = {**os.environ, STATE_VARIABLE: str(state.root)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return ExampleRun(results=results_of(state.run(None), state), printed=done.stdout, work=work, state=state)


def check_report(browser: Browser, done: ExampleRun) -> None:
    """Open the report of the newest run: it is whole, legible, and says how many records were scored."""
    assert done.results.report is not None
    with opened(browser, done.results.report) as seen:
        seen.open_all_details()
        assert seen.requests == [seen.address]
        assert seen.messages == []
        assert f"{done.results.counts['scored']:,}" in seen.page.inner_text("main")
        assert seen.severe_violations() == []
