"""`batchscore stop` is idempotent: a run that has ended is what was wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from emulated_aws import connection
from recorded_runs import LostRun, after

from runner.aws.status_command import stop_command
from runner.aws.stop import stop_run
from runner.aws.watch import WatchOptions

pytestmark = pytest.mark.functional


def test_a_running_run_is_stopped_once(batchscore: Any, lost: LostRun) -> None:
    """Stopping it again while it stops asks for nothing."""
    lost.run.status = "Executing"
    first, second = batchscore("stop", lost.arn), batchscore("stop", lost.arn, "--json")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert f"to go on with it: batchscore resume {lost.arn}" in first.out
    assert json.loads(second.out) == {
        "run_id": "run1",
        "execution_arn": lost.arn,
        "status": "Stopping",
        "asked": False,
    }
    assert lost.aws.stopped == [lost.arn]


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped"])
def test_a_run_that_has_ended_is_left_as_it_is(batchscore: Any, lost: LostRun, status: str) -> None:
    lost.run.status = status
    answer = batchscore("stop", lost.arn, "--wait")
    assert (answer.exit_code, answer.out) == (0, f"run run1 has ended already: {status}\n")
    assert lost.aws.stopped == []


def test_a_run_that_ends_just_before_it_is_stopped_is_no_fault(lost: LostRun) -> None:
    """The service refuses to stop what does not execute; that it has ended is asked again."""
    lost.run.status = "Executing"

    def refuse(_given: object) -> None:
        lost.run.status = "Succeeded"
        lost.aws.refuse("ConflictException", "The execution is not in a state to be stopped")

    lost.aws.answers["StopPipelineExecution"] = refuse
    outcome = stop_run(connection(), lost.arn)
    assert (outcome.status, outcome.was_asked) == ("Succeeded", False)


def test_a_refusal_while_the_run_goes_on_is_an_error(lost: LostRun) -> None:
    lost.run.status = "Executing"
    lost.aws.fail_next("StopPipelineExecution", "ConflictException", "busy")
    with pytest.raises(ClientError, match="busy"):
        stop_run(connection(), lost.arn)


def test_the_end_of_a_stopped_run_can_be_waited_for(
    lost: LostRun, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends Stopped, which is what was wanted: no error."""
    lost.run.status = "Executing"

    def end(_seconds: float) -> None:
        lost.run.status, lost.run.ended_at = "Stopped", after(31)

    options = WatchOptions(sleep=end, now=lambda: after(31))
    stop_command(lost.arn, connection(), options, waits=True, as_json=False)
    assert "run run1: Stopped; shards that have scores keep them" in capsys.readouterr().out
