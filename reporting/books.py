"""What the steps before the report state of a run, once they agree about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from contracts.dataset import DatasetContract
from contracts.plan import MANIFEST_FILE, ScoringPlan, ShardManifest, read_manifest, read_plan
from reporting.late_duplicates import KeptFiles, LateDuplicates, find_late_duplicates
from reporting.late_quarantine import check_late_budget, with_late_counts, write_late_quarantine
from reporting.quarantine import QuarantineDigest, add_up_quarantine, read_quarantine
from reporting.reconcile import check_contract, output_faults, plan_faults, quarantine_faults, refuse
from reporting.request import ReportPaths, ReportRequest


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the steps before this one state, and agree about.

    Attributes:
        plan: What PrepareInput decided.
        manifest: Its shards and sources.
        quarantine: Records held back.
        outputs: Path of each output by its file name, one for each shard.
        late: Records in shards that must not be published.
    """

    plan: ScoringPlan
    manifest: ShardManifest
    quarantine: QuarantineDigest
    outputs: dict[str, Path]
    late: LateDuplicates = field(default_factory=LateDuplicates)


def open_books(request: ReportRequest, paths: ReportPaths, contract: DatasetContract) -> Books:
    """Read everything but the shards, and refuse what disagrees.

    Raises:
        CallerError: The shards were made under another contract or wire format.
        InternalError: Plan, manifest, outputs and quarantine disagree.
    """
    plan, manifest = read_plan(paths.plan), read_manifest(paths.plan / MANIFEST_FILE)
    check_contract(plan, contract_fingerprint=contract.fingerprint, wire_format=request.wire_format)
    outputs = sorted(paths.transform.rglob("*.out"))
    quarantine = read_quarantine(paths.quarantine)
    refuse(
        plan_faults(plan, manifest)
        + output_faults(manifest.shards, [path.name for path in outputs])
        + quarantine_faults(manifest.reason_counts, quarantine.reason_counts)
    )
    by_name = {path.name: path for path in outputs}
    return Books(plan=plan, manifest=manifest, quarantine=quarantine, outputs=by_name)


def with_late_duplicates(
    books: Books, paths: ReportPaths, request: ReportRequest, contract: DatasetContract, worker_count: int
) -> Books:
    """Hold back what several prepare instances could not know to be duplicates.

    Raises:
        RunFailedError: The run is over its error budget then.
    """
    files = KeptFiles(
        folder=paths.kept,
        shards=books.manifest.shards,
        contract=contract,
        scratch=paths.scratch,
        worker_count=worker_count,
    )
    late = find_late_duplicates(files)
    if not late.count:
        return books
    quarantined = books.manifest.quarantined_count + late.count
    check_late_budget(request.budget, books.manifest.record_count, quarantined, late)
    written = write_late_quarantine(paths.late_quarantine, files, late)
    return replace(
        books,
        manifest=with_late_counts(books.manifest, late),
        quarantine=add_up_quarantine(books.quarantine, written),
        late=late,
    )
