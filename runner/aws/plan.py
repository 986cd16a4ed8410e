"""Foretell a run: what it reads, what it needs, how long scoring takes and what it costs. Nothing is changed.

The only thing written is the file of prices, on this machine (`runner.aws.prices`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import CallerError
from contracts.ledger import RunLedger
from contracts.payload_limits import BYTES_PER_MB
from contracts.sizing import SizingRules
from runner.aws.checks import FAILED, Check, find
from runner.aws.earlier_run import (
    PREPARE,
    REPORT,
    PlannedInput,
    ProcessingEstimate,
    earlier_ledger,
    seconds_of,
)
from runner.aws.plan_checks import PROCESSING_TYPES, Findings, look_around
from runner.aws.plan_estimate import Estimate, Work, estimate
from runner.aws.planned_pipeline import PlannedPipeline, PlanRequest, choices_of, find_pipeline_to_plan
from runner.aws.prices import Prices, Usage, find_prices
from runner.aws.quotas import InstanceNeed, check_quotas
from runner.aws.session import AwsConnection

_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What would come of a run.

    Attributes:
        account: Twelve digits.
        region: In which it would run.
        pipeline: See PlannedPipeline.
        findings: See Findings; its checks and those of quotas are in `checks`.
        checks: Everything that was looked at.
        estimates: One for each instance type to compare; empty where the input's size is not known.
        processing: Preparing and reporting; without seconds where no run has measured them.
        prices: See Prices.
    """

    account: str
    region: str
    pipeline: PlannedPipeline
    findings: Findings
    checks: tuple[Check, ...]
    estimates: tuple[Estimate, ...]
    processing: tuple[ProcessingEstimate, ...]
    prices: Prices

    @property
    def failed(self) -> list[Check]:
        """Checks that found something wrong."""
        return [check for check in self.checks if check.outcome == FAILED]


def make_plan(request: PlanRequest, connection: AwsConnection, price_folder: Path, today: dt.date) -> RunPlan:
    """Check and foretell a run.

    Args:
        request: What is to be planned.
        connection: Where.
        price_folder: Where prices are kept.
        today: UTC date, of the prices.

    Raises:
        CallerError: There is no such pipeline, or what was typed cannot be understood; all that can be
            checked is in the plan instead.
        botocore.exceptions.BotoCoreError, ClientError: Nobody is signed in.
    """
    account = connection.account_id()
    pipeline = find_pipeline_to_plan(request, connection)
    choices = choices_of(request, pipeline.values)
    types = [name for name, _ in choices]
    findings = look_around(pipeline, types, connection)
    prices = find_prices(connection, _usages(types, pipeline), price_folder, today)
    estimates = estimates_of(findings, choices, pipeline, prices)
    quotas = check_quotas(connection, _needs(estimates, types, pipeline))
    return RunPlan(
        account=account,
        region=connection.region,
        pipeline=pipeline,
        findings=findings,
        checks=(*findings.checks, *quotas),
        estimates=estimates,
        processing=_processing(findings, pipeline, prices, connection),
        prices=prices,
    )


def _usages(types: Sequence[str], pipeline: PlannedPipeline) -> list[Usage]:
    processing = [str(pipeline.values[name]) for name in PROCESSING_TYPES if name in pipeline.values]
    return [
        *(Usage(job="transform", instance_type=name) for name in types),
        *(Usage(job="processing", instance_type=name) for name in processing),
    ]


def estimates_of(
    findings: Findings,
    choices: Sequence[tuple[str, int]],
    pipeline: PlannedPipeline,
    prices: Prices | None,
    *,
    is_fixed: bool = True,
) -> tuple[Estimate, ...]:
    """Return what scoring takes for each (instance type, records a second); none where there is no sample.

    Args:
        findings: With listing and sample, if there are any.
        choices: Types to compare.
        pipeline: With its parameters.
        prices: None where they do not matter.
        is_fixed: Whether a parameter TransformInstanceCount is the count, or only the ceiling.
    """
    if findings.sample is None or findings.listing is None:
        return ()
    values = pipeline.values
    work = Work(
        record_count=max(1, findings.sample.total_record_count),
        byte_count=findings.listing.byte_count,
        shard_bytes_per_record=findings.sample.shard_bytes_per_record,
        host_count=pipeline.host_count,
        outputs_per_record=findings.contract.kept_output_count if findings.contract else 1,
        fixed_instance_count=values.get("TransformInstanceCount") if is_fixed else None,
    )
    return tuple(
        estimate(work, name, rules, prices.of("transform", name) if prices else None)
        for name, rate in choices
        if (rules := sizing_rules(values, rate)) is not None
    )


def _processing(
    findings: Findings, pipeline: PlannedPipeline, prices: Prices, connection: AwsConnection
) -> tuple[ProcessingEstimate, ...]:
    values, ledger = pipeline.values, _earlier_ledger(pipeline, connection)
    sample, listing = findings.sample, findings.listing
    planned = (
        PlannedInput(byte_count=listing.byte_count, record_count=sample.total_record_count)
        if sample and listing
        else None
    )
    jobs = {PREPARE: ("ProcessingInstanceType", pipeline.host_count), REPORT: ("ReportInstanceType", 1)}
    return tuple(
        ProcessingEstimate(
            step=step,
            instance_type=str(values[name]),
            instance_count=count,
            seconds=seconds_of(step, ledger, values, planned) if ledger and planned else None,
            usd_per_hour=prices.of("processing", str(values[name])),
            measured_by=ledger.run_id if ledger else "",
        )
        for step, (name, count) in jobs.items()
        if name in values
    )


def _earlier_ledger(pipeline: PlannedPipeline, connection: AwsConnection) -> RunLedger | None:
    """Return what the newest published run says, or None: that it does not is no fault of the run planned."""
    output_uri = str(pipeline.values.get("OutputUri", ""))
    if not output_uri:
        return None
    found = find(
        "earlier run",
        lambda: earlier_ledger(connection.client("s3"), output_uri),
        lambda ledger: ledger.run_id,
    )
    return found[0]


def sizing_rules(values: Any, records_per_second: int) -> SizingRules | None:
    """Return the rules that the parameters make; None where one has no value that is allowed."""
    ceiling = values.get("TransformInstanceCount", values.get("MaxTransformInstances"))
    sizes = [
        values.get(name) for name in ("MaxConcurrentTransforms", "MaxPayloadInMB", "TransformDeadlineMinutes")
    ]
    if ceiling is None or None in sizes:
        return None
    concurrency, payload_mb, minutes = sizes
    return SizingRules(
        max_instances=ceiling,
        max_concurrency=concurrency,
        max_payload_bytes=payload_mb * BYTES_PER_MB,
        deadline_seconds=minutes * _SECONDS_PER_MINUTE,
        records_per_second=records_per_second,
    )


def _needs(
    estimates: Sequence[Estimate], types: Sequence[str], pipeline: PlannedPipeline
) -> list[InstanceNeed]:
    """Return what the jobs need at once; at least one instance, where the input's size is not known."""
    counts = {one.instance_type: one.instance_count for one in estimates}
    values = pipeline.values
    processing = {"ProcessingInstanceType": pipeline.host_count, "ReportInstanceType": 1}
    return [
        *(
            InstanceNeed(job="transform", instance_type=name, instance_count=counts.get(name, 1))
            for name in types
        ),
        *(
            InstanceNeed(job="processing", instance_type=str(values[name]), instance_count=count)
            for name, count in processing.items()
            if name in values
        ),
    ]


def raise_for_failures(plan: RunPlan) -> None:
    """Raise a CallerError that counts the checks which failed, if one did."""
    if plan.failed:
        names = ", ".join(dict.fromkeys(check.name for check in plan.failed))
        raise CallerError(f"{len(plan.failed)} checks failed: {names}")
