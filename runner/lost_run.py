"""What both doors agree on about a run that did not come to its end: can it be resumed, and with what.

Pure: a `RunRecord` says what is known of the run, be it read from this machine or asked of AWS.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from contracts.errors import CallerError
from contracts.plan import ScoringPlan, Shard
from emulator.run_record import RunRecord

BUDGET_STEP = "CheckErrorBudget"
REGISTER_STEP = "RegisterModel"
INSTANCE_COUNT = "TransformInstanceCount"
UNFINISHED = ("Executing", "Stopping")

_NAMES_TOLD = 5


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """What is left to do of one run.

    Attributes:
        record: Of the run so far.
        plan: What its preparation decided.
        shards_uri: Prefix of its shards; ends with `/`.
        all: All shards, in the order in which they were cut.
        missing: Those without an output.
        model_package_arn: The package that scores; empty where the run was lost before it was registered.
    """

    record: RunRecord
    plan: ScoringPlan
    shards_uri: str
    all: tuple[Shard, ...]
    missing: tuple[Shard, ...]
    model_package_arn: str

    @property
    def attempt(self) -> int:
        """Number of the attempt that resumes the run, from 2."""
        return self.record.attempt + 1

    @property
    def resume_at(self) -> str:
        """Where the run is taken up: `register`, `score` or `report`."""
        if not self.model_package_arn:
            return "register"
        return "score" if self.missing else "report"


def check_came_so_far(record: RunRecord, start_anew: str) -> None:
    """Check that a run has ended, not well, and late enough that what is left of it can be executed.

    Args:
        record: Of the run so far.
        start_anew: What to do instead, for the message.

    Raises:
        CallerError: It cannot be resumed; the message says why and what to do.
    """
    if record.status in UNFINISHED:
        where = f" (process {record.process_id})" if record.process_id else ""
        raise CallerError(
            f"run {record.run_id} is still executing{where}; wait for its end, or stop it first"
        )
    if record.status == "Succeeded":
        raise CallerError(
            f"run {record.run_id} has succeeded, nothing of it is left to do; "
            f"see `batchscore results {record.run_id}`"
        )
    budget = record.steps.get(BUDGET_STEP)
    if budget is not None and budget.outcome == "no":
        raise CallerError(
            f"run {record.run_id} was ended by its error budget and would be again: "
            f"{record.failure_reason}; then {start_anew}"
        )
    for name, step in record.steps.items():
        if step.status == "Failed" and step.is_by_rules:
            raise CallerError(
                f"run {record.run_id} was ended by its own rules in {name} and would be again: "
                f"{record.failure_reason}; then {start_anew}"
            )
    if budget is None or budget.status != "Succeeded":
        raise CallerError(
            f"run {record.run_id} was lost before its input was prepared and checked, "
            f"so that there is nothing to resume from; {start_anew}"
        )


def run_prefix(record: RunRecord) -> str:
    """Return the prefix below which the run keeps what is its own."""
    return f"{str(record.parameters['OutputUri']).rstrip('/')}/runs/{record.run_id}/"


def package_of(record: RunRecord) -> str:
    """Return the ARN of the package that scores; empty where the run was lost before it was registered."""
    if "ModelPackageArn" in record.parameters:
        return str(record.parameters["ModelPackageArn"])
    step = record.steps.get(REGISTER_STEP)
    return step.made if step is not None else ""


def resumed_parameters(resumption: Resumption, asked: Container[str]) -> dict[str, str]:
    """Return, as text, the run's own parameters and what only its resumption is told.

    Args:
        resumption: What is left to do.
        asked: Names of the parameters that the resume pipeline has; others are left out.
    """
    record = resumption.record
    given = {
        **{name: str(value) for name, value in record.parameters.items()},
        "RunId": record.run_id,
        "RunStartedAt": record.started_at,
        "RunPipelineName": record.pipeline_name,
        "ModelPackageArn": resumption.model_package_arn,
        "ShardManifestUri": f"{run_prefix(record)}resume/{resumption.attempt}/manifest.json",
        "ContractFingerprint": resumption.plan.contract_fingerprint,
        INSTANCE_COUNT: str(instance_count(resumption)),
    }
    return {name: value for name, value in given.items() if name in asked}


def instance_count(resumption: Resumption) -> int:
    """Return the instances that the run asked for, or the plan decided on; no more than there is work for.

    A count that the run asked for stays: the ledger tells it.
    """
    asked = resumption.record.parameters.get(INSTANCE_COUNT)
    if asked is not None:
        return int(asked)
    return max(1, min(resumption.plan.transform_instance_count, len(resumption.missing)))


def refuse(record: RunRecord, faults: list[str], start_anew: str) -> None:
    """Say that a run cannot be resumed, if there are faults.

    Raises:
        CallerError: There are; every one is named.
    """
    if faults:
        raise CallerError(
            f"run {record.run_id} cannot be resumed; put back what is gone or changed, or {start_anew}:\n"
            + "\n".join(faults)
        )


def named(names: list[str]) -> str:
    """Name the first few, and say how many more there are."""
    more = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
    return ", ".join(names[:_NAMES_TOLD]) + more
