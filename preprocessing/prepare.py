"""Prepare source objects for scoring: read, validate, quarantine, cut shards, plan.

    source objects ─► blocks ─► typed valid records ─► shards/ + kept/
                                └► quarantine/           plan/
    shards with repeated ids ─► the same without them (`duplicates`)

Goes in: the folders of one processing job and what the caller wants. Comes out: files in the output folders
and the manifest of what was done. Blocks are parsed and checked, and shards are built, on a few threads;
results are taken in the order of the source, so the same input and arguments give the same files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from contracts.atomic_files import write_bytes
from contracts.contract_file import check_patterns, read_contract
from contracts.contract_outputs import check_wire
from contracts.data_profile import DataProfile
from contracts.dataset import VECTOR_INPUT, DatasetContract
from contracts.errors import CallerError
from contracts.keep_columns import kept_file_names
from contracts.plan import Shard, ShardManifest, SourceObject, duplicates_name
from contracts.progress import Progress
from contracts.quarantine import SourceForm
from contracts.repeated_digests import DigestBatch
from contracts.sizing import PAYLOAD_FILL_FRACTION, SourceSample, records_per_shard
from contracts.stopwatch import Stopwatch
from contracts.wire import wire_format
from preprocessing.checked_block import check_block
from preprocessing.duplicate_records import DuplicateReader, SecondReading
from preprocessing.duplicates import ShardFolders, find_duplicates, shards_without
from preprocessing.id_watch import IdWatch
from preprocessing.input_checks import check_formats, check_image_library
from preprocessing.ordered_work import ordered_map
from preprocessing.prepare_request import PrepareRequest
from preprocessing.profile import ProfileDesk, counted_records, stride_for
from preprocessing.quarantine_file import QuarantineFile, load_page
from preprocessing.readers import read_blocks
from preprocessing.record_places import with_places
from preprocessing.records import QuarantinedRecord, RecordBlock
from preprocessing.shard_files import ShardFile, build_shard_files, shard_content
from preprocessing.sharding import ShardCutter
from preprocessing.source_objects import SourceFile, find_source_files

SAMPLE_RECORDS = 20_000
"""Written once to measure how many bytes a record takes in a shard."""


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A block on its way to a thread."""

    source_index: int
    number: int
    block: RecordBlock


@dataclass(frozen=True, kw_only=True)
class _CheckedBlock:
    """What became of one block."""

    source_index: int
    number: int
    source_bytes_done: int
    record_count: int
    valid: pa.Table
    id_digests: DigestBatch
    quarantined: list[QuarantinedRecord]
    source_form: SourceForm
    counted: pa.Table


def prepare(
    request: PrepareRequest, report: Callable[[Progress], None], stopwatch: Stopwatch
) -> tuple[ShardManifest, DataProfile]:
    """Prepare everything below the source folder; return its shards, and how its features are distributed.

    Args:
        request: What to do.
        report: Is told the progress after each block.
        stopwatch: Is told what is being done.

    Raises:
        CallerError: The input or the contract is wrong.
    """
    started = stopwatch.seconds
    with stopwatch.part("read the contract"):
        contract_path = only_file(request.folders.contract)
        contract = read_contract(contract_path)
        check_patterns(contract, name=contract_path.name)
        check_wire(contract, request.wire_name)
        check_image_library(contract)
    files = find_source_files(request.folders.source, request.input_format)
    if not files and request.hosts.count == 1:  # of several instances, one may have got none
        raise CallerError(
            f"{request.input_uri}: there are no source objects below InputUri; expected at least one"
        )
    check_formats(files, request.input_format, contract)
    executor = ThreadPoolExecutor(max_workers=request.thread_count)
    try:
        with (
            stopwatch.part("write the quarantine"),
            IdWatch(request.folders.scratch) as watch,
            QuarantineFile(request.folders.quarantine, request.host) as quarantine,
        ):
            executor.submit(load_page)  # whatever goes wrong with that is raised when the page is rendered
            run = _Preparation(request, contract, files, quarantine, watch, stopwatch)
            with stopwatch.part("wait for checking and shards"):
                shards = tuple(run.shards(executor, report))
            with stopwatch.part("look for duplicate ids"):
                shards = run.without_duplicates(executor, shards)
    finally:
        executor.shutdown(cancel_futures=True)
    manifest = ShardManifest(
        shards=shards,
        sources=run.sources(),
        reason_counts=dict(sorted(quarantine.reason_counts.items())),
        prepare_seconds=round(stopwatch.seconds - started, 3),
        contract_fingerprint=contract.fingerprint,
        wire_format=request.wire_name,
    )
    return manifest, run.profile_desk.profile()


def only_file(folder: Path) -> Path:
    """Return the one file in the contract's folder.

    Raises:
        CallerError: There is none, or more than one.
    """
    files = sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []
    if len(files) != 1:
        names = ", ".join(path.name for path in files[:5]) or "none"
        raise CallerError(f"{folder}: expected exactly one contract, found {names}; check ContractUri")
    return files[0]


class _Preparation:
    """The state of one preparation: counts by source object, shards cut so far."""

    def __init__(
        self,
        request: PrepareRequest,
        contract: DatasetContract,
        files: list[SourceFile],
        quarantine: QuarantineFile,
        watch: IdWatch,
        stopwatch: Stopwatch,
    ) -> None:
        self._request = request
        self._contract = contract
        self._kept_names = kept_file_names(request.keep_columns, contract)
        self._files = files
        self._quarantine = quarantine
        self._watch = watch
        self._stopwatch = stopwatch
        self._record_counts = [0] * len(files)
        self._quarantined_counts = [0] * len(files)
        self._total_bytes = sum(file.byte_count for file in files)
        self._max_record_bytes = request.sizing.max_record_bytes(
            len(contract.sent_names) + 1, request.wire_name, has_lists=contract.exclude is not None
        )
        payload_bytes = int(request.sizing.max_payload_bytes * PAYLOAD_FILL_FRACTION)
        self._max_shard_bytes = None if contract.model_input == VECTOR_INPUT else payload_bytes
        self._window = request.thread_count + 1
        self._stride = stride_for(self._total_bytes)
        self.profile_desk = ProfileDesk(contract, self._stride)

    def sources(self) -> tuple[SourceObject, ...]:
        """Return what was read of each source object."""
        counts = zip(self._files, self._record_counts, self._quarantined_counts, strict=True)
        return tuple(
            SourceObject(
                source_key=file.source_key,
                byte_count=file.byte_count,
                record_count=record_count,
                quarantined_count=quarantined_count,
            )
            for file, record_count, quarantined_count in counts
        )

    def shards(self, executor: Executor, report: Callable[[Progress], None]) -> Iterator[Shard]:
        """Do the work and yield each shard when it is written."""
        blocks = self._stopwatch.each("read source objects", self._blocks())
        check = self._stopwatch.timed("check records", self._check)
        checked = ordered_map(executor, check, blocks, self._window)
        build = functools.partial(
            self._stopwatch.timed("build shards", build_shard_files),
            contract=self._contract,
            kept_names=self._kept_names,
            wire_name=self._request.wire_name,
            max_payload_bytes=self._request.sizing.max_payload_bytes,
        )
        built = ordered_map(executor, build, self._cut(checked, report), self._window)
        files = enumerate(file for files in built for file in files)
        write = self._stopwatch.timed("write shards", self._write)
        yield from ordered_map(executor, write, files, self._window)
        total = self._total_bytes
        report(Progress(records=sum(self._record_counts), bytes_done=total, bytes_total=total))

    def without_duplicates(self, executor: Executor, shards: tuple[Shard, ...]) -> tuple[Shard, ...]:
        """Quarantine valid records that share an id, as the contract says; return the shards without them."""
        folders, contract = self._request.folders, self._contract
        duplicates = find_duplicates(self._watch, shards, folders.kept, contract, executor)
        if duplicates is None:
            return shards
        reading = SecondReading(
            files=self._files,
            input_format=self._request.input_format,
            contract=contract,
            wire_name=self._request.wire_name,
            max_record_bytes=self._max_record_bytes,
            window=self._window,
        )
        reader = DuplicateReader(reading, self._watch, duplicates)
        for duplicate in reader.records(executor):
            self._quarantined_counts[duplicate.source_index] += 1
            source_key = self._files[duplicate.source_index].source_key
            self._quarantine.add(source_key, duplicate.source_form, duplicate.record)
        if self._request.hosts.count > 1:
            reader.write_places(folders.kept / duplicates_name(self._request.hosts.index))
        written = ShardFolders(shards=folders.shards, kept=folders.kept, wire_name=self._request.wire_name)
        return shards_without(shards, duplicates.ordinals[duplicates.is_leaving], written, executor)

    def _blocks(self) -> Iterator[_Block]:
        for source_index, file in enumerate(self._files):
            for number, block in enumerate(
                read_blocks(file, self._request.input_format, self._contract, self._max_record_bytes)
            ):
                yield _Block(source_index=source_index, number=number, block=block)

    def _check(self, given: _Block) -> _CheckedBlock:
        checked = check_block(given.block, self._contract, self._request.wire_name, self._kept_names)
        valid = checked.valid
        if self._request.hosts.count > 1:
            source_key = self._files[given.source_index].source_key
            valid = with_places(valid, source_key, given.block.line_numbers(checked.valid_indices))
        return _CheckedBlock(
            source_index=given.source_index,
            number=given.number,
            source_bytes_done=given.block.source_bytes_done,
            record_count=given.block.record_count,
            valid=valid,
            id_digests=self._watch.digests(valid.column(self._contract.id_field)),
            quarantined=checked.quarantined,
            source_form=given.block.source_form,
            counted=counted_records(valid, self._contract, stride=self._stride),
        )

    def _cut(
        self, checked: Iterator[_CheckedBlock], report: Callable[[Progress], None]
    ) -> Iterator[pa.Table]:
        cutter: ShardCutter | None = None
        for block in checked:
            with self._stopwatch.part("count, and hold back"):
                self._count(block)
            report(self._progress(block))
            if block.valid.num_rows:
                cutter = cutter or ShardCutter(self._records_per_shard(block), self._max_shard_bytes)
                yield from cutter.add(block.valid)
        if cutter is not None:
            yield from cutter.rest()

    def _count(self, block: _CheckedBlock) -> None:
        self._watch.add(block.source_index, block.number, block.id_digests)
        self.profile_desk.add(block.counted)
        self._record_counts[block.source_index] += block.record_count
        self._quarantined_counts[block.source_index] += len(block.quarantined)
        for record in block.quarantined:
            self._quarantine.add(self._files[block.source_index].source_key, block.source_form, record)

    def _progress(self, block: _CheckedBlock) -> Progress:
        before = sum(file.byte_count for file in self._files[: block.source_index])
        return Progress(
            records=sum(self._record_counts),
            bytes_done=before + block.source_bytes_done,
            bytes_total=self._total_bytes,
        )

    def _records_per_shard(self, first: _CheckedBlock) -> float:
        """Decide the size of all shards from the first block with a valid record."""
        bytes_per_record: float | None = None
        wire_name = self._request.wire_name
        if wire_format(wire_name).has_columns:
            sample = first.valid.slice(0, SAMPLE_RECORDS)
            bytes_per_record = len(shard_content(sample, self._contract, wire_name)) / sample.num_rows
        before = self._files[: first.source_index]
        counted = sum(self._record_counts)
        return records_per_shard(
            SourceSample(
                record_count=counted,
                byte_count=sum(file.byte_count for file in before) + first.source_bytes_done,
                total_byte_count=self._total_bytes,
                shard_bytes_per_record=bytes_per_record,
                host_count=self._request.hosts.count,
                outputs_per_record=self._contract.kept_output_count,
            ),
            self._request.sizing,
        )

    def _write(self, numbered: tuple[int, ShardFile]) -> Shard:
        number, file = numbered
        suffix = wire_format(self._request.wire_name).shard_suffix
        shard = Shard(
            name=f"shard-{self._request.hosts.index:02d}-{number:05d}{suffix}",
            record_count=file.record_count,
            byte_count=len(file.content),
            sha256=file.sha256,
            kept_sha256=file.kept_sha256,
        )
        write_bytes(self._request.folders.shards / shard.name, file.content)
        write_bytes(self._request.folders.kept / shard.kept_name, file.kept)
        return shard
