"""`python3 -m reporting`: reconcile one run, report it and publish its scores; or draw pages again."""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from contracts import container_paths
from contracts.atomic_files import write_bytes
from contracts.container_paths import inside, ml_root
from contracts.errors import EXIT_SUCCEEDED, BatchScoreError, InternalError
from contracts.memory import tune_memory
from contracts.process_end import end_process
from contracts.progress import Progress, format_progress
from contracts.stopwatch import started_stopwatch, timings_line
from reporting.drawing import DRAWINGS, draw_page
from reporting.request import ReportPaths, parse_request
from reporting.run import Surroundings, report_run

SECONDS_BETWEEN_PROGRESS = 0.5


def main() -> int:
    """Run what the process's arguments ask for, in its environment; return the exit code."""
    root = ml_root(os.environ)
    tune_memory()
    try:
        if len(sys.argv) == 2 and sys.argv[1] in DRAWINGS:
            draw_page(sys.argv[1], root)
        else:
            _report(root)
    except BatchScoreError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - the last place that can say what went wrong
        traceback.print_exc()
        failure = InternalError(f"the report failed unexpectedly: {error!r}; the log has the traceback")
    else:
        return EXIT_SUCCEEDED
    _tell(failure, inside(root, container_paths.FAILURE_MESSAGE))
    return failure.exit_code


def _report(root: Path) -> None:
    request = parse_request(sys.argv[1:])
    around = Surroundings(
        now=lambda: dt.datetime.now(dt.timezone.utc),
        announce=_announcer(time.monotonic),
        worker_count=os.cpu_count() or 1,
        stopwatch=started_stopwatch(),
    )
    try:
        run = report_run(request, ReportPaths.below(root), around)
        _say(format_progress(Progress(records=run.counts.valid)))
    finally:
        _say(timings_line(around.stopwatch).rstrip())


def _tell(failure: BatchScoreError, message_path: Path) -> None:
    """Say what went wrong on standard error, and where the service looks for the failure reason."""
    print(failure, file=sys.stderr)  # noqa: T201 - standard error is the container's log
    try:
        write_bytes(message_path, str(failure).encode())
    except OSError as error:
        print(f"{message_path}: cannot be written: {error}", file=sys.stderr)  # noqa: T201 - as above


def _announcer(clock: Callable[[], float]) -> Callable[[Progress], None]:
    """Return a function that says progress at most twice a second."""
    last_said = clock()

    def announce(progress: Progress) -> None:
        nonlocal last_said
        if clock() - last_said >= SECONDS_BETWEEN_PROGRESS:
            last_said = clock()
            _say(format_progress(progress))

    return announce


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - progress is read from standard output


if __name__ == "__main__":
    end_process(main())
