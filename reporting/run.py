"""Report on one run: reconcile, publish the scores, measure, draw, and write the ledger.

The pointer is written last of all. If anything is wrong, what was written of the scores is removed again,
and the caller gets an error: a failed processing job uploads nothing.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract
from contracts.errors import CallerError, PlatformError
from contracts.keep_columns import kept_names
from contracts.ledger import RunCounts
from contracts.plan import ScoringPlan, Shard, ShardManifest
from contracts.progress import Progress
from contracts.stopwatch import Stopwatch, started_stopwatch
from contracts.value_histogram import add_histograms
from reporting.action_list import MadeList, make_list, no_list
from reporting.books import Books, open_books, with_late_duplicates
from reporting.distribution import ScoreDistribution, add_up, unit_distribution, wide_distribution
from reporting.drawing_engine import Render, render, warm_up
from reporting.drift_findings import DriftFindings, find_drift
from reporting.labelled_records import LabelledRecords
from reporting.last_runs import EarlierRuns, read_earlier_runs
from reporting.output_quality import measure_output_quality
from reporting.outputs import OutputsSummary, add_up_outputs, are_counted
from reporting.publish import check_publishable, write_pointer, write_success
from reporting.quality import Quality, measure_quality
from reporting.quarantine import QuarantineDigest
from reporting.reconcile import refuse
from reporting.request import ReportPaths, ReportRequest
from reporting.segments import SegmentCodes
from reporting.shards import MAX_ERRORS_KEPT, ShardDesk, ShardSettlement


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a report takes from the machine it runs on.

    Attributes:
        now: Tells the time, with a time zone.
        announce: Takes progress; called after each shard.
        worker_count: Shards that are settled side by side; at least 1.
        stopwatch: Is told what is being done.
        render: The drawing engine.
    """

    now: Callable[[], dt.datetime]
    announce: Callable[[Progress], None]
    worker_count: int = 1
    stopwatch: Stopwatch = field(default_factory=started_stopwatch)
    render: Render = render


@dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """What is known of a run whose books balance before its action list is made: all that is drawn.

    Attributes:
        request: What the report is asked for.
        contract: The contract in force.
        plan: What PrepareInput decided.
        manifest: Its shards and sources.
        counts: Records at each station.
        quarantine: Records held back.
        late_count: How many of them this report held back, because another instance read the same id.
        unscorable_examples: The first unscorable records, as (id, error).
        distribution: Of all scores; of several outputs, of the number of each record that
            `reporting.outputs` says.
        outputs: Of several outputs that are counted; else None.
        quality: Agreement with known outcomes.
        drift: What moved since training and since the last run.
        earlier: The runs published before this one.
    """

    request: ReportRequest
    contract: DatasetContract
    plan: ScoringPlan
    manifest: ShardManifest
    counts: RunCounts
    quarantine: QuarantineDigest
    late_count: int
    unscorable_examples: tuple[tuple[str, str], ...]
    distribution: ScoreDistribution
    outputs: OutputsSummary | None
    quality: Quality
    drift: DriftFindings
    earlier: EarlierRuns


@dataclass(frozen=True, kw_only=True)
class ReconciledRun(MeasuredRun):
    """Everything known of a run whose books balance.

    Attributes:
        actions: Who to act on.
    """

    actions: MadeList


@dataclass(frozen=True, kw_only=True)
class SettledRun:
    """A run whose shards are settled.

    Attributes:
        measured: What is known of it.
        desk: At which its shards were settled.
        settled: Each shard's settlement, in the order of the manifest.
    """

    measured: MeasuredRun
    desk: ShardDesk
    settled: Sequence[ShardSettlement]


def report_run(request: ReportRequest, paths: ReportPaths, around: Surroundings) -> ReconciledRun:
    """Reconcile, publish and report one run.

    Raises:
        BatchScoreError: By whose fault it is; nothing is published then.
    """
    try:
        return _report(request, paths, around)
    except BaseException as error:
        shutil.rmtree(paths.scores / request.scores_folder, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        place = f"{error.filename}: " if error.filename else ""
        raise PlatformError(
            f"{place}the report could not be read or written: {error.strerror or error}; "
            "look at space and rights on the disk of the report container, then run again"
        ) from error


def _report(request: ReportRequest, paths: ReportPaths, around: Surroundings) -> ReconciledRun:
    began_at, stopwatch = around.now(), around.stopwatch
    with ThreadPoolExecutor(max_workers=1) as background:
        writer = background.submit(stopwatch.timed("import what draws", _import_writer))
        settled = settle_run(request, paths, around)
        drawn = background.submit(
            stopwatch.timed("draw beside the action list", _draw), settled, around.render
        )
        run = publish_run(settled, paths, stopwatch)
        with stopwatch.part("wait for what draws"):
            write_report, render_drawn = writer.result(), drawn.result()
        with stopwatch.part("draw and write the report"):
            finished_at = write_report(
                paths.report,
                paths.next_history,
                run,
                began_at=began_at,
                now=around.now,
                render=render_drawn,
            )
    write_pointer(paths.pointer, request, finished_at=finished_at)
    return run


def _import_writer() -> Callable[..., str]:
    """Import what describes, start what draws, and compile the page's template, while the scores are read."""
    from reporting.document import page_template  # noqa: PLC0415 - see above
    from reporting.report_files import write_report  # noqa: PLC0415 - see above

    warm_up()
    page_template()
    return write_report


def _draw(settled: SettledRun, render: Render) -> Render:
    """Draw what is known already, for which the engine has time while the action list is made."""
    from reporting.report_files import render_with_charts_of  # noqa: PLC0415 - see above

    return render_with_charts_of(settled.measured, render)


def settle_run(request: ReportRequest, paths: ReportPaths, around: Surroundings) -> SettledRun:
    """Check the books of a run, write its scores, and measure them.

    Raises:
        InternalError: The books do not balance; the message names the faults.
    """
    stopwatch = around.stopwatch
    with stopwatch.part("read the contract"):
        contract = read_contract(_only_file(paths.contract))
        check_publishable(contract)
    with stopwatch.part("compare plan and outputs"):
        books = open_books(request, paths, contract)
    with stopwatch.part("look for late duplicates"):
        books = with_late_duplicates(books, paths, request, contract, around.worker_count)
    desk = ShardDesk(
        request=request,
        contract=contract,
        kept_names=kept_names(request.keep_columns, contract),
        kept_folder=paths.kept,
        outputs=books.outputs,
        scores_folder=paths.scores / request.scores_folder,
        ranked_folder=paths.scratch / "ranked",
        segment_codes=_segment_codes(contract),
        action_codes=_action_codes(contract),
        late_rows={name: late.rows for name, late in books.late.by_shard.items()},
    )
    shards = books.manifest.shards
    with stopwatch.part("settle and publish scores"):
        settled = _settle_all(desk, shards, around)
    counts = _counts(books, settled)
    with stopwatch.part("measure quality"):
        quality = _quality([one.labelled for one in settled], contract, desk.segment_codes)
    with stopwatch.part("measure drift"):
        drift = _drift(paths, request, contract, books, settled)
    with stopwatch.part("describe the scores"):
        distribution, outputs = _distribution(desk, shards, settled), _outputs(contract, settled)
    examples = [example for one in settled for example in one.unscorable_examples]
    measured = MeasuredRun(
        request=request,
        contract=contract,
        plan=books.plan,
        manifest=books.manifest,
        counts=counts,
        quarantine=books.quarantine,
        late_count=books.late.count,
        unscorable_examples=tuple(examples[:MAX_ERRORS_KEPT]),
        distribution=distribution,
        outputs=outputs,
        quality=quality,
        drift=drift,
        earlier=read_earlier_runs(paths.history, drift.last_run),
    )
    return SettledRun(measured=measured, desk=desk, settled=settled)


def publish_run(run: SettledRun, paths: ReportPaths, stopwatch: Stopwatch) -> ReconciledRun:
    """Make the action list of a run, and write `_SUCCESS` beside its scores."""
    with stopwatch.part("make the action list"):
        actions = _actions(run, paths)
    files = [file for one in run.settled for file in one.files]
    write_success(run.desk.scores_folder, run.measured.request, files)
    with stopwatch.part("clear up"):
        shutil.rmtree(run.desk.ranked_folder, ignore_errors=True)
    return ReconciledRun(**vars(run.measured), actions=actions)


def _only_file(folder: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "nothing"
        raise CallerError(
            f"{folder}: expected one contract file, found {names}; ContractUri must name a file"
        )
    return files[0]


def _settle_all(desk: ShardDesk, shards: Iterable[Shard], around: Surroundings) -> list[ShardSettlement]:
    """Compare and publish every shard; raise an InternalError that names the faults if any has one."""
    settled: list[ShardSettlement] = []
    settled_records = 0
    with ThreadPoolExecutor(max_workers=around.worker_count) as workers:
        for one in workers.map(around.stopwatch.timed("settle a shard", desk.settle), shards):
            settled.append(one)
            settled_records += one.record_count
            around.announce(Progress(records=settled_records))
    refuse([fault for one in settled for fault in one.faults])
    return settled


def _counts(books: Books, settled: Sequence[ShardSettlement]) -> RunCounts:
    """Return counts that are each counted at their own station, so that their sums can fail; check them."""
    counts = RunCounts(
        read=books.manifest.record_count,
        valid=books.manifest.valid_count - books.late.count,
        quarantined=sum(books.quarantine.reason_counts.values()),
        scored=sum(one.summary.record_count for one in settled),
        unscorable=sum(one.unscorable_count for one in settled),
    )
    counts.check()
    return counts


def _distribution(
    desk: ShardDesk, shards: Sequence[Shard], settled: Sequence[ShardSettlement]
) -> ScoreDistribution:
    summary = add_up(one.summary for one in settled)
    if summary.is_within_unit:
        return unit_distribution(summary)
    return wide_distribution(summary, map(desk.scores, shards, settled))


def _quality(
    parts: Sequence[LabelledRecords], contract: DatasetContract, codes: Mapping[str, SegmentCodes]
) -> Quality:
    if contract.outputs is not None:
        return measure_output_quality(parts, contract)
    return measure_quality(parts, contract, codes)


def _outputs(contract: DatasetContract, settled: Iterable[ShardSettlement]) -> OutputsSummary | None:
    if contract.outputs is None or not are_counted(contract.outputs):
        return None
    return add_up_outputs((one.outputs for one in settled if one.outputs), contract.outputs)


def _segment_codes(contract: DatasetContract) -> dict[str, SegmentCodes]:
    if contract.outputs is not None:
        return {}
    return {name: SegmentCodes(name=name) for name in contract.report.segments}


def _drift(
    paths: ReportPaths,
    request: ReportRequest,
    contract: DatasetContract,
    books: Books,
    settled: Iterable[ShardSettlement],
) -> DriftFindings:
    scores = add_histograms(*(one.histogram for one in settled))
    return find_drift(
        scores,
        plan_folder=paths.plan,
        history_folder=paths.history,
        answers=next(iter(books.outputs.values()), None),
        wire_format=request.wire_format,
        limits=contract.report.drift,
    )


def _action_codes(contract: DatasetContract) -> SegmentCodes | None:
    segment = contract.report.action_list.segment
    return None if segment is None or contract.outputs is not None else SegmentCodes(name=segment)


def _actions(run: SettledRun, paths: ReportPaths) -> MadeList:
    desk, measured = run.desk, run.measured
    if desk.contract.outputs is not None:
        return no_list(
            "An action list needs a model with one score for each record; this one has "
            f"{desk.contract.outputs.count:,} outputs."
        )
    shards = measured.manifest.shards
    values = [one.values for one in run.settled if one.values is not None]
    return make_list(
        values,
        desk.contract,
        desk.action_codes,
        lambda number, positions: desk.rows(shards[number], values[number], positions),
        paths.history,
        measured.quality,
    )
