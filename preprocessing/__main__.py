"""The preprocessing container: `python3 -m preprocessing prepare|plan|baseline --name value …`.

`prepare` turns the source objects into shards, kept files, quarantine and a plan (or a part of one); `plan`
adds the parts of several instances up; `baseline` describes training data and takes no arguments. Ends with
the exit code of `contracts.errors`, and leaves the reason of a failure where SageMaker looks for it.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contracts import container_paths as paths
from contracts.atomic_files import write_bytes, write_json
from contracts.errors import EXIT_SUCCEEDED, BatchScoreError, InternalError, PlatformError
from contracts.memory import tune_memory
from contracts.model_artifact import BASELINE_FILE
from contracts.process_end import end_process
from contracts.progress import Progress, format_progress
from contracts.stopwatch import Stopwatch, started_stopwatch, timings_line
from preprocessing import csv_engine
from preprocessing.arguments import Arguments, read_arguments
from preprocessing.baseline import build_baseline
from preprocessing.hosts import read_hosts
from preprocessing.plan_parts import (
    read_parts,
    read_profiles,
    write_added_plan,
    write_added_profile,
    write_part,
)
from preprocessing.prepare import only_file, prepare
from preprocessing.prepare_request import Folders, PrepareRequest

PROGRESS_INTERVAL_SECONDS = 0.5
STARTED_FILE = "run.json"
"""Says only that a run was here: an empty prefix would fail the job that reads it."""

MAX_THREADS = 16


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the container's command and return its exit code."""
    root = paths.ml_root(environment)
    try:
        if list(argv) == ["baseline"]:
            _describe(root)
        else:
            _run(read_arguments(argv), root, started_stopwatch())
    except BatchScoreError as error:
        return _fail(root, error)
    except OSError as error:
        return _fail(root, platform_error(error))
    except Exception as error:  # noqa: BLE001 - the last resort: the log gets the trace, the job its reason
        traceback.print_exc()
        return _fail(root, InternalError(f"unexpected {type(error).__name__}: {error}; see the job's log"))
    return EXIT_SUCCEEDED


def _run(arguments: Arguments, root: Path, stopwatch: Stopwatch) -> None:
    """Do a job of the pipeline, and say where its time went, also if it failed."""
    tune_memory()
    try:
        if arguments.command == "plan":
            with stopwatch.part("add the plans up"):
                _add_plans(arguments, root)
        else:
            _prepare(arguments, root, stopwatch)
    finally:
        sys.stdout.write(timings_line(stopwatch))
        sys.stdout.flush()


def _add_plans(arguments: Arguments, root: Path) -> None:
    plan_folder = paths.inside(root, paths.PLAN_OUTPUT)
    parts = read_parts(paths.inside(root, paths.PLAN_INPUT))
    write_added_plan(plan_folder, parts, arguments.sizing)
    write_added_profile(plan_folder, read_profiles(paths.inside(root, paths.PLAN_INPUT)))


def _prepare(arguments: Arguments, root: Path, stopwatch: Stopwatch) -> None:
    plan_folder = paths.inside(root, paths.PLAN_OUTPUT)
    if not csv_engine.is_native():
        sys.stderr.write(f"note: {csv_engine.MISSING_NOTE}\n")
    request = _request(arguments, root)
    history = paths.inside(root, paths.HISTORY_OUTPUT)
    write_json(history / STARTED_FILE, {"instance": request.host})
    manifest, profile = prepare(request, _throttled(time.monotonic), stopwatch)
    with stopwatch.part("write plan and manifest"):
        write_part(plan_folder, request.host, manifest, profile)
        if not arguments.is_part:
            write_added_plan(plan_folder, [manifest], arguments.sizing)
            write_added_profile(plan_folder, [profile])


def _describe(root: Path) -> None:
    contract = only_file(paths.inside(root, paths.CONTRACT_INPUT))
    baseline = build_baseline(paths.inside(root, paths.SOURCE_INPUT), contract)
    write_json(paths.inside(root, paths.PLAN_OUTPUT) / BASELINE_FILE, baseline.document())


def _request(arguments: Arguments, root: Path) -> PrepareRequest:
    folders = Folders(
        source=paths.inside(root, paths.SOURCE_INPUT),
        contract=paths.inside(root, paths.CONTRACT_INPUT),
        shards=paths.inside(root, paths.SHARDS_OUTPUT),
        kept=paths.inside(root, paths.KEPT_OUTPUT),
        quarantine=paths.inside(root, paths.QUARANTINE_OUTPUT),
        scratch=paths.inside(root, paths.SCRATCH),
    )
    for folder in (folders.shards, folders.kept, folders.quarantine):
        folder.mkdir(parents=True, exist_ok=True)
    return PrepareRequest(
        folders=folders,
        input_uri=arguments.input_uri,
        input_format=arguments.input_format,
        keep_columns=arguments.keep_columns,
        wire_name=arguments.wire_name,
        sizing=arguments.sizing,
        hosts=read_hosts(paths.inside(root, paths.RESOURCE_CONFIG)),
        thread_count=min(os.cpu_count() or 1, MAX_THREADS),
    )


def _throttled(seconds: Callable[[], float]) -> Callable[[Progress], None]:
    """Return a printer of progress that stays silent between two intervals."""
    last = [-PROGRESS_INTERVAL_SECONDS]

    def report(progress: Progress) -> None:
        if progress.bytes_done == progress.bytes_total or seconds() - last[0] >= PROGRESS_INTERVAL_SECONDS:
            last[0] = seconds()
            sys.stdout.write(format_progress(progress) + "\n")
            sys.stdout.flush()

    return report


def platform_error(error: OSError) -> PlatformError:
    """Say where the machine failed and what to do."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "no disk space is left; give the job a larger volume or free some space, then run again"
        return PlatformError(f"{place}{remedy}")
    return PlatformError(f"{place}{error.strerror or error}; check the machine's disk and run again")


def _fail(root: Path, error: BatchScoreError) -> int:
    message = str(error)
    sys.stderr.write(message + "\n")
    try:
        write_bytes(paths.inside(root, paths.FAILURE_MESSAGE), message.encode())
    except OSError as write_error:
        sys.stderr.write(f"the failure message could not be written: {write_error}\n")
    return error.exit_code


if __name__ == "__main__":
    gc.freeze()  # what was imported stays: it need not be looked through at every collection
    end_process(main(sys.argv[1:], os.environ))
