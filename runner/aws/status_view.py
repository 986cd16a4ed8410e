"""Show how a run in AWS is: as a table of its steps, as plain lines, and in full once it is printed."""

from __future__ import annotations

import datetime as dt

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from runner.aws.execution import StepState
from runner.aws.status import SCORE_STEP, Prices, RunStatus
from runner.progress_view import StepView, plain_line, steps_table

MISSING_TOLD = 20
_GOING_ON = ("Starting", "Executing")
_COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "yellow"}


def table_of(status: RunStatus, now: dt.datetime) -> Table:
    """Return the steps as they are at a moment."""
    return steps_table(step_views(status), now.timestamp())


def live_view(status: RunStatus, prices: Prices, now: dt.datetime) -> Group:
    """Return what a terminal shows while a run goes on."""
    head = Text(f"Run {status.run_id} ")
    head.append(status.state.status, style=_COLOURS.get(status.state.status, "cyan"))
    return Group(head, table_of(status, now), Text(cost_text(status, prices), style="dim"))


def new_lines(status: RunStatus, before: RunStatus | None) -> list[str]:
    """Return a line for each step that is not as it was: another status or attempt, or more records."""
    earlier = {} if before is None else _marks(before)
    marks, views = _marks(status), step_views(status)
    now = status.asked_at.timestamp()
    return [plain_line(name, view, now) for name, view in views.items() if marks[name] != earlier.get(name)]


def print_status(status: RunStatus, prices: Prices, console: Console) -> None:
    """Print how a run is, with every failure in full and the shards that have no scores."""
    if console.is_terminal:
        console.print(live_view(status, prices, status.asked_at))
    else:
        for line in _plain(status, prices):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"ARN {status.state.arn}", markup=False, highlight=False, soft_wrap=True)
    for name, reason in status.failures.items():
        console.print(f"{name or 'run'} failed: {reason}", markup=False, highlight=False, soft_wrap=True)
    for line in (*missing_lines(status), *_advice(status)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _plain(status: RunStatus, prices: Prices) -> list[str]:
    now, views = status.asked_at.timestamp(), step_views(status)
    steps = [
        plain_line(name, view, now) + (f" - began {view.began_at}" if view.began_at else "")
        for name, view in views.items()
    ]
    return [f"Run {status.run_id} {status.state.status}", *steps, cost_text(status, prices)]


def _advice(status: RunStatus) -> list[str]:
    if not status.state.has_ended:
        return [f"follow it: batchscore status {status.state.arn} --wait"]
    if status.state.status == "Succeeded":
        return []
    return [f"how far it came and what goes on: batchscore results {status.state.arn}"]


def missing_lines(status: RunStatus) -> list[str]:
    """Name the shards without an output, once their transform job has ended; some if they are many."""
    ended = any(step.name == SCORE_STEP and step.ended_at for step in status.state.steps)
    if status.scoring is None or not status.scoring.missing or not ended:
        return []
    missing = status.scoring.missing
    told = [f"  {shard.name} ({shard.record_count:,} records)" for shard in missing[:MISSING_TOLD]]
    more = [f"  and {len(missing) - MISSING_TOLD:,} more; --json names all"] if missing[MISSING_TOLD:] else []
    return [f"without scores: {len(missing):,} of {status.scoring.shard_count:,} shards", *told, *more]


def cost_text(status: RunStatus, prices: Prices) -> str:
    """Say what the run took so far: in USD where prices are known, else in instance-hours."""
    hours = status.instance_hours
    if not hours:
        return "cost so far: none, no job has begun"
    parts = ", ".join(f"{component} {kind} {count:.3f} h" for (component, kind), count in hours.items())
    usd = status.usd(prices)
    if usd is None:
        return f"so far {sum(hours.values()):.3f} instance-hours ({parts}); `batchscore plan` asks for prices"
    return f"cost so far: {usd:.4f} USD for {sum(hours.values()):.3f} instance-hours ({parts})"


def step_views(status: RunStatus) -> dict[str, StepView]:
    """Return the steps as they are shown, by name; their clock is that of the epoch."""
    return {step.name: _view(step, status) for step in status.state.steps}


def _view(step: StepState, status: RunStatus) -> StepView:
    began = (step.started_at or status.asked_at).timestamp()
    end = (step.ended_at or status.asked_at).timestamp()
    view = StepView(
        started=began,
        status="Executing" if step.status in _GOING_ON else step.status,
        seconds=end - began,
        outcome=_outcome(step, status),
        began_at=f"{step.started_at:%m-%d %H:%M:%S}" if step.started_at else "",
    )
    job = status.jobs.get(step.name)
    if job is not None:
        view.waited = max(0.0, job.started_at.timestamp() - began) if job.started_at else end - began
    if step.name == SCORE_STEP and status.scoring is not None:
        view.records = status.scoring.scored_count
        view.fraction = view.records / max(1, status.scoring.record_count)
    return view


def _outcome(step: StepState, status: RunStatus) -> str:
    if step.status == "Failed":
        return status.reason_of(step)
    parts = [step.branch] if step.branch else []
    job = status.jobs.get(step.name)
    if job is not None:
        waits = "" if job.started_at or job.has_ended else "waits for "
        parts.append(f"{waits}{job.instance_count} x {job.instance_type}")
    if step.attempt > 1:
        parts.append(f"attempt {step.attempt}")
    return ", ".join(parts)


def _marks(status: RunStatus) -> dict[str, tuple[str, int, int, str]]:
    return {
        step.name: (step.status, step.attempt, _view(step, status).records, _outcome(step, status))
        for step in status.state.steps
    }
