"""How a run in AWS is: its steps, what their jobs run on, how many records are scored, what it took so far.

Progress of scoring is counted, not estimated: Batch Transform writes a shard's output when the whole shard is
done, so records move on a shard at a time. Instance-hours are those of each step's current attempt, the only
one that AWS tells of.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import RunFailedError
from contracts.plan import ShardManifest
from runner.aws.execution import Executed, ExecutionState, StepState, read_executed, read_state
from runner.aws.jobs import JobFact, read_job
from runner.aws.run_files import RunFiles, ScoringProgress, manifest_names
from runner.aws.session import AwsConnection

SCORE_STEP = "ScoreShards"

Clock = Callable[[], dt.datetime]
Prices = Mapping[tuple[str, str], float]
"""USD an hour of one instance, by component (see `runner.aws.jobs`) and instance type."""


def utc_now() -> dt.datetime:
    """Return this moment."""
    return dt.datetime.now(dt.timezone.utc)


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One run at one moment.

    Attributes:
        run_id: Names the run's files; of a resumption, those of the run that it resumes.
        state: Of the execution.
        jobs: By name of the step, as far as steps have jobs.
        scoring: None before scoring has begun.
        asked_at: The moment, UTC.
    """

    run_id: str
    state: ExecutionState
    jobs: Mapping[str, JobFact]
    scoring: ScoringProgress | None
    asked_at: dt.datetime

    @property
    def failures(self) -> dict[str, str]:
        """Every reason in full, by name of the step that failed; under no name, one of the whole run."""
        failed = {step.name: self.reason_of(step) for step in self.state.steps if step.status == "Failed"}
        return failed or ({"": self.state.reason} if self.state.reason else {})

    def reason_of(self, step: StepState) -> str:
        """Return why a step failed: what its job says, and what the pipeline adds to that."""
        job = self.jobs.get(step.name)
        told = job.reason if job is not None else ""
        if not told or told in step.reason:
            return step.reason
        return told if step.reason in told else f"{told} ({step.reason})"

    @property
    def instance_hours(self) -> dict[tuple[str, str], float]:
        """Hours so far, by component and instance type."""
        hours: dict[tuple[str, str], float] = defaultdict(float)
        for job in self.jobs.values():
            hours[job.component, job.instance_type] += job.instance_hours(self.asked_at)
        return dict(hours)

    def usd(self, prices: Prices) -> float | None:
        """Return what the hours cost; None where a price of one is not known, or there are no hours."""
        hours = self.instance_hours
        if not hours or any(key not in prices for key in hours):
            return None
        return sum(count * prices[key] for key, count in hours.items())

    def check_succeeded(self) -> None:
        """Check that the run ended well.

        Raises:
            RunFailedError: It failed or was stopped; the message names the step and its reason.
        """
        if self.state.status == "Succeeded":
            return
        told = "; ".join(
            f"{name}: {reason}" if name else reason for name, reason in self.failures.items() if reason
        )
        raise RunFailedError(f"run {self.run_id} ended {self.state.status}" + (f": {told}" if told else ""))

    def as_json(self, prices: Prices) -> dict[str, Any]:
        """Return the form that scripts rely on."""
        scoring = self.scoring
        return {
            "run_id": self.run_id,
            "execution_arn": self.state.arn,
            "status": self.state.status,
            "started_at": iso(self.state.started_at),
            "ended_at": iso(self.state.ended_at),
            "failure_reason": self.state.reason,
            "steps": [self._step_json(step) for step in self.state.steps],
            "scoring": None
            if scoring is None
            else {
                "shards": scoring.shard_count,
                "records": scoring.record_count,
                "scored": scoring.scored_count,
                "missing": [shard.name for shard in scoring.missing],
            },
            "instance_hours": [
                {"component": component, "instance_type": instance_type, "hours": hours}
                for (component, instance_type), hours in self.instance_hours.items()
            ],
            "usd": self.usd(prices),
            "asked_at": iso(self.asked_at),
        }

    def _step_json(self, step: StepState) -> dict[str, Any]:
        job = self.jobs.get(step.name)
        end = step.ended_at or self.asked_at
        return {
            "name": step.name,
            "status": step.status,
            "started_at": iso(step.started_at),
            "ended_at": iso(step.ended_at),
            "seconds": (end - step.started_at).total_seconds() if step.started_at else 0.0,
            "attempt": step.attempt,
            "branch": step.branch,
            "reason": self.reason_of(step),
            "arn": step.arn,
            "instance_type": job.instance_type if job else None,
            "instance_count": job.instance_count if job else None,
        }


class RunObserver:
    """Asks how one run is, as often as it is told to; what cannot change any more is asked for once."""

    def __init__(self, connection: AwsConnection, arn: str, now: Clock = utc_now) -> None:
        self.arn = arn
        self._connection = connection
        self._now = now
        self._executed: Executed | None = None
        self._ended_jobs: dict[str, JobFact] = {}
        self._manifest: ShardManifest | None = None
        self._names: list[str] | None = None
        self._final_scoring: ScoringProgress | None = None

    def look(self) -> RunStatus:
        """Ask how the run is now."""
        if self._executed is None:
            self._executed = read_executed(self._connection, self.arn)
        state = read_state(self._connection, self.arn)
        jobs = {step.name: self._job(step) for step in state.steps}
        return RunStatus(
            run_id=self._executed.run_id,
            state=state,
            jobs={name: job for name, job in jobs.items() if job is not None},
            scoring=self._scoring(state, self._executed),
            asked_at=self._now(),
        )

    def _job(self, step: StepState) -> JobFact | None:
        if step.arn in self._ended_jobs:
            return self._ended_jobs[step.arn]
        job = read_job(self._connection, step)
        if job is not None and job.has_ended:
            self._ended_jobs[step.arn] = job
        return job

    def _scoring(self, state: ExecutionState, executed: Executed) -> ScoringProgress | None:
        step = next((step for step in state.steps if step.name == SCORE_STEP and step.started_at), None)
        if step is None or self._final_scoring is not None:
            return self._final_scoring
        s3 = self._connection.client("s3")
        files = RunFiles(s3=s3, run_uri=executed.run_uri)
        if self._manifest is None:
            self._manifest = files.manifest()
            uri = executed.parameters.get("ShardManifestUri", "")
            self._names = manifest_names(s3, uri) if uri else None
        if self._manifest is None:
            return None
        progress = files.progress(self._manifest, self._names)
        if step.ended_at is not None:
            self._final_scoring = progress
        return progress


def iso(moment: dt.datetime | None) -> str:
    """Return a moment in UTC, ISO 8601 with milliseconds and `Z`; empty for none."""
    if moment is None:
        return ""
    text = moment.astimezone(dt.timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
