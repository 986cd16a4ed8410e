"""Watching a run to its end: lines when piped, a table on a terminal, and nothing that AWS omits ends it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from emulated_aws import connection
from recorded_runs import LostRun, after, put
from rich.console import Console

from contracts.errors import CallerError, RunFailedError
from runner.aws.jobs import PROCESSING, TRANSFORM
from runner.aws.watch import WatchOptions, follow, wait_for_run

pytestmark = pytest.mark.functional

Change = Callable[[], None]
PRICES = {(PROCESSING, "ml.m5.2xlarge"): 3.0, (TRANSFORM, "ml.m5.xlarge"): 2.0}


class Theatre:
    """Where time passes only by sleeping, and the run changes then."""

    def __init__(self, *changes: Change, is_terminal: bool = False) -> None:
        self.changes = list(changes)
        self.slept: list[float] = []
        self.stream = io.StringIO()
        self.console = Console(file=self.stream, force_terminal=is_terminal, width=110)

    def sleep(self, seconds: float) -> None:
        """Let the next change happen; there must be one."""
        self.slept.append(seconds)
        self.changes.pop(0)()

    @property
    def options(self) -> WatchOptions:
        """Options whose clock stands at 20 minutes after the start."""
        return WatchOptions(poll_seconds=7, sleep=self.sleep, now=lambda: after(20), prices=PRICES)

    @property
    def lines(self) -> list[str]:
        """What was printed."""
        return self.stream.getvalue().splitlines()


@pytest.fixture
def running(lost: LostRun) -> LostRun:
    """The run while it scores, its second step of three shards."""
    lost.run.status, lost.run.reason = "Executing", ""
    metadata = lost.aws.transform_job("score", "InProgress", TransformStartTime=after(15))
    lost.run.step("ScoreShards", "Executing", 11, Metadata=metadata)
    return lost


def ends(run: LostRun, status: str = "Succeeded") -> Change:
    """Return what ends the run."""

    def end() -> None:
        metadata = run.run.steps[-1]["Metadata"]
        run.run.step("ScoreShards", status, 11, 20, Metadata=metadata)
        run.run.status, run.run.ended_at = status, after(20)

    return end


def test_each_change_is_a_line_and_no_change_is_none(running: LostRun) -> None:
    """A log of hours stays as short as what happened."""
    theatre = Theatre(
        lambda: None,
        lambda: put(f"{running.uri}transform/shard-00-00001.csv.out", b"1"),
        ends(running),
    )
    wait_for_run(connection(), running.arn, theatre.options, theatre.console)
    assert theatre.slept == [7, 7, 7]
    assert theatre.lines[:6] == [
        "PrepareInput: Succeeded - 600.0 s - 1 x ml.m5.2xlarge",
        "CheckErrorBudget: Succeeded - 0.0 s - yes",
        "CreateModel: Succeeded - 30.0 s",
        "ScoreShards: Executing - 100 records, 0/s - about 1500 s left - 2 x ml.m5.xlarge",
        "ScoreShards: Executing - 300 records, 1/s - about 300 s left - 2 x ml.m5.xlarge",
        "ScoreShards: Succeeded - 540.0 s, 300 records - 2 x ml.m5.xlarge",
    ]
    assert "Run run1 Succeeded" in theatre.lines[6]


def test_a_terminal_shows_a_table_with_rate_and_cost(running: LostRun) -> None:
    theatre = Theatre(ends(running), is_terminal=True)
    status = follow(connection(), running.arn, theatre.options, theatre.console)
    assert status.state.status == "Succeeded"
    shown = theatre.stream.getvalue()
    assert "ScoreShards       01-04 06:11:00" in shown
    assert "cost so far: 0.7333 USD" in shown


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure"])
def test_throttling_does_not_end_the_watching(running: LostRun, code: str) -> None:
    """It is said once, and asked again; AWS's own words are kept."""
    operation = "ListPipelineExecutionSteps"
    theatre = Theatre(
        lambda: running.aws.fail_next(operation, code, "Rate exceeded"),
        lambda: running.aws.fail_next(operation, code, "Rate exceeded"),
        lambda: None,
        ends(running),
    )
    if code == "InternalFailure":
        running.aws.error_status = 500
    wait_for_run(connection(), running.arn, theatre.options, theatre.console)
    told = [line for line in theatre.lines if "asking again every 7 s" in line]
    assert len(told) == 1
    assert operation in told[0]


def test_a_network_that_is_gone_for_a_while_does_not_end_the_watching(
    running: LostRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop that was closed goes on watching."""
    client = connection().client("sagemaker")
    describe = client.describe_pipeline_execution
    failures = [EndpointConnectionError(endpoint_url="https://api.x")]

    def sometimes(**given: Any) -> Any:
        if failures:
            raise failures.pop()
        return describe(**given)

    monkeypatch.setattr(client, "describe_pipeline_execution", sometimes)
    theatre = Theatre(lambda: None, ends(running))
    wait_for_run(connection(), running.arn, theatre.options, theatre.console)
    assert "AWS cannot be reached" in theatre.lines[0]


def test_an_expired_session_ends_the_watching_and_says_that_the_run_goes_on(running: LostRun) -> None:
    """Asking again would be refused again."""
    running.aws.fail_next("DescribePipelineExecution", "ExpiredTokenException", "expired")
    theatre = Theatre()
    with pytest.raises(CallerError, match=r"session has expired.*the run goes on: arn:"):
        follow(connection(), running.arn, theatre.options, theatre.console)


def test_ctrl_c_ends_the_watching_and_not_the_run(running: LostRun) -> None:
    """And says how to go on watching, and how to stop the run."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    theatre = Theatre(interrupt)
    with pytest.raises(KeyboardInterrupt):
        wait_for_run(connection(), running.arn, theatre.options, theatre.console)
    assert f"end it with `batchscore stop {running.arn}`" in theatre.lines
    assert running.aws.stopped == []


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_run_that_did_not_succeed_fails_the_command(running: LostRun, status: str) -> None:
    theatre = Theatre(ends(running, status))
    with pytest.raises(RunFailedError, match=f"run run1 ended {status}"):
        wait_for_run(connection(), running.arn, theatre.options, theatre.console)


def test_status_with_wait_has_the_exit_code_of_the_run(batchscore: Any, lost: LostRun) -> None:
    """1 for a run that failed; the step and its reason are named."""
    answer = batchscore("status", lost.arn, "--wait")
    assert answer.exit_code == 1
    assert "error: run run1 ended Failed: ScoreShards: ClientError: see the logs\n" in answer.err
    assert "Run run1 Failed" in answer.out


def test_a_retried_step_is_told_with_its_attempt(running: LostRun) -> None:
    """A retry policy of the pipeline made it begin again."""
    metadata = running.run.steps[-1]["Metadata"]
    theatre = Theatre(
        lambda: running.run.step("ScoreShards", "Executing", 11, Metadata=metadata, AttemptCount=2),
        ends(running),
    )
    follow(connection(), running.arn, theatre.options, theatre.console)
    assert any(line.endswith("2 x ml.m5.xlarge, attempt 2") for line in theatre.lines)
