"""Say what came of a run in AWS: the same as for a local run, read from S3, with `s3://` URIs as places."""

from __future__ import annotations

from contracts.errors import BatchScoreError
from contracts.ledger import LEDGER_FILE, REPORT_FILE, RunLedger
from runner.aws.resumption import find_resumption
from runner.aws.run_files import RunFiles
from runner.aws.run_record import AwsRun
from runner.aws.session import AwsConnection
from runner.lost_run import run_prefix
from runner.results import ResultsAt, counts_of_plan

DIGEST_SUFFIX = ".digest.html"


def results_in_aws(run: AwsRun, connection: AwsConnection) -> ResultsAt[str]:
    """Collect what came of a run, from its ledger or, for a run that got less far, from its plan."""
    uri = run_prefix(run.record)
    files = RunFiles(s3=connection.client("s3"), run_uri=uri)
    ledger, quarantine, report = files.ledger(), files.objects("quarantine"), files.objects("report")
    counts = _counts(files, ledger)
    pages = sorted(fact.uri for name, fact in quarantine.items() if name.endswith(DIGEST_SUFFIX))
    is_held_back = bool(counts.get("quarantined"))
    return ResultsAt(
        record=run.record,
        counts=counts,
        scores=ledger.uris["scores"] if ledger else None,
        quarantine=f"{uri}quarantine/" if quarantine else None,
        ledger=report[LEDGER_FILE].uri if ledger else None,
        report=report[REPORT_FILE].uri if REPORT_FILE in report else None,
        facts=ledger,
        resume_command=None if resume_refusal(run, connection) else f"batchscore resume {run.executed.arn}",
        quarantine_digest=pages[0] if pages else None,
        held_back_hint=f"{pages[0]} shows them" if pages and is_held_back else "",
    )


def resume_refusal(run: AwsRun, connection: AwsConnection) -> str:
    """Say why a run that did not end well cannot be resumed, and what to do; empty if it can."""
    try:
        find_resumption(run, connection)
    except BatchScoreError as error:
        return str(error)
    return ""


def came_to(run: AwsRun, connection: AwsConnection) -> str:
    """Say how far a run came that did not succeed: its last step, and the shards that have scores."""
    if not run.record.steps:
        return "no step began"
    name, step = list(run.record.steps.items())[-1]
    text = f"{name} {step.status}"
    files = RunFiles(s3=connection.client("s3"), run_uri=run_prefix(run.record))
    manifest = files.manifest()
    if manifest is None:
        return f"{text}; the input was not prepared"
    progress = files.progress(manifest, None)
    done = progress.shard_count - len(progress.missing)
    return (
        f"{text}; {done:,} of {progress.shard_count:,} shards have scores "
        f"({progress.scored_count:,} of {progress.record_count:,} records)"
    )


def _counts(files: RunFiles, ledger: RunLedger | None) -> dict[str, int]:
    if ledger is not None:
        return dict(vars(ledger.counts))
    plan = files.plan()
    return {} if plan is None else counts_of_plan(plan)
