"""`batchscore plan`: what a run in AWS would read, need, take and cost, before anything is started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from runner.aws.earlier_run import ProcessingEstimate
from runner.aws.plan import RunPlan, raise_for_failures
from runner.aws.plan_estimate import Estimate
from runner.console import print_wide

LEAST_SHOWN = 0.0001


def show_plan(plan: RunPlan, *, as_json: bool) -> None:
    """Print a plan.

    Raises:
        CallerError: A check failed; all of them were printed.
    """
    if as_json:
        typer.echo(json.dumps(plan_document(plan), indent=2))
    else:
        typer.echo(f"region {plan.region}, account {plan.account}")
        print_wide(_check_table(plan))
        if plan.estimates:
            typer.echo("")
            print_wide(_estimate_table(plan))
        typer.echo("")
        for note in notes(plan):
            typer.echo(f"- {note}")
    raise_for_failures(plan)


def plan_document(plan: RunPlan) -> dict[str, Any]:
    """Return a plan as it is printed for scripts."""
    listing, sample, contract = plan.findings.listing, plan.findings.sample, plan.findings.contract
    return {
        "account": plan.account,
        "region": plan.region,
        "role_arn": plan.pipeline.role_arn,
        "parameters": dict(plan.pipeline.values),
        "input": listing
        and {
            "uri": listing.uri,
            "object_count": len(listing.objects),
            "empty_object_count": listing.empty_count,
            "byte_count": listing.byte_count,
        },
        "contract_fingerprint": contract and contract.fingerprint,
        "sample": sample and asdict(sample),
        "estimates": [_estimate_document(one) for one in plan.estimates],
        "processing": [{**asdict(job), "cost_usd": job.cost_usd} for job in plan.processing],
        "prices": [
            {**asdict(usage), **asdict(price), "file": str(price.file)}
            for usage, price in plan.prices.by_usage.items()
        ],
        "checks": [asdict(check) for check in plan.checks],
        "notes": list(notes(plan)),
    }


def _estimate_document(one: Estimate) -> dict[str, Any]:
    computed = ("instance_hours", "cost_usd", "cost_per_million_usd")
    return {**asdict(one), **{name: getattr(one, name) for name in computed}}


def _check_table(plan: RunPlan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("outcome", "check", "found"):
        table.add_column(name)
    for check in plan.checks:
        style = {"passed": "green", "failed": "bold red"}.get(check.outcome, "yellow")
        table.add_row(Text(check.outcome, style=style), Text(check.name), Text(check.words))
    return table


def _estimate_table(plan: RunPlan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("scoring on")
    for name in ("records/s each", "shards", "instances", "least busy", "time", "instance-hours"):
        table.add_column(name, justify="right")
    for name in ("USD an hour", "USD a run", "USD a million records"):
        table.add_column(name, justify="right")
    for one in plan.estimates:
        table.add_row(
            Text(one.instance_type),
            f"{one.records_per_second:,}",
            f"{one.shard_count:,}",
            f"{one.instance_count:,}",
            f"{one.least_busy_fraction:.1%}",
            _duration(one.scoring_seconds),
            *(
                _figure(value)
                for value in (one.instance_hours, one.usd_per_hour, one.cost_usd, one.cost_per_million_usd)
            ),
        )
    return table


def notes(plan: RunPlan) -> Iterator[str]:
    """Yield what the figures rest on, and what is not in them."""
    sample, listing = plan.findings.sample, plan.findings.listing
    if sample and listing:
        how = (
            "counted"
            if sample.is_exact
            else f"estimated from a sample of {sample.record_count:,} records in {sample.byte_count:,} bytes "
            f"from {sample.object_count} of {len(listing.objects):,} objects"
        )
        yield f"{sample.total_record_count:,} records: {how}"
    if plan.estimates:
        yield (
            "records/s each is an assumption (RecordsPerSecondPerInstance, or --instance-type TYPE=RATE): "
            "measure it with a run"
        )
        yield from _deadline_notes(plan)
    yield "time and cost in the table are those of scoring; the time that jobs take to start is not included"
    if plan.estimates:
        yield (
            "least busy: the part of that time for which the instance with least to do is busy, "
            "where no shard is slow and no request fails"
        )
    yield from (_processing_note(job) for job in plan.processing)
    yield "disks, S3 and other services are not in the cost"
    yield from _price_notes(plan)


def _deadline_notes(plan: RunPlan) -> Iterator[str]:
    minutes = int(plan.pipeline.values["TransformDeadlineMinutes"])
    for one in plan.estimates:
        if one.scoring_seconds > minutes * 60:
            yield (
                f"{one.instance_type}: scoring takes longer than TransformDeadlineMinutes {minutes}; "
                "allow more instances"
            )


def _processing_note(job: ProcessingEstimate) -> str:
    name = f"{job.step} on {job.instance_count} x {job.instance_type}"
    if job.seconds is None:
        price = "" if job.usd_per_hour is None else f"; an hour of one costs USD {_figure(job.usd_per_hour)}"
        return f"{name}: time not known, no published run on such instances has measured it{price}"
    cost = "at a price that is not known" if job.cost_usd is None else f"for USD {_figure(job.cost_usd)}"
    return f"{name}: {_duration(job.seconds)} {cost}, by what run {job.measured_by} measured"


def _price_notes(plan: RunPlan) -> Iterator[str]:
    files = sorted({(price.asked_on, str(price.file)) for price in plan.prices.by_usage.values()})
    for asked_on, file in files:
        yield f"prices of {asked_on} (AWS Price List API, on demand): {file}"
    if plan.prices.why_unknown:
        yield f"prices that are not known: {plan.prices.why_unknown}"


def _figure(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:,.4f}" if value >= LEAST_SHOWN else f"< {LEAST_SHOWN:.4f}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
